use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::Flavor;
use crate::ask::peek;
use crate::capability::Capabilities;

mod adapting;
mod orders;
mod parameters;

fn target(dialect: Dialect, flavor: Flavor, model: &str) -> Target {
    Target { dialect, flavor, model: model.to_owned(), capabilities: Capabilities::preset(flavor, model) }
}

fn opus() -> Target {
    target(Dialect::Anthropic, Flavor::Anthropic, "claude-opus-5-5")
}

fn haiku() -> Target {
    target(Dialect::Anthropic, Flavor::Anthropic, "claude-haiku-4-5")
}

fn sol() -> Target {
    target(Dialect::OpenAi, Flavor::OpenAi, "gpt-6.1-sol")
}

fn talker() -> Target {
    target(Dialect::OpenAi, Flavor::OpenAi, "gpt-4.1")
}

fn responses() -> Target {
    target(Dialect::Responses, Flavor::OpenAi, "gpt-5.1")
}

fn vllm() -> Target {
    target(Dialect::OpenAi, Flavor::Generic, "qwen")
}

/// A body with a model, and what is given.
fn body(fields: Value) -> Bytes {
    let mut body = json!({"model": "asked", "max_tokens": 100});
    if fields.get("input").is_some() || fields.get("max_completion_tokens").is_some() {
        body.as_object_mut().unwrap().remove("max_tokens");
    }
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Bytes::from(body.to_string())
}

fn translate(from: Dialect, body: &[u8], target: &Target) -> Result<(Value, Vec<String>), Untranslatable> {
    let ask = peek(from, &HeaderMap::new(), body).unwrap();
    let translated = translate_request(&ask, body, target)?;
    let lost = translated.degraded.into_iter().map(|lost| lost.field).collect();
    Ok((serde_json::from_slice(&translated.body).unwrap(), lost))
}

fn written(from: Dialect, fields: Value, target: &Target) -> Value {
    translate(from, &body(fields), target).unwrap().0
}
