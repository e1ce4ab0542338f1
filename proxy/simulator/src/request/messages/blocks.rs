//! Content blocks of the Messages form.

use serde_json::Value;

use super::super::{Checked, Rules, is_base64, is_name};
use crate::answer::hash;
use crate::complaint::Complaint;
use crate::prompt::{Speaker, Turn};

const MEDIA: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Fails on a key that is not known there.
pub(super) fn only(value: &Value, known: &[&str], place: &str) -> Checked<()> {
    let Some(object) = value.as_object() else {
        return Err(Complaint::invalid(format!("{place}: Input should be a valid dictionary")));
    };
    super::known_keys(object, known, |key| {
        Complaint::invalid(format!("{place}.{key}: Extra inputs are not permitted"))
    })
}

/// The text of a text block, which may not be empty.
pub(super) fn text<'a>(block: &'a Value, place: &str) -> Checked<&'a str> {
    match block["text"].as_str() {
        None => Err(Complaint::invalid(format!("{place}.text: Field required"))),
        Some("") => Err(Complaint::invalid("messages: text content blocks must be non-empty")),
        Some(text) if text.trim().is_empty() => {
            Err(Complaint::invalid("messages: text content blocks must contain non-whitespace text"))
        }
        Some(text) => Ok(text),
    }
}

/// Reads one block into its turn.
pub(super) fn read(block: &Value, turn: &mut Turn, rules: &Rules<'_>, place: &str) -> Checked<()> {
    let ours = turn.speaker == Speaker::Assistant;
    match block["type"].as_str().unwrap_or_default() {
        "text" => {
            only(block, &["type", "text", "cache_control", "citations"], place)?;
            let cited = block["citations"].as_array().is_some_and(|citations| !citations.is_empty());
            if cited && !ours && rules.newest_version {
                return Err(Complaint::invalid(format!("{place}.citations: not allowed in user messages")));
            }
            turn.say(text(block, place)?);
        }
        "image" if !ours => image(block, turn, place)?,
        "document" if !ours || !rules.newest_version => {
            only(block, &["type", "source", "title", "context", "citations", "cache_control"], place)?;
            turn.say(block["source"]["data"].as_str().unwrap_or("a document"));
        }
        "search_result" if !ours => turn.say("a search result"),
        "tool_use" if ours => call(block, place)?,
        "tool_result" if !ours => result(block, turn, rules, place)?,
        "thinking" if ours => signed(block, rules, place)?,
        "redacted_thinking" if ours => only(block, &["type", "data"], place)?,
        kind => {
            return Err(Complaint::invalid(format!(
                "{place}: Input tag '{kind}' found using 'type' is not expected here"
            )));
        }
    }
    Ok(())
}

fn image(block: &Value, turn: &mut Turn, place: &str) -> Checked<()> {
    only(block, &["type", "source", "cache_control"], place)?;
    let source = &block["source"];
    let place = format!("{place}.source");
    match source["type"].as_str() {
        Some("base64") => {
            only(source, &["type", "media_type", "data"], &place)?;
            if !MEDIA.iter().any(|media| source["media_type"] == *media) {
                return Err(Complaint::invalid(format!(
                    "{place}.base64.media_type: Input should be one of {MEDIA:?}"
                )));
            }
            if !source["data"].as_str().is_some_and(is_base64) {
                return Err(Complaint::invalid(format!("{place}.base64.data: invalid base64 data")));
            }
        }
        Some("url") => {
            only(source, &["type", "url"], &place)?;
            if !source["url"]
                .as_str()
                .is_some_and(|url| url.starts_with("https://") || url.starts_with("http://"))
            {
                return Err(Complaint::invalid(format!("{place}.url: Only HTTP(S) URLs are supported.")));
            }
        }
        Some("file") => only(source, &["type", "file_id"], &place)?,
        _ => return Err(Complaint::invalid(format!("{place}: Input tag does not match the expected tags"))),
    }
    turn.images += 1;
    Ok(())
}

fn call(block: &Value, place: &str) -> Checked<()> {
    only(block, &["type", "id", "name", "input", "cache_control", "caller"], place)?;
    if !block["id"].as_str().is_some_and(|id| is_name(id, usize::MAX)) {
        return Err(Complaint::invalid(format!(
            "{place}.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        )));
    }
    if !block["name"].as_str().is_some_and(|name| is_name(name, 200)) {
        return Err(Complaint::invalid(format!(
            "{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,200}}$'"
        )));
    }
    if !block["input"].is_object() {
        return Err(Complaint::invalid(format!("{place}.input: Input should be a valid dictionary")));
    }
    Ok(())
}

fn result(block: &Value, turn: &mut Turn, rules: &Rules<'_>, place: &str) -> Checked<()> {
    only(block, &["type", "tool_use_id", "content", "is_error", "cache_control"], place)?;
    if !block["tool_use_id"].as_str().is_some_and(|id| is_name(id, usize::MAX)) {
        return Err(Complaint::invalid(format!(
            "{place}.tool_use_id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        )));
    }
    if !(block["is_error"].is_boolean() || block.get("is_error").is_none()) {
        return Err(Complaint::invalid(format!("{place}.is_error: Input should be a valid boolean")));
    }
    let mut inner = Turn::new(Speaker::User);
    match &block["content"] {
        Value::Null => {}
        Value::String(text) => inner.text.clone_from(text),
        Value::Array(parts) => {
            for (number, part) in parts.iter().enumerate() {
                if !["text", "image", "document", "search_result"].iter().any(|kind| part["type"] == *kind) {
                    return Err(Complaint::invalid(format!(
                        "{place}.content.{number}: unexpected block in a result"
                    )));
                }
                read(part, &mut inner, rules, &format!("{place}.content.{number}"))?;
            }
        }
        _ => {
            return Err(Complaint::invalid(format!(
                "{place}.content: Input should be a valid string or list"
            )));
        }
    }
    let failed = block["is_error"] == true;
    turn.images += inner.images;
    turn.results.push(if failed { format!("error: {}", inner.text) } else { inner.text });
    Ok(())
}

fn signed(block: &Value, rules: &Rules<'_>, place: &str) -> Checked<()> {
    only(block, &["type", "thinking", "signature"], place)?;
    let thought = block["thinking"].as_str().unwrap_or_default();
    if block["signature"] != signature(&rules.model.name, thought).as_str() {
        let message = format!("{place}: Invalid `signature` in `thinking` block");
        return Err(Complaint::invalid(message));
    }
    Ok(())
}

/// The signature of a thought: it holds for one model and one text, as the real ones do.
pub(crate) fn signature(model: &str, thought: &str) -> String {
    format!("Sim{:016x}{:016x}==", hash(&(model, thought)), hash(&(thought, model)))
}
