//! Removes from a history what another issuer sealed.
//!
//! Reasoning is signed for the model that thought it. Replayed to any other it is refused, in this turn and
//! in every later one, so it must go before the request leaves; the rest of the conversation stays as it is,
//! byte for byte.

use crate::ask::member;
use crate::scan::{Scanner, text_of, unescape};
use crate::{Dialect, mark};

/// Which reasoning goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strip {
    /// What Sidestep marked as another vendor's.
    Marked,
    /// All of it: the model that thought it is not the one that is asked now.
    All,
}

const SEALS: [&str; 3] = ["signature", "data", "encrypted_content"];

/// Reasoning fields that vendors add to Chat Completions messages.
const CHAT_REASONING: [&str; 3] = ["reasoning_content", "reasoning", "reasoning_details"];

/// The value of `messages` or `input` without that reasoning; `None` when there is none of it.
pub(super) fn strip(dialect: Dialect, turns: &str, strip: Strip) -> Option<String> {
    if !turns.starts_with('[') {
        return None;
    }
    let mut kept = Vec::new();
    let mut changed = false;
    for turn in items(turns) {
        let new = match dialect {
            Dialect::Anthropic => message(turn, strip),
            Dialect::OpenAi if strip == Strip::All => chat_message(turn),
            Dialect::OpenAi => Kept::AsIs,
            Dialect::Responses => item(turn, strip),
        };
        changed |= !matches!(new, Kept::AsIs);
        match new {
            Kept::AsIs => kept.push(turn.to_owned()),
            Kept::Changed(new) => kept.push(new),
            Kept::Gone => {}
        }
    }
    changed.then(|| list(&kept))
}

/// Chat messages with `system` in place of `developer`; `None` when there is none.
pub(super) fn without_developer(turns: &str) -> Option<String> {
    let is_developer = |turn: &str| member(turn, "role") == Some("\"developer\"");
    let turns = items(turns);
    turns.iter().any(|turn| is_developer(turn)).then(|| {
        let renamed = turns.iter().map(|turn| {
            if is_developer(turn) { replace(turn, "role", "\"system\"") } else { (*turn).to_owned() }
        });
        list(&renamed.collect::<Vec<_>>())
    })
}

enum Kept {
    AsIs,
    Changed(String),
    Gone,
}

fn message(turn: &str, strip: Strip) -> Kept {
    let Some(content) = member(turn, "content").filter(|content| content.starts_with('[')) else {
        return Kept::AsIs;
    };
    let parts = items(content);
    let goes = |part: &&str| {
        let kind = member(part, "type").and_then(text_of);
        matches!(kind.as_deref(), Some("thinking" | "redacted_thinking"))
            && (strip == Strip::All || is_marked(part))
    };
    let kept: Vec<&str> = parts.iter().filter(|part| !goes(part)).copied().collect();
    match kept.len() {
        all if all == parts.len() => Kept::AsIs,
        0 => Kept::Gone,
        _ => Kept::Changed(replace(turn, "content", &list(&kept))),
    }
}

fn chat_message(turn: &str) -> Kept {
    let entries = entries(turn);
    let kept: Vec<_> =
        entries.iter().filter(|(key, _)| !CHAT_REASONING.contains(&&*unescape(key))).copied().collect();
    if kept.len() == entries.len() { Kept::AsIs } else { Kept::Changed(object(&kept)) }
}

/// Items lose their ids with the reasoning: an id that was stored next to a reasoning item calls for it.
fn item(turn: &str, strip: Strip) -> Kept {
    let is_reasoning = member(turn, "type") == Some("\"reasoning\"");
    match strip {
        Strip::Marked if is_reasoning && is_marked(turn) => Kept::Gone,
        Strip::Marked => Kept::AsIs,
        Strip::All if is_reasoning => Kept::Gone,
        Strip::All => {
            let entries = entries(turn);
            let kept: Vec<_> = entries.iter().filter(|(key, _)| *key != "id").copied().collect();
            if kept.len() == entries.len() { Kept::AsIs } else { Kept::Changed(object(&kept)) }
        }
    }
}

fn is_marked(part: &str) -> bool {
    SEALS.iter().any(|seal| member(part, seal).and_then(text_of).is_some_and(|token| mark::is_own(&token)))
}

/// An object's raw keys and values; none when it is no object.
pub(crate) fn entries(raw: &str) -> Vec<(&str, &str)> {
    let mut entries = Vec::new();
    let walked = Scanner::new(raw).entries(&mut |scanner, key| {
        entries.push((key, scanner.raw()?));
        Ok(())
    });
    walked.map_or_else(|_| Vec::new(), |_| entries)
}

/// An array's raw items; none when it is no array.
pub(crate) fn items(raw: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let walked = Scanner::new(raw).items(&mut |scanner| {
        items.push(scanner.raw()?);
        Ok(())
    });
    walked.map_or_else(|_| Vec::new(), |_| items)
}

/// The object with another value under `name`.
pub(crate) fn replace(raw: &str, name: &str, value: &str) -> String {
    let entries = entries(raw);
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(key, old)| (key, if unescape(key) == name { value } else { old }))
        .collect();
    object(&entries)
}

/// The object without an entry.
pub(crate) fn without(raw: &str, name: &str) -> String {
    let entries: Vec<_> = entries(raw).into_iter().filter(|(key, _)| unescape(key) != name).collect();
    object(&entries)
}

pub(crate) fn object(entries: &[(&str, &str)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", entries.join(","))
}

pub(crate) fn list<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!("[{}]", items.join(","))
}
