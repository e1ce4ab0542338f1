//! Requests, read as strictly as their vendors read them.

pub(crate) mod chat;
pub(crate) mod messages;
pub(crate) mod responses;
mod strict;

use serde_json::{Map, Value};

use crate::complaint::Complaint;
use crate::model::Model;
use crate::prompt::Prompt;
use crate::vendor::{Form, Maker};

/// What a request is read against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) maker: Maker,
    pub(crate) model: &'a Model,
    /// `anthropic-version: 2026-10-21`, which refuses sampling parameters from every model.
    pub(crate) newest_version: bool,
    /// Only the prompt counts: `max_tokens` may be absent.
    pub(crate) counting: bool,
}

type Object = Map<String, Value>;
type Checked<T> = Result<T, Complaint>;

pub(crate) fn read(form: Form, body: &Object, rules: &Rules<'_>) -> Checked<Prompt> {
    let mut prompt = match form {
        Form::Messages => messages::read(body, rules),
        Form::Chat => chat::read(body, rules),
        Form::Responses => responses::read(body, rules),
    }?;
    prompt.choices = prompt.choices.max(1);
    let (tokens, most) = (prompt.tokens(), rules.model.traits.context_tokens);
    if tokens > most {
        return Err(too_long(rules.maker, tokens, most));
    }
    if !rules.model.traits.images && prompt.turns.iter().any(|turn| turn.images > 0) {
        return Err(Complaint::invalid("This model does not support image input."));
    }
    Ok(prompt)
}

fn too_long(maker: Maker, tokens: u64, most: u64) -> Complaint {
    if maker == Maker::Anthropic {
        return Complaint::invalid(format!("prompt is too long: {tokens} tokens > {most} maximum"));
    }
    let message = format!(
        "This model's maximum context length is {most} tokens. However, your messages resulted in {tokens} tokens."
    );
    Complaint::invalid(message).at("messages").coded("context_length_exceeded")
}

/// Fails on the first key that is not known, with the words of `complain`.
fn known_keys(object: &Object, known: &[&str], complain: impl Fn(&str) -> Complaint) -> Checked<()> {
    object.keys().find(|key| !known.contains(&key.as_str())).map_or(Ok(()), |key| Err(complain(key)))
}

fn is_name(name: &str, longest: usize) -> bool {
    !name.is_empty()
        && name.len() <= longest
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn is_base64(text: &str) -> bool {
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.trim_end_matches('=').bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

#[cfg(test)]
mod tests;
