//! The input items of the Responses form.

use serde_json::Value;

use super::super::chat::check_image;
use super::super::{Checked, Object, is_name};
use super::wrong_type;
use crate::complaint::Complaint;
use crate::prompt::{Speaker, Turn};

pub(super) fn read(body: &Object) -> Checked<Vec<Turn>> {
    match body.get("input") {
        Some(Value::String(text)) => Ok(vec![Turn { text: text.clone(), ..Turn::new(Speaker::User) }]),
        Some(Value::Array(items)) if !items.is_empty() => {
            let turns =
                items.iter().enumerate().map(|(place, item)| read_item(item, &format!("input[{place}]")));
            let turns = turns.collect::<Checked<Vec<_>>>()?;
            pair_up(items)?;
            reasoning_is_followed(items)?;
            Ok(turns.into_iter().flatten().collect())
        }
        None => Err(Complaint::invalid("Missing required parameter: 'input'.")
            .at("input")
            .coded("missing_required_parameter")),
        Some(_) => Err(wrong_type("input", "a string or a non-empty array")),
    }
}

fn read_item(item: &Value, place: &str) -> Checked<Option<Turn>> {
    match item["type"].as_str().unwrap_or("message") {
        "message" => message(item, place).map(Some),
        "function_call" | "custom_tool_call" => {
            call(item, place)?;
            Ok(Some(Turn::new(Speaker::Assistant)))
        }
        "function_call_output" | "custom_tool_call_output" => result(item, place).map(Some),
        "reasoning" => Ok(None),
        kind => Err(Complaint::invalid(format!("Invalid value: '{kind}'."))
            .at(format!("{place}.type"))
            .coded("invalid_value")),
    }
}

fn message(item: &Value, place: &str) -> Checked<Turn> {
    let (speaker, parts): (_, &[&str]) = match item["role"].as_str() {
        Some("system" | "developer") => (Speaker::System, &["input_text"]),
        Some("user") => (Speaker::User, &["input_text", "input_image", "input_file"]),
        Some("assistant") => (Speaker::Assistant, &["output_text", "refusal"]),
        _ => {
            let place = format!("{place}.role");
            return Err(Complaint::invalid(format!("Invalid value for '{place}'."))
                .at(place)
                .coded("invalid_value"));
        }
    };
    let mut turn = Turn::new(speaker);
    content(&item["content"], parts, &mut turn, place)?;
    Ok(turn)
}

fn content(content: &Value, allowed: &[&str], turn: &mut Turn, place: &str) -> Checked<()> {
    let parts = match content {
        Value::String(text) => {
            turn.say(text);
            return Ok(());
        }
        Value::Array(parts) => parts,
        _ => return Err(wrong_type(&format!("{place}.content"), "a string or an array")),
    };
    for (number, part) in parts.iter().enumerate() {
        let place = format!("{place}.content[{number}]");
        let kind = part["type"].as_str().unwrap_or_default();
        if !allowed.contains(&kind) {
            let message =
                format!("Invalid value: '{kind}'. Supported values are: '{}'.", allowed.join("', '"));
            return Err(Complaint::invalid(message).at(place).coded("invalid_value"));
        }
        if kind == "input_image" {
            image(part, &place)?;
            turn.images += 1;
        } else if let Some(text) = part["text"].as_str() {
            turn.say(text);
        }
    }
    Ok(())
}

fn image(part: &Value, place: &str) -> Checked<()> {
    match part["image_url"].as_str() {
        Some(url) => check_image(url, &format!("{place}.image_url")),
        None if part["file_id"].is_string() => Ok(()),
        None => Err(wrong_type(&format!("{place}.image_url"), "a string")),
    }
}

fn call(item: &Value, place: &str) -> Checked<()> {
    let said = if item["type"] == "function_call" { "arguments" } else { "input" };
    for key in ["call_id", "name", said] {
        if !item[key].is_string() {
            return Err(Complaint::invalid(format!("Missing required parameter: '{place}.{key}'."))
                .at(format!("{place}.{key}"))
                .coded("missing_required_parameter"));
        }
    }
    if item["call_id"].as_str().is_none_or(|id| id.is_empty() || id.len() > 64) {
        let place = format!("{place}.call_id");
        return Err(Complaint::invalid(format!("Invalid '{place}': expected 1 to 64 characters.")).at(place));
    }
    if let Some(id) = item["id"].as_str()
        && !(id.starts_with("fc_") || id.starts_with("ctc_"))
    {
        let place = format!("{place}.id");
        return Err(Complaint::invalid(format!(
            "Invalid '{place}': '{id}'. Expected an ID that begins with 'fc'."
        ))
        .at(place)
        .coded("invalid_value"));
    }
    if !item["name"].as_str().is_some_and(|name| is_name(name, 64)) {
        let place = format!("{place}.name");
        return Err(Complaint::invalid(format!("Invalid '{place}'.")).at(place).coded("invalid_value"));
    }
    Ok(())
}

fn result(item: &Value, place: &str) -> Checked<Turn> {
    let mut turn = Turn::new(Speaker::User);
    match &item["output"] {
        Value::String(text) => turn.say(text),
        parts @ Value::Array(_) => {
            let place = format!("{place}.output");
            content(parts, &["input_text", "input_image", "input_file"], &mut turn, &place)?;
        }
        _ => return Err(wrong_type(&format!("{place}.output"), "a string or an array")),
    }
    turn.results.push(std::mem::take(&mut turn.text));
    Ok(turn)
}

/// Every call has its output somewhere after it, and every output its call before it.
fn pair_up(items: &[Value]) -> Checked<()> {
    let mut open: Vec<&str> = Vec::new();
    for item in items {
        let id = item["call_id"].as_str().unwrap_or_default();
        match item["type"].as_str() {
            Some("function_call" | "custom_tool_call") => open.push(id),
            Some("function_call_output" | "custom_tool_call_output") => {
                let found = open.iter().position(|known| *known == id).ok_or_else(|| {
                    let message = format!("No tool call found for function call output with call_id {id}.");
                    Complaint::invalid(message).at("input")
                })?;
                open.remove(found);
            }
            _ => {}
        }
    }
    match open.first() {
        None => Ok(()),
        Some(id) => {
            Err(Complaint::invalid(format!("No tool output found for function call {id}.")).at("input"))
        }
    }
}

fn reasoning_is_followed(items: &[Value]) -> Checked<()> {
    for (place, item) in items.iter().enumerate().filter(|(_, item)| item["type"] == "reasoning") {
        let next = items.get(place + 1);
        let ours = next.is_some_and(|next| {
            next["role"] == "assistant" || next["type"].as_str().is_some_and(|k| k.ends_with("call"))
        });
        if !ours {
            let id = item["id"].as_str().unwrap_or_default();
            let message =
                format!("Item '{id}' of type 'reasoning' was provided without its required following item.");
            return Err(Complaint::invalid(message).at("input"));
        }
    }
    Ok(())
}
