//! What holds for every request.

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};
use sidestep_dialect::{Dialect, Flavor, Untranslatable, peek, same_dialect_request};

use crate::plan::{Plan, loose, tidy};
use crate::{shape, target, targets, tree};

/// What must survive a round trip: who said what, which tools were called with what, and what they gave.
fn story(messages: &Value) -> Vec<Value> {
    let mut told = Vec::new();
    for message in messages.as_array().unwrap() {
        let text = |text: &Value| json!([message["role"], "says", text]);
        if message["content"].is_string() {
            told.push(text(&message["content"]));
        }
        for part in message["content"].as_array().into_iter().flatten() {
            told.push(match part["type"].as_str().unwrap() {
                "text" => text(&part["text"]),
                "tool_use" => json!(["calls", part["id"], part["name"], part["input"]]),
                _ => {
                    let content = &part["content"];
                    let gave = if content.is_string() { content } else { &content[0]["text"] };
                    json!(["gives", part["tool_use_id"], gave])
                }
            });
        }
    }
    told
}

fn round_trip(plan: &Plan, between: (Dialect, Flavor, &str)) -> (Vec<Value>, Vec<Value>) {
    let first = plan.write(Dialect::Anthropic);
    let (dialect, flavor, model) = between;
    let over = tree(Dialect::Anthropic, &first, &target(dialect, flavor, model)).unwrap();
    let back =
        tree(dialect, &over, &target(Dialect::Anthropic, Flavor::Anthropic, "claude-haiku-4-5")).unwrap();
    (story(&first["messages"]), story(&back["messages"]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_request_becomes_a_valid_one_of_every_target(plan in loose()) {
        for from in Dialect::ALL {
            let body = plan.write(from);
            for to in targets().iter().filter(|to| to.dialect != from) {
                match tree(from, &body, to) {
                    Ok(written) => shape::check(to, &written),
                    Err(Untranslatable::Feature(_) | Untranslatable::Empty) => {}
                    Err(malformed) => prop_assert!(false, "{} to {:?}: {}", body, to.dialect, malformed),
                }
            }
        }
    }

    #[test]
    fn a_conversation_survives_the_way_to_another_dialect_and_back(plan in tidy()) {
        for between in [(Dialect::OpenAi, Flavor::Generic, "qwen"), (Dialect::OpenAi, Flavor::OpenAi, "gpt-6.1-sol"),
            (Dialect::Responses, Flavor::OpenAi, "gpt-5.1")] {
            let (first, back) = round_trip(&plan, between);
            prop_assert_eq!(&first, &back);
        }
    }

    #[test]
    fn within_a_dialect_only_the_model_and_what_it_refuses_change(plan in loose()) {
        for to in targets() {
            let tree = plan.write(to.dialect);
            let body = Bytes::from(tree.to_string());
            let ask = peek(to.dialect, &HeaderMap::new(), &body).unwrap();
            let sent: Value = serde_json::from_slice(&same_dialect_request(&ask, &body, &to)).unwrap();
            prop_assert_eq!(&sent["model"], &to.model);
            let may = ["model", "temperature", "max_tokens", "max_completion_tokens", "max_output_tokens", "messages",
                "reasoning", "reasoning_effort", "output_config"];
            for (field, value) in tree.as_object().unwrap().iter().filter(|(field, _)| !may.contains(&field.as_str())) {
                prop_assert_eq!(&sent[field], value);
            }
            let turns = |body: &Value| body["messages"].as_array().map_or(0, Vec::len);
            prop_assert_eq!(turns(&sent), turns(&tree));
            let taken = to.capabilities.temperature_max.is_some();
            prop_assert!(taken || plan.temperature.is_none() || sent.get("temperature").is_none());
        }
    }

    #[test]
    fn translating_is_deterministic(plan in loose()) {
        let body = plan.write(Dialect::OpenAi);
        for to in targets().iter().filter(|to| to.dialect != Dialect::OpenAi) {
            prop_assert_eq!(tree(Dialect::OpenAi, &body, to), tree(Dialect::OpenAi, &body, to));
        }
    }
}
