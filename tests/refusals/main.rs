//! Bad input from both sides: what applications and providers must not be able to do to Sidestep.
#![cfg(test)]

mod connections;
mod requests;
mod upstreams;

use sidestep_tests::{Application, Rig};

const PATHS: [&str; 2] = ["/v1/messages", "/v1/chat/completions"];

fn body(path: &str, model: &str, stream: bool) -> serde_json::Value {
    match path {
        "/v1/messages" => Application::messages(model, "Tell me of lighthouses.", stream),
        _ => Application::chat(model, "Tell me of lighthouses.", stream),
    }
}

/// After whatever was done to it, Sidestep answers both dialects, and nothing of it died.
async fn still_answers(rig: &Rig) {
    for path in PATHS {
        let heard = rig.application.post(path, &body(path, "claude-opus-5-5", true)).await;
        assert_eq!(heard.status, 200, "{}", heard.text);
        assert!(heard.is_ended() && heard.whole, "{}", heard.text);
    }
    assert_eq!(rig.application.scrape().await.sum("sidestep_task_panics_total", &[]), 0.0);
}
