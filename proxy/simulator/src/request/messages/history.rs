//! The conversation of the Messages form: who may speak when, and which calls need answers.

use serde_json::Value;

use super::super::{Checked, Object, Rules};
use super::blocks;
use crate::complaint::Complaint;
use crate::prompt::{Speaker, Turn};

/// Successive messages of one role are one turn.
struct Merged<'a> {
    first: usize,
    speaker: Speaker,
    blocks: Vec<&'a Value>,
    turn: Turn,
}

pub(super) fn read(body: &Object, rules: &Rules<'_>) -> Checked<Vec<Turn>> {
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.ok_or_else(|| Complaint::invalid("messages: Field required"))?;
    if messages.is_empty() {
        return Err(Complaint::invalid("messages: at least one message is required"));
    }
    let mut merged: Vec<Merged<'_>> = Vec::new();
    for (place, message) in messages.iter().enumerate() {
        let speaker = speaker(message, place, merged.last(), rules)?;
        let last_one = place + 1 == messages.len();
        if merged.last().is_none_or(|last| last.speaker != speaker) {
            merged.push(Merged { first: place, speaker, blocks: Vec::new(), turn: Turn::new(speaker) });
        }
        if let Some(merged) = merged.last_mut() {
            content(message, place, last_one, merged, rules)?;
        }
    }
    end(&merged, rules)?;
    pair_up(&merged)?;
    Ok(merged.into_iter().map(|merged| merged.turn).collect())
}

fn speaker(message: &Value, place: usize, last: Option<&Merged<'_>>, rules: &Rules<'_>) -> Checked<Speaker> {
    blocks::only(message, &["role", "content", "cache_control"], &format!("messages.{place}"))?;
    match message["role"].as_str() {
        Some("user") => Ok(Speaker::User),
        Some("assistant") if last.is_none() => {
            Err(Complaint::invalid("messages: first message must use the \"user\" role"))
        }
        Some("assistant") => Ok(Speaker::Assistant),
        Some("system") if rules.model.traits.mid_system => match last.map(|last| last.speaker) {
            Some(Speaker::User | Speaker::System) => Ok(Speaker::System),
            _ => Err(Complaint::invalid(format!(
                "messages.{place}: a system message must follow a user message"
            ))),
        },
        Some("system") => Err(Complaint::invalid(
            "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \
             \"system\" as an input message role.",
        )),
        _ => Err(Complaint::invalid(format!("messages.{place}.role: Input should be 'user' or 'assistant'"))),
    }
}

fn content<'a>(
    message: &'a Value,
    place: usize,
    last: bool,
    merged: &mut Merged<'a>,
    rules: &Rules<'_>,
) -> Checked<()> {
    let empty = || {
        Complaint::invalid(format!(
            "messages.{place}: all messages must have non-empty content except for the optional final assistant message"
        ))
    };
    let may_be_empty = last && merged.speaker == Speaker::Assistant;
    match &message["content"] {
        Value::String(text) if text.is_empty() && !may_be_empty => Err(empty()),
        Value::String(text) => {
            merged.turn.say(text);
            merged.blocks.push(&message["content"]);
            Ok(())
        }
        Value::Array(all) if all.is_empty() && !may_be_empty => Err(empty()),
        Value::Array(all) => {
            for (number, block) in all.iter().enumerate() {
                blocks::read(block, &mut merged.turn, rules, &format!("messages.{place}.content.{number}"))?;
            }
            merged.blocks.extend(all);
            Ok(())
        }
        _ => Err(Complaint::invalid(format!(
            "messages.{place}.content: Input should be a valid string or list"
        ))),
    }
}

fn end(merged: &[Merged<'_>], rules: &Rules<'_>) -> Checked<()> {
    let Some(last) = merged.last().filter(|last| last.speaker == Speaker::Assistant) else { return Ok(()) };
    if !rules.model.traits.prefill {
        return Err(Complaint::invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    if last.turn.text.ends_with(char::is_whitespace) {
        return Err(Complaint::invalid(
            "messages: final assistant content cannot end with trailing whitespace",
        ));
    }
    Ok(())
}

/// Every call is answered at the start of the very next turn, and nothing else is.
fn pair_up(merged: &[Merged<'_>]) -> Checked<()> {
    let spoken: Vec<&Merged<'_>> = merged.iter().filter(|turn| turn.speaker != Speaker::System).collect();
    let mut open: Vec<&str> = Vec::new();
    for turn in spoken {
        let results = results(turn)?;
        if let Some(stray) = results.iter().find(|id| !open.contains(id)) {
            return Err(Complaint::invalid(format!(
                "messages.{}.content: unexpected `tool_use_id` found in `tool_result` blocks: {stray}. Each \
                 `tool_result` block must have a corresponding `tool_use` block in the previous message.",
                turn.first
            )));
        }
        let missing: Vec<&str> = open.iter().filter(|id| !results.contains(id)).copied().collect();
        if !missing.is_empty() {
            return Err(unanswered(turn.first, &missing));
        }
        open = ids(turn, "tool_use", "id");
        if has_twice(&open) {
            return Err(Complaint::invalid("messages: `tool_use` ids must be unique"));
        }
    }
    let last = merged.last().map_or(0, |turn| turn.first);
    if open.is_empty() { Ok(()) } else { Err(unanswered(last, &open)) }
}

fn results<'a>(turn: &Merged<'a>) -> Checked<Vec<&'a str>> {
    let results = ids(turn, "tool_result", "tool_use_id");
    if has_twice(&results) {
        return Err(Complaint::invalid("messages: each tool_use must have a single result."));
    }
    let first = turn.blocks.iter().take(results.len()).all(|block| block["type"] == "tool_result");
    if !first {
        return Err(Complaint::invalid(format!(
            "messages.{}: `tool_result` blocks must come first in the content of a user message",
            turn.first
        )));
    }
    Ok(results)
}

fn ids<'a>(turn: &Merged<'a>, kind: &str, key: &str) -> Vec<&'a str> {
    turn.blocks.iter().filter(|block| block["type"] == kind).filter_map(|block| block[key].as_str()).collect()
}

fn has_twice(ids: &[&str]) -> bool {
    ids.iter().enumerate().any(|(place, id)| ids.iter().skip(place + 1).any(|other| other == id))
}

fn unanswered(place: usize, ids: &[&str]) -> Complaint {
    Complaint::invalid(format!(
        "messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
         `tool_use` block must have a corresponding `tool_result` block in the next message.",
        ids.join(", ")
    ))
}
