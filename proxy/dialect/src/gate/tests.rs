use http::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::ask::peek;

pub(crate) fn target(dialect: Dialect, flavor: Flavor, model: &str) -> Target {
    Target { dialect, flavor, model: model.to_owned(), capabilities: Capabilities::preset(flavor, model) }
}

fn opus() -> Target {
    target(Dialect::Anthropic, Flavor::Anthropic, "claude-opus-5-5")
}

fn sol() -> Target {
    target(Dialect::OpenAi, Flavor::OpenAi, "gpt-6.1-sol")
}

fn judge(from: Dialect, fields: Value, target: &Target) -> Result<Vec<String>, &'static str> {
    let mut body = json!({"model": "asked"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let ask = peek(from, &HeaderMap::new(), body.to_string().as_bytes()).unwrap();
    match gate(&ask, target) {
        Gate::Skip { feature } => Err(feature),
        Gate::Pass { degraded } => {
            let mut lost: Vec<String> = degraded.into_iter().map(|lost| lost.field).collect();
            lost.sort();
            Ok(lost)
        }
    }
}

fn lost(fields: &[&str]) -> Result<Vec<String>, &'static str> {
    Ok(fields.iter().map(|field| (*field).to_owned()).collect())
}

#[test]
fn what_changes_the_answer_rules_a_target_out() {
    let chat = |fields| judge(Dialect::OpenAi, fields, &opus());
    assert_eq!(chat(json!({"n": 2})), Err("several choices"));
    assert_eq!(chat(json!({"logprobs": true})), Err("logprobs"));
    assert_eq!(chat(json!({"logit_bias": {"1": 5}})), Err("logit bias"));
    assert_eq!(chat(json!({"tool_choice": "required"})), Err("forced tool choice"));
    assert_eq!(chat(json!({"response_format": {"type": "json_object"}})), Err("json object output"));
    assert_eq!(chat(json!({"web_search_options": {}})), Err("hosted tools"));
    assert_eq!(chat(json!({"messages": [{"role": "assistant", "content": "I"}]})), Err("assistant prefill"));
    assert_eq!(chat(json!({"stop": "\n"})), Err("blank stop sequences"));
    let words = "word ".repeat(1_100_000);
    assert_eq!(chat(json!({"messages": [{"role": "user", "content": words}]})), Err("context length"));

    let messages = |fields| judge(Dialect::Anthropic, fields, &sol());
    assert_eq!(messages(json!({"stop_sequences": ["x"]})), Err("stop sequences"));
    assert_eq!(messages(json!({"inference_geo": "eu"})), Err("data residency"));
    assert_eq!(messages(json!({"container": "c"})), Err("server-side state"));
    assert_eq!(messages(json!({"mcp_servers": []})), lost(&[]));
    let cited =
        json!({"type": "document", "source": {"type": "text", "data": "x"}, "citations": {"enabled": true}});
    assert_eq!(messages(json!({"messages": [{"role": "user", "content": [cited]}]})), Err("citations"));
    assert_eq!(
        judge(Dialect::Responses, json!({"previous_response_id": "r"}), &opus()),
        Err("server-side state")
    );
}

#[test]
fn hints_are_dropped_and_named() {
    let chat = |fields| judge(Dialect::OpenAi, fields, &opus());
    assert_eq!(chat(json!({"temperature": 0.7, "seed": 1})), lost(&["seed", "temperature"]));
    assert_eq!(chat(json!({"temperature": 1, "presence_penalty": 0, "prompt_cache_key": "k"})), lost(&[]));
    assert_eq!(chat(json!({"max_tokens": 999_999, "zap": 1})), lost(&["max_tokens", "zap"]));
    assert_eq!(chat(json!({"reasoning_effort": "none"})), lost(&["reasoning_effort"]));
    assert_eq!(chat(json!({"reasoning_effort": "high"})), lost(&[]));
    let messages = |fields| judge(Dialect::Anthropic, fields, &sol());
    assert_eq!(messages(json!({"top_k": 5, "speed": "fast"})), lost(&["speed", "top_k"]));
    let thought =
        json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "s"}]});
    let history = json!([{"role": "user", "content": "a"}, thought, {"role": "user", "content": "b"}]);
    assert_eq!(messages(json!({"messages": history})), lost(&["thinking"]));
    let shown = json!({"thinking": {"type": "adaptive", "display": "summarized"}});
    assert_eq!(messages(shown), lost(&["thinking"]));
    let summary = json!({"reasoning": {"summary": "auto"}, "store": false});
    assert_eq!(judge(Dialect::Responses, summary, &opus()), lost(&["thinking"]));
    assert_eq!(judge(Dialect::Responses, json!({}), &opus()), lost(&["store"]));
    assert_eq!(judge(Dialect::Responses, json!({"store": false}), &opus()), lost(&[]));
}

#[test]
fn a_request_that_goes_where_it_was_addressed_is_not_judged() {
    let home = target(Dialect::Anthropic, Flavor::Anthropic, "asked");
    let all = json!({"temperature": 0.2, "stop_sequences": [" "], "tool_choice": {"type": "any"}, "container": "c"});
    assert_eq!(judge(Dialect::Anthropic, all, &home), lost(&[]));
}

#[test]
fn another_model_of_the_same_dialect_is_judged_by_what_it_can_do() {
    let sampled = json!({"temperature": 0.2, "top_k": 3, "speed": "fast"});
    assert_eq!(judge(Dialect::Anthropic, sampled.clone(), &opus()), lost(&["temperature", "top_k"]));
    let haiku = target(Dialect::Anthropic, Flavor::Anthropic, "claude-haiku-4-5");
    assert_eq!(judge(Dialect::Anthropic, sampled, &haiku), lost(&[]));
    assert_eq!(
        judge(Dialect::Anthropic, json!({"tool_choice": {"type": "any"}}), &opus()),
        Err("forced tool choice")
    );
    let hosted = json!({"tools": [{"type": "web_search_20250305", "name": "w"}]});
    assert_eq!(judge(Dialect::Anthropic, hosted, &haiku), lost(&[]));
}
