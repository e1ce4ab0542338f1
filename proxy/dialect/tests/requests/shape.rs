//! What the APIs refuse, as far as the shape of a request goes.

use serde_json::Value;
use sidestep_dialect::{Dialect, Target, tool_id};

/// Panics, naming the rule, when `target` would answer the body with a 400.
pub(crate) fn check(target: &Target, body: &Value) {
    assert_eq!(body["model"], target.model.as_str());
    assert!(no_null(body), "a null in {body}");
    match target.dialect {
        Dialect::Anthropic => anthropic(target, body),
        Dialect::OpenAi => openai(target, body),
        Dialect::Responses => responses(body),
    }
}

fn no_null(value: &Value) -> bool {
    // Below these an application may have put any null itself.
    let free = ["input", "input_schema", "parameters", "schema"];
    match value {
        Value::Null => false,
        Value::Array(items) => items.iter().all(no_null),
        Value::Object(entries) => entries
            .iter()
            .all(|(key, value)| (free.contains(&key.as_str()) && !value.is_array()) || no_null(value)),
        _ => true,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn ids<'a>(parts: &'a [Value], kind: &str, key: &str) -> Vec<&'a str> {
    parts.iter().filter(|part| part["type"] == kind).map(|part| part[key].as_str().unwrap()).collect()
}

fn anthropic(target: &Target, body: &Value) {
    let max_tokens = body["max_tokens"].as_u64().unwrap();
    assert!(max_tokens >= 1 && target.capabilities.max_output_tokens.is_none_or(|most| max_tokens <= most));
    if let Some(budget) = body["thinking"]["budget_tokens"].as_u64() {
        assert!(budget >= 1024 && budget < max_tokens && body.get("temperature").is_none());
    }
    match (target.capabilities.temperature_max, body.get("temperature")) {
        (None, given) => assert!(given.is_none()),
        (Some(max), given) => assert!(given.is_none_or(|given| given.as_f64().unwrap() <= max)),
    }
    for tool in list(&body["tools"]) {
        assert_eq!(tool["input_schema"]["type"], "object", "{tool}");
    }
    assert!(list(&body["tools"]).is_empty() == body.get("tools").is_none());
    let messages = list(&body["messages"]);
    assert_eq!(messages[0]["role"], "user", "the user speaks first");
    assert!(target.capabilities.prefill || messages[messages.len() - 1]["role"] != "assistant");
    let mut owed: Vec<&str> = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    let mut last = "";
    for message in messages {
        let role = message["role"].as_str().unwrap();
        let parts = list(&message["content"]);
        assert!(!parts.is_empty() && role != last, "{messages:?}");
        assert!(role != "system" || last == "user", "system messages follow the user");
        for part in parts.iter().filter(|part| part["type"] == "text") {
            assert!(!part["text"].as_str().unwrap().trim().is_empty(), "blank text");
        }
        let results = ids(parts, "tool_result", "tool_use_id");
        assert_eq!(results, owed, "every call is answered in the next turn, in order");
        assert!(
            parts[..results.len()].iter().all(|part| part["type"] == "tool_result"),
            "results come first"
        );
        owed = ids(parts, "tool_use", "id");
        used.extend(&owed);
        assert!(parts.iter().all(|part| part["type"] != "tool_use" || part["input"].is_object()));
        last = role;
    }
    unique(used);
    assert!(owed.is_empty());
}

fn unique(mut ids: Vec<&str>) {
    assert!(ids.iter().all(|id| tool_id::conforms(id)), "{ids:?}");
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id is used twice");
}

fn openai(target: &Target, body: &Value) {
    assert!(target.capabilities.temperature_max.is_some() || body.get("temperature").is_none());
    assert_eq!(body.get("stream").is_some(), body["stream_options"]["include_usage"] == true);
    assert!(list(&body["stop"]).len() <= target.capabilities.stop_sequences);
    let mut owed: Vec<&str> = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    let messages = list(&body["messages"]);
    assert!(!messages.is_empty());
    for message in messages {
        let role = message["role"].as_str().unwrap();
        if role == "tool" {
            assert_eq!(message["tool_call_id"], owed.remove(0));
            assert!(message["content"].is_string(), "tool messages hold text");
            continue;
        }
        assert!(owed.is_empty(), "a call without a result in {messages:?}");
        assert!(matches!(role, "user" | "assistant") || role == system(target), "{role}");
        let said = message["content"].is_string() || !list(&message["content"]).is_empty();
        assert!(said || message.get("tool_calls").is_some(), "an empty message");
        for call in list(&message["tool_calls"]) {
            owed.push(call["id"].as_str().unwrap());
            assert!(call["function"]["arguments"].is_string());
        }
        used.extend(&owed);
    }
    assert!(owed.is_empty());
    unique(used);
}

const fn system(target: &Target) -> &'static str {
    if target.capabilities.developer_role { "developer" } else { "system" }
}

fn responses(body: &Value) {
    assert_eq!(body["store"], false);
    assert!(body["max_output_tokens"].as_u64().is_none_or(|tokens| tokens >= 16));
    let items = list(&body["input"]);
    assert!(!items.is_empty());
    let calls = ids(items, "function_call", "call_id");
    let mut outputs = ids(items, "function_call_output", "call_id");
    let mut called = calls.clone();
    unique(calls);
    called.sort_unstable();
    outputs.sort_unstable();
    assert_eq!(called, outputs, "every call has its output");
    for item in items.iter().filter(|item| item["type"] == "message") {
        let own = if item["role"] == "assistant" { "output_text" } else { "input_" };
        let parts = list(&item["content"]);
        assert!(
            !parts.is_empty() && parts.iter().all(|part| part["type"].as_str().unwrap().starts_with(own)),
            "{item}"
        );
    }
    for tool in list(&body["tools"]) {
        assert!(tool["strict"].is_boolean() && tool["parameters"].is_object());
    }
}
