//! Whole calls through Sidestep: each dialect, each form, each provider's failure.

use http::StatusCode;
use sidestep_simulator::{Fault, Planned};
use sidestep_tests::{Application, Rig};

const PATHS: [&str; 2] = ["/v1/messages", "/v1/chat/completions"];

fn body(path: &str, model: &str, stream: bool) -> serde_json::Value {
    let prompt = "Tell me something about lighthouses.";
    match path {
        "/v1/messages" => Application::messages(model, prompt, stream),
        _ => Application::chat(model, prompt, stream),
    }
}

#[tokio::test]
async fn the_first_choice_answers_when_it_is_well() {
    let rig = Rig::start().await;
    for path in PATHS {
        for stream in [false, true] {
            let heard = rig.application.post(path, &body(path, "claude-opus-5-5", stream)).await;
            assert_eq!(heard.status, StatusCode::OK, "{}", heard.text);
            assert_eq!(heard.header("sidestep-upstream"), "opus");
            assert_eq!(heard.header("sidestep-attempts"), "1");
            assert_eq!(heard.header("sidestep-fallback-reason"), "");
            assert!(heard.said().len() > 20, "{path} {stream}: {}", heard.text);
            assert!(!stream || heard.is_ended(), "{}", heard.text);
        }
    }
    rig.stop().await;
}

/// Every way to fail before anything meaningful came is invisible, in both dialects and forms.
#[tokio::test]
async fn a_failure_before_the_first_event_is_invisible() {
    let faults = [
        ("500", Fault::status(500)),
        ("529", Fault::status(529)),
        ("401", Fault::status(401)),
        ("402", Fault::status(402)),
        ("404", Fault::status(404)),
        ("reset", Fault::Reset {}),
        ("html", Fault::Html { status: 200 }),
        ("error body behind a 200", Fault::ErrorBody { status: 529 }),
    ];
    for (name, fault) in faults {
        for path in PATHS {
            for stream in [false, true] {
                let rig = Rig::start().await;
                rig.anthropic.faults().set("*", Planned::from(fault.clone())).unwrap();
                let heard = rig.application.post(path, &body(path, "claude-opus-5-5", stream)).await;
                assert_eq!(heard.status, StatusCode::OK, "{name} {path} {stream}: {}", heard.text);
                assert_eq!(heard.header("sidestep-upstream"), "gpt", "{name} {path}");
                assert_ne!(heard.header("sidestep-fallback-reason"), "", "{name}");
                assert!(
                    heard.said().len() > 20 && !heard.tells_error(),
                    "{name} {path} {stream}: {}",
                    heard.text
                );
                rig.stop().await;
            }
        }
    }
}

/// A cut after text was sent ends in an error event, never in something that looks finished.
#[tokio::test]
async fn a_truncated_answer_never_looks_finished() {
    for fault in [
        Fault::Cut { after: 4, clean: false, torn: true },
        Fault::MissingTerminal { keep_stop: false },
        Fault::InBandError { after: 4, status: 529 },
        Fault::BrokenEvent { after: 4 },
    ] {
        for path in PATHS {
            for model in ["opus", "gpt"] {
                let rig = Rig::start().await;
                let (asked, simulator) = match model {
                    "opus" => ("claude-opus-5-5", &rig.anthropic),
                    _ => ("gpt-6.1-sol", &rig.openai),
                };
                simulator.faults().set("*", Planned::from(fault.clone())).unwrap();
                let heard = rig.application.post(path, &body(path, asked, true)).await;
                assert_eq!(heard.status, StatusCode::OK);
                let honest = heard.tells_error() != heard.is_ended();
                assert!(honest, "{fault:?} {path} {model}: {}", heard.text);
                rig.stop().await;
            }
        }
    }
}

/// Two providers fall at the same moment: every call is answered by the third, the very first one too.
#[tokio::test]
async fn a_double_outage_is_invisible_while_a_third_provider_is_well() {
    let rig = Rig::start().await;
    rig.anthropic.faults().set("*", Fault::status(500)).unwrap();
    rig.openai.faults().set("*", Fault::status(500)).unwrap();
    for number in 0..60 {
        let path = PATHS[number % 2];
        let heard = rig.application.post(path, &body(path, "claude-opus-5-5", number % 4 < 2)).await;
        assert_eq!(heard.status, StatusCode::OK, "call {number}: {}", heard.text);
        assert_eq!(heard.header("sidestep-upstream"), "grok", "call {number}");
    }
    rig.stop().await;
}

/// Names as another gateway wrote them, `anthropic/…`, reach the provider without its prefix, in every dialect.
#[tokio::test]
async fn a_prefix_of_the_name_that_was_asked_for_can_be_taken_off() {
    let any = r#"
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
models:
  any: { provider: anthropic, model: "*", probe: claude-haiku-5-5, strip_prefix: anthropic/ }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "anthropic/*", targets: [any, gpt] }
probes: { enabled: false }
"#;
    let rig = Rig::builder().config(any).start().await;
    for path in PATHS {
        let heard = rig.application.post(path, &body(path, "anthropic/claude-opus-5-5", true)).await;
        assert_eq!(
            (heard.status, heard.header("sidestep-upstream")),
            (StatusCode::OK, "any"),
            "{}",
            heard.text
        );
    }
    let asked = rig.anthropic.attempts().all().into_iter().map(|attempt| attempt.model);
    assert_eq!(asked.collect::<Vec<_>>(), vec![Some("claude-opus-5-5".into()); 2]);
    rig.stop().await;
}
