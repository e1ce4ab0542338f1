//! Requests that stay in their dialect.

use super::*;

fn adapt(dialect: Dialect, raw: &Bytes, target: &Target) -> String {
    let ask = peek(dialect, &HeaderMap::new(), raw).unwrap();
    String::from_utf8(same_dialect_request(&ask, raw, target).to_vec()).unwrap()
}

fn thought(signature: &str) -> String {
    format!(r#"{{"type":"thinking","thinking":"hm","signature":"{signature}"}}"#)
}

fn history(model: &str, signature: &str) -> Bytes {
    Bytes::from(format!(
        r#"{{ "model":"{model}","max_tokens": 9000, "temperature" : 0.70,"messages":[{{"role":"user","content":"a"}},
        {{"role":"assistant","content":[{}, {{"type":"text","text":"b"}}]}},{{"role":"assistant","content":[{}]}},{{"role":"user","content":"c"}}]}}"#,
        thought(signature),
        thought(signature),
    ))
}

#[test]
fn the_asked_model_gets_the_very_bytes() {
    let raw = history("claude-haiku-4-5", "EqQB");
    assert_eq!(adapt(Dialect::Anthropic, &raw, &haiku()), raw);
    let mapped = Bytes::from_static(b"{\"x\" : 1e400, \"model\": \"fast\" }");
    assert_eq!(adapt(Dialect::OpenAi, &mapped, &sol()), "{\"x\" : 1e400, \"model\": \"gpt-6.1-sol\" }");
}

#[test]
fn marked_reasoning_goes_even_where_it_was_addressed() {
    let raw = history("claude-haiku-4-5", &crate::mark::mint("gpt-6.1-sol", 4));
    let sent: Value = serde_json::from_str(&adapt(Dialect::Anthropic, &raw, &haiku())).unwrap();
    assert_eq!(sent["messages"][1]["content"], json!([{"type": "text", "text": "b"}]));
    assert_eq!(
        sent["messages"].as_array().unwrap().len(),
        3,
        "nothing is left of the turn that only thought"
    );
    let items = Bytes::from(
        json!({"model": "gpt-5.1", "input": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": crate::mark::mint("grok", 1)},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAAA"},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": "x"}]})
        .to_string(),
    );
    let sent: Value = serde_json::from_str(&adapt(Dialect::Responses, &items, &responses())).unwrap();
    assert_eq!((&sent["input"][0]["id"], &sent["input"][1]["id"]), (&json!("rs_2"), &json!("msg_1")));
}

#[test]
fn another_model_gets_no_reasoning_of_the_first_and_nothing_that_it_refuses() {
    let raw = history("claude-haiku-4-5", "EqQB");
    let sent = adapt(Dialect::Anthropic, &raw, &opus());
    let tree: Value = serde_json::from_str(&sent).unwrap();
    assert!(!sent.contains("thinking") && !sent.contains("temperature"));
    assert_eq!((&tree["model"], &tree["max_tokens"]), (&json!("claude-opus-5-5"), &json!(9000)));
    let kept = adapt(Dialect::Anthropic, &history("claude-opus-4-5", "EqQB"), &haiku());
    assert!(kept.contains("\"temperature\":0.70"), "{kept}");
    let items = Bytes::from(
        json!({"model": "gpt-5", "reasoning": {"effort": "minimal", "summary": "auto"}, "input": [
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAAA"},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "o"}]})
        .to_string(),
    );
    let sent: Value = serde_json::from_str(&adapt(Dialect::Responses, &items, &responses())).unwrap();
    assert_eq!(
        sent["input"][0],
        json!({"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"})
    );
    assert_eq!(sent["reasoning"], json!({"effort": "low", "summary": "auto"}));
}

#[test]
fn chat_requests_are_fitted_to_the_other_model() {
    let raw = Bytes::from(json!({"model": "gpt-6.1-sol", "max_tokens": 999_999, "reasoning_effort": "high", "seed": 4,
        "messages": [{"role": "developer", "content": "d"}, {"role": "assistant", "content": "a", "reasoning_content": "r"}, {"role": "user", "content": "u"}]}).to_string());
    let sent: Value = serde_json::from_str(&adapt(Dialect::OpenAi, &raw, &talker())).unwrap();
    assert_eq!(
        sent,
        json!({"model": "gpt-4.1", "max_completion_tokens": 32_768, "seed": 4,
        "messages": [{"role": "system", "content": "d"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "u"}]})
    );
}

#[test]
fn thinking_takes_the_form_of_the_models_generation() {
    let sent = |thinking: Value, target: &Target| -> Value {
        let raw = body(
            json!({"max_tokens": 9000, "thinking": thinking, "output_config": {"effort": "max"}, "messages": [{"role": "user", "content": "x"}]}),
        );
        serde_json::from_str(&adapt(Dialect::Anthropic, &raw, target)).unwrap()
    };
    let enabled = json!({"type": "enabled", "budget_tokens": 2000});
    assert_eq!(sent(enabled.clone(), &opus())["thinking"], json!({"type": "adaptive"}));
    assert_eq!(sent(enabled.clone(), &haiku())["thinking"], enabled);
    assert!(sent(json!({"type": "disabled"}), &opus()).get("thinking").is_none());
    let adaptive = sent(json!({"type": "adaptive"}), &haiku());
    assert!(adaptive.get("thinking").is_none(), "a budget of `max` does not fit into 9000 tokens");
    assert!(adaptive.get("output_config").is_none());
}

/// A turn that another vendor answered must not brick the conversation.
#[test]
fn a_refused_history_can_be_repaired() {
    let raw = Bytes::from(json!({"model": "claude-haiku-4-5", "max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 2000}, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "EqQB"}, {"type": "tool_use", "id": "t", "name": "n", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]}]}).to_string());
    let ask = peek(Dialect::Anthropic, &HeaderMap::new(), &raw).unwrap();
    let repaired: Value = serde_json::from_slice(&repair_history(&ask, &raw, &haiku()).unwrap()).unwrap();
    assert_eq!(repaired["messages"][1]["content"].as_array().unwrap().len(), 1);
    assert!(repaired.get("thinking").is_none(), "a tool loop must not think without its beginning");
    let clean = body(json!({"messages": [{"role": "user", "content": "x"}]}));
    let ask = peek(Dialect::Anthropic, &HeaderMap::new(), &clean).unwrap();
    assert!(repair_history(&ask, &clean, &target(Dialect::Anthropic, Flavor::Anthropic, "asked")).is_none());
}

#[test]
fn a_message_to_be_continued_is_marked_as_the_server_wants_it() {
    let turns = json!([{ "role": "user", "content": "a" }, { "role": "assistant", "content": "b" }]);
    for (model, message, request) in [
        ("mistral-large-latest", Some("prefix"), false),
        ("deepseek-chat", Some("prefix"), false),
        ("kimi-k2", Some("partial"), false),
        ("llama-4", None, true),
        ("Qwen/Qwen3-8B", None, true),
    ] {
        let mut to = target(Dialect::OpenAi, Flavor::Generic, model);
        to.capabilities.prefill = true;
        let chat = adapt(Dialect::OpenAi, &body(json!({ "messages": turns })), &to);
        for written in [
            serde_json::from_str::<Value>(&chat).unwrap(),
            written(Dialect::Anthropic, json!({ "messages": turns }), &to),
        ] {
            let last = &written["messages"][1];
            assert_eq!((&last["role"], &last["content"]), (&json!("assistant"), &json!("b")));
            for mark in ["prefix", "partial"] {
                assert_eq!(
                    last.get(mark),
                    message.filter(|wanted| *wanted == mark).map(|_| &json!(true)),
                    "{model}"
                );
            }
            let marks =
                ["continue_final_message", "add_generation_prompt"].map(|mark| written.get(mark).cloned());
            assert_eq!(marks, if request { [Some(json!(true)), Some(json!(false))] } else { [None, None] });
        }
    }
    // What an application sends to the very model that it names is its own affair; a continuation is not.
    let raw = Bytes::from(json!({ "model": "kimi-k2", "messages": turns }).to_string());
    let kimi = target(Dialect::OpenAi, Flavor::Generic, "kimi-k2");
    assert_eq!(adapt(Dialect::OpenAi, &raw, &kimi).as_bytes(), &raw[..]);
    let mut ask = peek(Dialect::OpenAi, &HeaderMap::new(), &raw).unwrap();
    ask.features.set.insert(crate::ask::Feature::Continued);
    let marked: Value = serde_json::from_slice(&same_dialect_request(&ask, &raw, &kimi)).unwrap();
    assert_eq!(marked["messages"][1]["partial"], true);
}
