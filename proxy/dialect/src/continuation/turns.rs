//! The turns that are added to a conversation.

use super::Tier;
use crate::Dialect;
use crate::ask::member;
use crate::request::history::{items, list, replace};
use crate::scan::text_of;

/// How much of the answer's end the user's turn quotes, in characters.
const QUOTED: usize = 250;

/// The value of `messages` or `input` with what was said, and with the turn that asks for the rest where there is to
/// be one; `None` when the value is no conversation.
pub(super) fn extend(dialect: Dialect, turns: &str, said: &str, tier: Tier) -> Option<String> {
    // Blanks at the end of the last message are refused by some; the seam gives them back.
    let partial = if tier == Tier::Prefill { said.trim_end() } else { said };
    let mut all: Vec<String> = if turns.starts_with('[') {
        items(turns).into_iter().map(str::to_owned).collect()
    } else {
        vec![message("user", &text_of(turns)?)]
    };
    match all.last().and_then(|last| joined(dialect, last, partial)) {
        Some(joined) => *all.last_mut()? = joined,
        None => all.push(message("assistant", partial)),
    }
    if tier == Tier::Instruct {
        all.push(message("user", &instruction(said)));
    }
    Some(list(&all))
}

/// The last turn with what was said at its end, where the caller itself had begun the answer.
fn joined(dialect: Dialect, last: &str, partial: &str) -> Option<String> {
    let is_assistants = member(last, "role").and_then(text_of).as_deref() == Some("assistant");
    if !is_assistants || member(last, "tool_calls").is_some_and(|calls| calls != "null") {
        return None;
    }
    let content = member(last, "content")?;
    let content = if content.starts_with('[') {
        let kind = if dialect == Dialect::Responses { "output_text" } else { "text" };
        let part = format!(r#"{{"type":"{kind}","text":{}}}"#, quoted(partial));
        let parts: Vec<String> = items(content).into_iter().map(str::to_owned).chain([part]).collect();
        list(&parts)
    } else {
        quoted(&format!("{}{partial}", text_of(content)?))
    };
    Some(replace(last, "content", &content))
}

fn message(role: &str, text: &str) -> String {
    format!(r#"{{"role":"{role}","content":{}}}"#, quoted(text))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn instruction(said: &str) -> String {
    format!(
        "[automatic continuation] A network failure cut your previous reply off. Its last words were:\n\
         <last_words>{}</last_words>\n\
         Continue from exactly that point: if it stopped inside a word, begin with the rest of that word. Output \
         only the continuation, with no preamble, no apology and no repetition of anything that you have said \
         already, in the same language and format.",
        tail(said)
    )
}

/// The last words, from the beginning of one.
fn tail(said: &str) -> &str {
    let said = said.trim_end();
    let from = said.char_indices().rev().nth(QUOTED).map_or(0, |(at, _)| at);
    let tail = &said[from..];
    // Some texts have no blanks at all.
    let word = tail.find(char::is_whitespace).filter(|&at| from > 0 && at < tail.len() / 4);
    word.map_or(tail, |at| tail[at..].trim_start())
}
