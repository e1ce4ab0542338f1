//! When an attempt is repeated, when a call moves on, and what that may cost.
#![cfg(test)]

mod budget;
mod hedging;
mod repeating;
mod room;
mod words;

use sidestep_simulator::Simulator;
use sidestep_tests::{Application, Heard, Rig};

const PATHS: [&str; 2] = ["/v1/messages", "/v1/chat/completions"];
/// Each path with whole and streamed answers.
const WAYS: [(&str, bool); 4] = [(PATHS[0], false), (PATHS[0], true), (PATHS[1], false), (PATHS[1], true)];

fn body(path: &str, model: &str, stream: bool) -> serde_json::Value {
    match path {
        "/v1/messages" => Application::messages(model, "Tell me of lighthouses.", stream),
        _ => Application::chat(model, "Tell me of lighthouses.", stream),
    }
}

async fn opus(rig: &Rig, path: &str, stream: bool) -> Heard {
    rig.application.post(path, &body(path, "claude-opus-5-5", stream)).await
}

/// How often each provider was asked, in the order of the usual route.
fn asked(rig: &Rig) -> [u64; 3] {
    [&rig.anthropic, &rig.openai, &rig.xai].map(count)
}

fn count(simulator: &Simulator) -> u64 {
    simulator.attempts().count()
}
