//! A stream that breaks in the middle goes on, as the application sees it one answer, or ends in an error.
#![cfg(test)]

mod accounts;
mod breaks;
mod continuations;
mod errors;
mod waiting;

use serde_json::{Value, json};
use sidestep_simulator::{Simulator, full_answer};
use sidestep_tests::{Application, Heard, Rig};

/// What is asked for, at which path, and whom the route prefers.
const WAYS: [(&str, &str); 5] = [
    ("/v1/messages", "claude-opus-5-5"),
    ("/v1/messages", "gpt-6.1-sol"),
    ("/v1/chat/completions", "claude-opus-5-5"),
    ("/v1/chat/completions", "gpt-6.1-sol"),
    ("/v1/responses", "gpt-6.1-sol"),
];

const PROMPT: &str = "Tell me of lighthouses in 90 words";

fn body(path: &str, model: &str) -> Value {
    match path {
        "/v1/messages" => Application::messages(model, PROMPT, true),
        "/v1/responses" => json!({"model": model, "stream": true, "input": PROMPT}),
        _ => {
            let mut body = Application::chat(model, PROMPT, true);
            body["stream_options"] = json!({"include_usage": true});
            body
        }
    }
}

/// The provider of the route's first choice.
fn first<'a>(rig: &'a Rig, model: &str) -> &'a Simulator {
    if model.starts_with("claude") { &rig.anthropic } else { &rig.openai }
}

/// The text, said in any dialect.
fn said(heard: &Heard) -> String {
    let events = heard.events();
    let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
    heard.said() + &deltas.filter_map(|event| event["delta"].as_str()).collect::<String>()
}

fn is_ended(heard: &Heard) -> bool {
    heard.is_ended() || heard.text.contains("event: response.completed\n")
}

/// An answer that is whole and one: nothing lost, nothing said twice, one envelope.
fn assert_whole(heard: &Heard, what: &str) {
    assert_eq!(said(heard), full_answer(PROMPT), "{what}: {}", heard.text);
    assert!(heard.whole && is_ended(heard) && !heard.tells_error(), "{what}: {}", heard.text);
    for envelope in [
        "event: message_start\n",
        "event: message_stop\n",
        "\"role\":\"assistant\",\"content\":\"\"",
        "data: [DONE]",
        "event: response.created\n",
        "event: response.completed\n",
        "\"finish_reason\":\"stop\"",
    ] {
        assert!(heard.text.matches(envelope).count() <= 1, "{what}, {envelope}: {}", heard.text);
    }
    let ids: std::collections::BTreeSet<String> =
        heard.events().iter().filter_map(|event| event["id"].as_str().map(str::to_owned)).collect();
    assert!(ids.len() <= 1, "{what}: {ids:?}");
}

/// The text is a part of the answer from its beginning, and the application is told that it is not whole.
fn assert_honest(heard: &Heard, what: &str) {
    assert!(full_answer(PROMPT).starts_with(&said(heard)), "{what}: {}", heard.text);
    assert!(heard.tells_error() && !is_ended(heard), "{what}: {}", heard.text);
}

async fn ask(rig: &Rig, path: &str, model: &str) -> Heard {
    rig.application.post(path, &body(path, model)).await
}

/// How often each provider was asked.
fn asked(rig: &Rig) -> [u64; 3] {
    [&rig.anthropic, &rig.openai, &rig.xai].map(|simulator| simulator.attempts().count())
}

async fn rescues(rig: &Rig, outcome: &str) -> f64 {
    let label = format!("outcome=\"{outcome}\"");
    rig.application.scrape().await.sum("sidestep_rescues_total", &[&label])
}

/// Every place is free again.
async fn assert_idle(rig: &Rig) {
    sidestep_tests::eventually("all places are free", async || {
        rig.application.scrape().await.sum("sidestep_in_flight", &[]) == 0.0
    })
    .await;
}
