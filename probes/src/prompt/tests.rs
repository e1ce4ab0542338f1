use std::collections::HashSet;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use sidestep_dialect::{Capabilities, Dialect, Flavor};

use super::*;

fn draw() -> SmallRng {
    SmallRng::seed_from_u64(3)
}

fn target(dialect: Dialect, flavor: Flavor, model: &str) -> Target {
    let capabilities = Capabilities::preset(flavor, model);
    Target { dialect, flavor, model: model.to_owned(), capabilities }
}

fn body(kind: ProbeKind, target: &Target, room: Room) -> Value {
    let prompt = write(&Question::draw(kind, &mut draw()), target, room);
    serde_json::from_slice(&prompt.body).unwrap()
}

/// A body without what every body of its dialect has.
fn parameters(target: &Target) -> Value {
    let mut body = body(ProbeKind::Echo, target, Room::Tight);
    let fields = body.as_object_mut().unwrap();
    assert_eq!(fields.remove("model"), Some(json!(target.model)));
    assert_eq!(fields.remove("stream"), Some(json!(true)));
    let (place, own) = match target.dialect {
        Dialect::Anthropic => ("messages", vec![]),
        Dialect::OpenAi => ("messages", vec![("stream_options", json!({ "include_usage": true }))]),
        Dialect::Responses => ("input", vec![("store", json!(false))]),
    };
    assert!(fields.remove(place).is_some());
    for (name, value) in own {
        assert_eq!(fields.remove(name), Some(value));
    }
    body
}

#[test]
fn every_class_of_model_gets_the_smallest_cap_that_it_answers_under() {
    let low = json!({ "effort": "low" });
    let off = json!({ "type": "disabled" });
    let cases = [
        ("claude-haiku-5-5", json!({ "max_tokens": 24, "thinking": off, "output_config": low })),
        ("claude-sonnet-5-5", json!({ "max_tokens": 24, "thinking": off, "output_config": low })),
        ("claude-opus-5-5", json!({ "max_tokens": 512, "output_config": low })),
        ("claude-fable-5-1", json!({ "max_tokens": 512, "output_config": low })),
        ("claude-haiku-4-5", json!({ "max_tokens": 24 })),
    ];
    for (model, expected) in cases {
        assert_eq!(parameters(&target(Dialect::Anthropic, Flavor::Anthropic, model)), expected, "{model}");
    }
    let cases = [
        (Flavor::Generic, "llama", json!({ "max_tokens": 16, "temperature": 0 })),
        (Flavor::OpenAi, "gpt-4.1", json!({ "max_completion_tokens": 16, "temperature": 0 })),
        (Flavor::Xai, "grok-4.20-non-reasoning", json!({ "max_completion_tokens": 16, "temperature": 0 })),
        (Flavor::Xai, "grok-4.7", json!({ "max_completion_tokens": 512 })),
        (Flavor::OpenAi, "gpt-5.2", json!({ "max_completion_tokens": 32, "reasoning_effort": "none" })),
        (Flavor::OpenAi, "gpt-6.1-sol", json!({ "max_completion_tokens": 512, "reasoning_effort": "low" })),
        (Flavor::OpenAi, "gpt-6-astra", json!({ "max_completion_tokens": 512, "reasoning_effort": "low" })),
    ];
    for (flavor, model, expected) in cases {
        assert_eq!(parameters(&target(Dialect::OpenAi, flavor, model)), expected, "{model}");
    }
    let cases = [
        ("gpt-4.1", json!({ "max_output_tokens": 16 })),
        ("gpt-6.1-sol", json!({ "max_output_tokens": 512, "reasoning": low })),
    ];
    for (model, expected) in cases {
        assert_eq!(parameters(&target(Dialect::Responses, Flavor::OpenAi, model)), expected, "{model}");
    }
    let cramped = target(Dialect::OpenAi, Flavor::Generic, "llama");
    assert_eq!(body(ProbeKind::Echo, &cramped, Room::Ample)["max_tokens"], 512);
}

#[test]
fn a_tool_is_forced_only_where_that_is_allowed() {
    let choice = |dialect, flavor, model| body(ProbeKind::Tool, &target(dialect, flavor, model), Room::Tight);
    let opus = choice(Dialect::Anthropic, Flavor::Anthropic, "claude-opus-5-5");
    assert_eq!(opus["tool_choice"], json!({ "type": "auto" }));
    assert_eq!(opus["tools"][0]["name"], "report");
    let haiku = choice(Dialect::Anthropic, Flavor::Anthropic, "claude-haiku-5-5");
    assert_eq!(haiku["tool_choice"], json!({ "type": "tool", "name": "report" }));
    let gpt = choice(Dialect::OpenAi, Flavor::OpenAi, "gpt-4.1");
    assert_eq!(gpt["tool_choice"]["function"]["name"], "report");
    assert_eq!(gpt["tools"][0]["function"]["name"], "report");
    let responses = choice(Dialect::Responses, Flavor::OpenAi, "gpt-4.1");
    assert_eq!(
        (&responses["tools"][0]["name"], &responses["tool_choice"]["name"]),
        (&json!("report"), &json!("report"))
    );
    assert!(
        body(ProbeKind::Echo, &target(Dialect::OpenAi, Flavor::OpenAi, "gpt-4.1"), Room::Tight)["tools"]
            .is_null()
    );
}

#[test]
fn no_two_questions_are_alike_and_none_is_over_its_bound() {
    let mut draw = draw();
    let target = target(Dialect::OpenAi, Flavor::OpenAi, "gpt-4.1");
    let mut seen = HashSet::new();
    for kind in [ProbeKind::Echo, ProbeKind::Tool, ProbeKind::Context] {
        for _ in 0..200 {
            let question = Question::draw(kind, &mut draw);
            assert!(question.nonce().len() == 4 && !question.nonce().contains(['a', 'e', 'i', 'o', 'u']));
            assert!((20..=198).contains(&question.sum()));
            let text = question.text();
            assert!(seen.insert(text.clone()));
            assert!(!text.contains(&format!(" {} ", question.sum())), "the answer is in the question");
            // Words and signs of this prompt are a token each at most, the nonce four.
            let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count();
            let signs = text.chars().filter(char::is_ascii_punctuation).count();
            let tokens = u64::try_from(words + signs + 4).unwrap();
            assert!(write(&question, &target, Room::Tight).input_bound >= tokens);
            if kind == ProbeKind::Context {
                assert!((3_500..4_500).contains(&tokens), "{tokens}");
            }
        }
    }
}

#[test]
fn kinds_come_in_their_shares_and_trials_in_turn() {
    let mut draw = draw();
    let mut counts = [0; 3];
    for _ in 0..10_000 {
        counts[match draw_kind(&mut draw) {
            ProbeKind::Echo => 0,
            ProbeKind::Tool => 1,
            ProbeKind::Context => 2,
        }] += 1;
    }
    let near = |count: i32, expected: i32| (count - expected).abs() < 200;
    assert!(near(counts[0], 7_000) && near(counts[1], 2_000) && near(counts[2], 1_000), "{counts:?}");
    for trial in 0..10 {
        let three: HashSet<ProbeKind> = (trial..trial + 3).map(trial_kind).collect();
        assert_eq!(three.len(), 3);
    }
}
