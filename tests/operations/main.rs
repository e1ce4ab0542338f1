//! What operators do to a running Sidestep: switches, rehearsals and new configurations.
#![cfg(test)]

mod recording;
mod rehearsing;
mod reloading;
mod switching;

use sidestep_tests::Application;

const PATHS: [&str; 2] = ["/v1/messages", "/v1/chat/completions"];

fn body(path: &str, model: &str, stream: bool) -> serde_json::Value {
    match path {
        "/v1/messages" => Application::messages(model, "Tell me of lighthouses.", stream),
        _ => Application::chat(model, "Tell me of lighthouses.", stream),
    }
}
