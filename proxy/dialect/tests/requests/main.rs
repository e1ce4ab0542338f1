//! Requests: what holds for every one of them, made up or recorded.
#![cfg(test)]

mod bugs;
mod invariants;
mod plan;
mod recorded;
mod shape;

use http::HeaderMap;
use serde_json::Value;
use sidestep_dialect::{
    Capabilities, Dialect, Flavor, Target, Translated, Untranslatable, peek, translate_request,
};

/// A target as its presets know it.
pub(crate) fn target(dialect: Dialect, flavor: Flavor, model: &str) -> Target {
    Target { dialect, flavor, model: model.to_owned(), capabilities: Capabilities::preset(flavor, model) }
}

/// One target of every kind.
pub(crate) fn targets() -> Vec<Target> {
    vec![
        target(Dialect::Anthropic, Flavor::Anthropic, "claude-opus-5-5"),
        target(Dialect::Anthropic, Flavor::Anthropic, "claude-haiku-4-5"),
        target(Dialect::Anthropic, Flavor::Generic, "glm-5"),
        target(Dialect::OpenAi, Flavor::OpenAi, "gpt-6.1-sol"),
        target(Dialect::OpenAi, Flavor::OpenAi, "gpt-4.1"),
        target(Dialect::OpenAi, Flavor::Xai, "grok-4.7"),
        target(Dialect::OpenAi, Flavor::Generic, "qwen"),
        target(Dialect::Responses, Flavor::OpenAi, "gpt-5.1"),
    ]
}

/// Peeks and translates.
pub(crate) fn translate(from: Dialect, body: &[u8], to: &Target) -> Result<Translated, Untranslatable> {
    translate_request(&peek(from, &HeaderMap::new(), body).unwrap(), body, to)
}

/// As [`translate`], as a tree.
pub(crate) fn tree(from: Dialect, body: &Value, to: &Target) -> Result<Value, Untranslatable> {
    let translated = translate(from, body.to_string().as_bytes(), to)?;
    Ok(serde_json::from_slice(&translated.body).unwrap())
}
