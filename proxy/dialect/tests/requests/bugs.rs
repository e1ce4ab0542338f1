//! Mistakes that other proxies made with requests, each as a test.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use sidestep_dialect::{
    Dialect, ErrorClass, Flavor, Gate, Target, classify, gate, mark, peek, repair_history,
    same_dialect_request, tool_id,
};

use crate::{target, tree};

fn opus() -> Target {
    target(Dialect::Anthropic, Flavor::Anthropic, "claude-opus-5-5")
}

fn skips(from: Dialect, body: &Value, to: &Target) -> bool {
    let body = body.to_string();
    matches!(gate(&peek(from, &HeaderMap::new(), body.as_bytes()).unwrap(), to), Gate::Skip { .. })
}

fn chat(fields: Value) -> Value {
    let mut body = json!({"model": "gpt-6.1-sol", "messages": [{"role": "user", "content": "x"}]});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// A conversation that another vendor answered once goes on at Claude: the next turn must not be refused, in
/// the application's own dialect either.
#[test]
fn a_turn_of_another_vendor_does_not_brick_the_conversation() {
    let home = target(Dialect::Anthropic, Flavor::Anthropic, "claude-opus-5-5");
    let body = json!({"model": "claude-opus-5-5", "max_tokens": 10, "thinking": {"type": "adaptive"}, "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "own", "signature": "EqQB"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "foreign", "signature": mark::mint("grok-4.7", 9)}, {"type": "text", "text": "d"}]},
        {"role": "user", "content": "e"}]});
    let raw = Bytes::from(body.to_string());
    let ask = peek(Dialect::Anthropic, &HeaderMap::new(), &raw).unwrap();
    let sent = String::from_utf8(same_dialect_request(&ask, &raw, &home).to_vec()).unwrap();
    assert!(sent.contains("own") && !sent.contains("foreign"));
    let other = target(Dialect::Anthropic, Flavor::Anthropic, "claude-sonnet-5");
    assert!(
        !String::from_utf8(same_dialect_request(&ask, &raw, &other).to_vec()).unwrap().contains("signature")
    );
    // The net below: the vendor's refusal is told from other bad requests and the history can be repaired.
    let refusal = br#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}"#;
    assert_eq!(
        classify(Dialect::Anthropic, 400, &HeaderMap::new(), refusal).class,
        ErrorClass::HistorySignature
    );
    assert!(
        !String::from_utf8(repair_history(&ask, &raw, &home).unwrap().to_vec()).unwrap().contains("EqQB")
    );
}

/// Reasoning is neither sent to another vendor as text nor forged into a block there.
#[test]
fn reasoning_is_never_shown_to_another_vendor() {
    let body = json!({"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "PRIVATE", "signature": "EqQB"},
            {"type": "redacted_thinking", "data": "SEALED"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"}]});
    for to in crate::targets().iter().filter(|to| to.dialect != Dialect::Anthropic) {
        let sent = tree(Dialect::Anthropic, &body, to).unwrap().to_string();
        assert!(!sent.contains("PRIVATE") && !sent.contains("SEALED"), "{sent}");
    }
}

#[test]
fn ids_of_other_vendors_fit_everywhere() {
    for id in ["functions.get_weather:0", "toolu_vrtx_01/abc", &"x".repeat(200), "", "日本"] {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "x"},
            {"role": "assistant", "tool_calls": [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": id, "content": "r"}]});
        let sent = tree(Dialect::OpenAi, &body, &opus()).unwrap();
        let used = sent["messages"][1]["content"][0]["id"].as_str().unwrap();
        assert!(tool_id::conforms(used));
        assert_eq!(sent["messages"][2]["content"][0]["tool_use_id"], used);
    }
}

#[test]
fn a_forced_tool_never_reaches_a_model_that_refuses_it() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let named = json!({"type": "function", "function": {"name": "f"}});
    for choice in [json!("required"), named] {
        let body = chat(json!({"tools": tools, "tool_choice": choice}));
        assert!(skips(Dialect::OpenAi, &body, &opus()));
        assert!(!skips(
            Dialect::OpenAi,
            &body,
            &target(Dialect::Anthropic, Flavor::Anthropic, "claude-opus-5")
        ));
    }
}

#[test]
fn a_trailing_assistant_turn_never_reaches_a_model_that_refuses_it() {
    let messages = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "I"}]);
    let body = chat(json!({"messages": messages, "max_tokens": 5}));
    assert!(skips(Dialect::OpenAi, &body, &opus()));
    let older = target(Dialect::Anthropic, Flavor::Anthropic, "claude-haiku-4-5");
    let sent = tree(Dialect::OpenAi, &body, &older).unwrap();
    assert_eq!(sent["messages"][1]["role"], "assistant");
}

#[test]
fn sampling_never_reaches_a_model_that_refuses_it_defaults_included() {
    let raw = Bytes::from(json!({"model": "claude-sonnet-4-5", "max_tokens": 5, "temperature": 1, "top_p": 0.9, "messages": []}).to_string());
    let ask = peek(Dialect::Anthropic, &HeaderMap::new(), &raw).unwrap();
    let sent = String::from_utf8(same_dialect_request(&ask, &raw, &opus()).to_vec()).unwrap();
    assert!(!sent.contains("temperature") && !sent.contains("top_p"), "{sent}");
    assert!(
        tree(Dialect::OpenAi, &chat(json!({"temperature": 0.2})), &opus())
            .unwrap()
            .get("temperature")
            .is_none()
    );
}

/// Nothing that the application set may vanish without a word.
#[test]
fn whatever_is_dropped_is_named() {
    let body = chat(
        json!({"seed": 1, "presence_penalty": 0.5, "temperature": 0.3, "verbosity": "low", "metadata": {"a": "b"},
        "store": true, "service_tier": "flex", "prediction": {"type": "content", "content": "x"}, "min_p": 0.1, "max_tokens": 999_999}),
    );
    let body = body.to_string();
    let translated = crate::translate(Dialect::OpenAi, body.as_bytes(), &opus()).unwrap();
    let mut named: Vec<_> = translated.degraded.iter().map(|lost| lost.field.as_str()).collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            "max_tokens",
            "metadata",
            "min_p",
            "prediction",
            "presence_penalty",
            "seed",
            "service_tier",
            "store",
            "temperature",
            "verbosity"
        ]
    );
    let kept = chat(
        json!({"parallel_tool_calls": false, "tools": [{"type": "function", "function": {"name": "f"}}], "stop": ["a", "b"]}),
    );
    let sent = tree(Dialect::OpenAi, &kept, &opus()).unwrap();
    assert_eq!(sent["tool_choice"]["disable_parallel_tool_use"], true);
    assert_eq!(sent["stop_sequences"], json!(["a", "b"]));
    assert!(skips(
        Dialect::Anthropic,
        &json!({"model": "m", "messages": [], "stop_sequences": ["a"]}),
        &target(Dialect::Responses, Flavor::OpenAi, "gpt-4.1")
    ));
}
