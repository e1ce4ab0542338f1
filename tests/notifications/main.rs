//! Who is told of what, and that nobody is held up by it.
#![cfg(test)]

mod outage;
mod receivers;
mod reloading;
mod troubles;

use serde_json::Value;
use sidestep_tests::{Application, Provider};

/// So quick that a recovery is over in seconds. `{anthropic}` and `{openai}` stand for the providers' URLs.
const QUICK: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  haiku: { provider: anthropic, model: claude-haiku-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "claude-opus-*", targets: [opus, gpt] }
  - { match: "claude-haiku-*", targets: [haiku, gpt] }
health: { consecutive_failures: 3, cooldown: 500ms, max_cooldown: 1s, slow_start: 1s }
probes: { interval: 200ms, suspect_interval: 100ms }
faults: { allow: true, max_rate: 1, max_duration: 10m }
"#;

/// Takes whatever it is sent, and remembers it.
async fn receiver() -> Provider {
    Provider::saying(&Provider::response("200 OK", "", "ok"), None).await
}

/// What a receiver was sent so far, as JSON.
fn told(receiver: &Provider) -> Vec<Value> {
    let body = |request: String| serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    receiver.heard().into_iter().map(body).collect()
}

/// The objects of one event that a receiver of `webhook` was sent.
fn told_of(receiver: &Provider, event: &str) -> Vec<Value> {
    told(receiver).into_iter().filter(|object| object["event"] == event).collect()
}

/// Whether it was told that `event` is in this state.
fn knows(receiver: &Provider, event: &str, state: &str) -> bool {
    told_of(receiver, event).iter().any(|object| object["state"] == state)
}

/// Calls both models; whoever answers, it is an answer. Returns how many were answered by another one.
async fn call(application: &Application) -> usize {
    let mut rerouted = 0;
    for model in ["claude-opus-5-5", "claude-haiku-5-5"] {
        let heard = application.post("/v1/messages", &Application::messages(model, "Why?", false)).await;
        assert_eq!(heard.status, 200, "{}", heard.text);
        rerouted += usize::from(heard.header("sidestep-upstream") == "gpt");
    }
    rerouted
}
