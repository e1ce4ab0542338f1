//! The conversation of Chat Completions.

use serde_json::Value;

use super::super::{Checked, Object, Rules, is_base64, is_name};
use super::{wrong_type, wrong_value};
use crate::complaint::Complaint;
use crate::prompt::{Speaker, Turn};
use crate::vendor::Maker;

/// The longest id of a call that OpenAI takes.
const LONGEST_ID: usize = 64;

pub(super) fn read(body: &Object, rules: &Rules<'_>) -> Checked<Vec<Turn>> {
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.ok_or_else(|| {
        Complaint::invalid("Missing required parameter: 'messages'.")
            .at("messages")
            .coded("missing_required_parameter")
    })?;
    if messages.is_empty() {
        return Err(wrong_value(
            "messages",
            "Invalid 'messages': empty array. Expected at least one message.",
        ));
    }
    let mut turns = Vec::with_capacity(messages.len());
    let mut open: Vec<&str> = Vec::new();
    let mut answering = false;
    for (place, message) in messages.iter().enumerate() {
        let place = format!("messages[{place}]");
        if message["role"] == "tool" {
            answer(message, &mut open, answering, &place)?;
        } else if open.is_empty() {
            open = calls(message, &place)?;
            answering = !open.is_empty();
        } else {
            return Err(unanswered(&open));
        }
        turns.push(turn(message, &place, rules)?);
    }
    if open.is_empty() { Ok(turns) } else { Err(unanswered(&open)) }
}

fn answer<'a>(message: &'a Value, open: &mut Vec<&'a str>, answering: bool, place: &str) -> Checked<()> {
    if !answering {
        let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with \
                       'tool_calls'.";
        return Err(Complaint::invalid(message).at(format!("{place}.role")));
    }
    let id = message["tool_call_id"].as_str().unwrap_or_default();
    let Some(found) = open.iter().position(|known| *known == id) else {
        return Err(Complaint::invalid(format!(
            "Invalid parameter: 'tool_call_id' of '{id}' not found in 'tool_calls' of previous message."
        ))
        .at(format!("{place}.tool_call_id")));
    };
    open.remove(found);
    Ok(())
}

fn unanswered(open: &[&str]) -> Complaint {
    Complaint::invalid(format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
         The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    ))
    .at("messages")
}

fn calls<'a>(message: &'a Value, place: &str) -> Checked<Vec<&'a str>> {
    let Some(calls) = message.get("tool_calls").filter(|calls| !calls.is_null()) else {
        return Ok(Vec::new());
    };
    let place = format!("{place}.tool_calls");
    let calls = calls.as_array().ok_or_else(|| wrong_type(&place, "an array"))?;
    if message["role"] != "assistant" {
        return Err(wrong_value(&place, format!("'{place}' is only allowed in assistant messages.")));
    }
    if calls.is_empty() {
        return Err(wrong_value(
            &place,
            format!("Invalid '{place}': empty array. Expected an array with minimum length 1."),
        ));
    }
    calls.iter().map(|call| read_call(call, &place)).collect()
}

fn read_call<'a>(call: &'a Value, place: &str) -> Checked<&'a str> {
    let id = call["id"].as_str().filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| wrong_type(&format!("{place}.id"), "a string"))?;
    if id.len() > LONGEST_ID {
        let message = format!(
            "Invalid '{place}.id': string too long. Expected a string with maximum length {LONGEST_ID}."
        );
        return Err(Complaint::invalid(message).at(format!("{place}.id")).coded("string_above_max_length"));
    }
    let (function, said) = match call["type"].as_str() {
        Some("function") => (&call["function"], "arguments"),
        Some("custom") => (&call["custom"], "input"),
        _ => return Err(wrong_value(&format!("{place}.type"), "Invalid type of a tool call.")),
    };
    if !function["name"].as_str().is_some_and(|name| is_name(name, 64)) {
        return Err(wrong_value(&format!("{place}.function.name"), "Invalid name of a called function."));
    }
    if !function[said].is_string() {
        return Err(wrong_type(&format!("{place}.function.{said}"), "a string"));
    }
    Ok(id)
}

fn turn(message: &Value, place: &str, rules: &Rules<'_>) -> Checked<Turn> {
    let role = message["role"].as_str().unwrap_or_default();
    let (speaker, parts): (_, &[&str]) = match role {
        "system" | "developer" => (Speaker::System, &["text"]),
        "user" => (Speaker::User, &["text", "image_url", "input_audio", "file"]),
        "assistant" => (Speaker::Assistant, &["text", "refusal"]),
        "tool" => (Speaker::User, &["text"]),
        _ => return Err(wrong_value(&format!("{place}.role"), format!("Invalid value: '{role}'."))),
    };
    let mut turn = Turn::new(speaker);
    let silent = speaker == Speaker::Assistant
        && ["tool_calls", "refusal", "function_call", "audio"].iter().any(|key| !message[*key].is_null());
    match &message["content"] {
        Value::String(text) => turn.say(text),
        Value::Array(all) => {
            if all.is_empty() {
                return Err(wrong_value(&format!("{place}.content"), "Invalid content: empty array."));
            }
            for (number, each) in all.iter().enumerate() {
                part(each, parts, &mut turn, &format!("{place}.content[{number}]"))?;
            }
        }
        Value::Null if silent || rules.maker == Maker::Generic => {}
        other => {
            let kind = if other.is_null() { "null" } else { "something else" };
            let message = format!("Invalid value for 'content': expected a string, got {kind}.");
            return Err(Complaint::invalid(message).at(format!("{place}.content")));
        }
    }
    if role == "tool" {
        turn.results.push(std::mem::take(&mut turn.text));
    }
    Ok(turn)
}

fn part(part: &Value, allowed: &[&str], turn: &mut Turn, place: &str) -> Checked<()> {
    let kind = part["type"].as_str().unwrap_or_default();
    if !allowed.contains(&kind) {
        let wanted = allowed.join("', '");
        return Err(wrong_value(
            &format!("{place}.type"),
            format!("Invalid value: '{kind}'. Supported values are: '{wanted}'."),
        ));
    }
    match kind {
        "image_url" => {
            let url = part["image_url"]["url"].as_str().unwrap_or_default();
            check_image(url, &format!("{place}.image_url.url"))?;
            turn.images += 1;
        }
        "text" => {
            turn.say(part["text"].as_str().ok_or_else(|| wrong_type(&format!("{place}.text"), "a string"))?)
        }
        _ => {}
    }
    Ok(())
}

/// A web address, or a data URL of base64.
pub(in crate::request) fn check_image(url: &str, place: &str) -> Checked<()> {
    let data = url.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    if url.starts_with("https://")
        || url.starts_with("http://")
        || data.is_some_and(|(_, data)| is_base64(data))
    {
        return Ok(());
    }
    let message = format!(
        "Invalid '{place}'. Expected a base64-encoded data URL with an image MIME type, or a web address."
    );
    Err(Complaint::invalid(message).at(place).coded("invalid_image_url"))
}
