//! What must not be seen: prompts, answers, keys. At the most talkative log level, through good and bad calls.

use serde_json::{Value, json};
use sidestep_simulator::{Fault, Planned};

use crate::support::Application;
use crate::{KEYS, Process};

/// Stands in every prompt; the simulated providers repeat it in every answer.
const PROMPT: &str = "marmalade-on-the-moon";
/// The application's own key, which nobody needs.
const FOREIGN: &str = "sk-the-applications-own";
/// Stands in tool definitions and histories.
const TOOL: &str = "violet-thunder";

fn calls(model: &str, stream: bool) -> Vec<(&'static str, Value)> {
    let mut messages = Application::messages(model, PROMPT, stream);
    let mut chat = Application::chat(model, PROMPT, stream);
    let schema = json!({"type": "object", "properties": {"word": {"type": "string", "description": TOOL}}});
    let plain = [("/v1/messages", messages.clone()), ("/v1/chat/completions", chat.clone())];
    messages["tools"] = json!([{"name": "look_up", "description": TOOL, "input_schema": schema}]);
    messages["system"] = TOOL.into();
    chat["tools"] = json!([{"type": "function", "function": {"name": "look_up", "description": TOOL, "parameters": schema}}]);
    chat["user"] = TOOL.into();
    plain.into_iter().chain([("/v1/messages", messages), ("/v1/chat/completions", chat)]).collect()
}

async fn all_calls(process: &Process, faults: &[Fault]) {
    for fault in faults {
        for stream in [true, false] {
            // Once, so that no verdict keeps the next fault from being met.
            process.anthropic.faults().set("*", Planned::from(fault.clone()).at_most(1)).unwrap();
            for (path, body) in calls("claude-opus-5-5", stream) {
                let headers = [("x-api-key", FOREIGN), ("cookie", FOREIGN)];
                process.application.post_with(&format!("{path}?key={FOREIGN}"), &body, &headers).await;
            }
        }
    }
    for path in ["/v1/messages", "/v1/chat/completions"] {
        let broken = Value::String(PROMPT.to_owned());
        let heard = process.application.post_with(path, &broken, &[("x-api-key", FOREIGN)]).await;
        assert_eq!(heard.status, 400);
        assert!(!heard.text.contains(PROMPT), "{}", heard.text);
        let unknown = calls(TOOL, false).swap_remove(0).1;
        assert_ne!(process.application.post(path, &unknown).await.status, 200);
    }
}

fn assert_secret(place: &str, text: &str) {
    for secret in [PROMPT, FOREIGN, KEYS[0], KEYS[1]] {
        if let Some(at) = text.find(secret) {
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            let line = text[line..].lines().next().unwrap_or_default();
            panic!("{secret} is in {place}: {}", line.chars().take(600).collect::<String>());
        }
    }
}

#[tokio::test]
async fn nothing_that_was_said_and_no_key_is_seen_anywhere() {
    let mut process = Process::start("log: { level: trace, format: json, access: {} }").await;
    all_calls(
        &process,
        &[
            Fault::SlowTokens { per_second: 1000.0 },
            Fault::status(400),
            Fault::status(401),
            Fault::status(500),
            Fault::Reset {},
            Fault::Html { status: 200 },
            Fault::BrokenEvent { after: 4 },
            Fault::Cut { after: 4, clean: false, torn: true },
            Fault::InBandError { after: 4, status: 529 },
            Fault::Gzip {},
        ],
    )
    .await;
    let answer = process
        .application
        .post("/v1/messages", &Application::messages("claude-opus-5-5", PROMPT, false))
        .await;
    assert!(answer.said().contains(PROMPT), "the providers no longer repeat the prompt: {}", answer.text);
    for page in ["/metrics", "/status", "/switches", "/"] {
        assert_secret(page, &process.application.admin(page).await.text);
    }
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0));
    let log = process.log();
    let talk = log.lines().filter(|line| line.contains("\"TRACE\"")).count();
    assert!(talk > 100, "{talk} lines: not the most talkative level");
    let accesses = process.lines("access");
    assert!(accesses.len() >= 80, "{} calls in the access log", accesses.len());
    for outcome in ["answered", "rerouted", "rejected", "rescued", "refused"] {
        assert!(
            accesses.iter().any(|line| line["outcome"] == outcome),
            "no {outcome} call in the access log"
        );
    }
    assert_secret("the log", &log);
    assert!(!log.contains(TOOL), "a tool or a model name that the application chose is in the log");
}
