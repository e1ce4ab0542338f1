//! What cannot be continued, or not any more, ends in an error at once.

use serde_json::{Value, json};
use sidestep_simulator::{Fault, Planned, full_answer};
use sidestep_tests::{Heard, Rig};

use crate::{PROMPT, WAYS, ask, asked, assert_honest, assert_idle, body, first, is_ended, rescues, said};

const CUT: Fault = Fault::Cut { after: 12, clean: false, torn: true };

async fn rig(route: &str) -> Rig {
    let routes = format!(
        r#"
listen: 127.0.0.1:0
admin: {{ listen: 127.0.0.1:0 }}
providers:
  anthropic: {{ base_url: "{{anthropic}}/v1", api_key: test }}
  openai: {{ base_url: "{{openai}}/v1", api_key: test }}
  xai: {{ base_url: "{{xai}}/v1", api_key: test }}
models:
  opus: {{ provider: anthropic, model: claude-opus-5-5 }}
  gpt: {{ provider: openai, model: gpt-6.1-sol }}
  grok: {{ provider: xai, model: grok-4.7 }}
routes:
  - {{ match: "claude-*", targets: [opus, gpt, grok] {route} }}
  - {{ match: "gpt-*", targets: [gpt, opus, grok] {route} }}
probes: {{ enabled: false }}
"#
    );
    Rig::builder().config(&routes).start().await
}

#[tokio::test]
async fn an_error_is_told_when_nobody_goes_on() {
    let one = |fault: Fault| vec![Planned::from(fault)];
    let others: [(&str, &str, Vec<Planned>, u64); 5] = [
        ("", "failed", one(Fault::status(500)), 3),
        ("", "broken", one(Fault::Cut { after: 20, clean: true, torn: true }), 2),
        ("", "broken", one(Fault::InBandError { after: 20, status: 529 }), 2),
        (", retry_budget: { ratio: 0, reserve_per_second: 0 }", "budget", Vec::new(), 1),
        (", rescue: false", "", Vec::new(), 1),
    ];
    for (route, outcome, others, attempts) in others {
        for (path, model) in WAYS {
            let (rig, what) = (rig(route).await, format!("{outcome} {path} {model}"));
            for simulator in [&rig.anthropic, &rig.openai, &rig.xai] {
                simulator.faults().set_all("*", others.clone()).unwrap();
            }
            first(&rig, model).faults().set("*", CUT).unwrap();
            let heard = ask(&rig, path, model).await;
            assert_honest(&heard, &what);
            assert_eq!(asked(&rig).iter().sum::<u64>(), attempts, "{what}");
            if !outcome.is_empty() {
                assert_eq!(rescues(&rig, outcome).await, 1.0, "{what}");
            }
            assert_eq!(
                rig.application.scrape().await.sum("sidestep_requests_total", &["outcome=\"cut\""]),
                1.0
            );
            assert_idle(&rig).await;
            rig.stop().await;
        }
    }
}

pub(crate) fn tool(path: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    match path {
        "/v1/messages" => json!({"name": "get_weather", "input_schema": schema}),
        "/v1/responses" => json!({"type": "function", "name": "get_weather", "parameters": schema}),
        _ => json!({"type": "function", "function": {"name": "get_weather", "parameters": schema}}),
    }
}

/// A body that asks for a tool's call, after some text or at once.
fn calling(path: &str, model: &str, explained: bool) -> Value {
    let mut body = body(path, model);
    let prompt = if explained { "Explain the weather in Oslo" } else { "What is the weather in Oslo?" };
    match path {
        "/v1/responses" => body["input"] = prompt.into(),
        _ => body["messages"][0]["content"] = prompt.into(),
    }
    body["tools"] = json!([tool(path)]);
    body
}

/// Half a call must reach nobody as a finished one, and no other model goes on with it.
#[tokio::test]
async fn a_call_that_has_begun_is_not_continued() {
    for (path, model) in WAYS {
        for explained in [false, true] {
            let (rig, what) = (Rig::start().await, format!("{path} {model} {explained}"));
            // In the middle of the arguments: each provider has other events before them.
            let after = match (path, model) {
                ("/v1/responses", _) => [4, 14],
                (_, "gpt-6.1-sol") => [3, 8],
                _ => [4, 12],
            }[usize::from(explained)];
            first(&rig, model).faults().set("*", Fault::Cut { after, clean: false, torn: false }).unwrap();
            let heard = rig.application.post(path, &calling(path, model, explained)).await;
            assert!(heard.text.contains("get_weather"), "too early: {what}: {}", heard.text);
            assert!(heard.tells_error() && !is_ended(&heard), "{what}: {}", heard.text);
            assert_eq!(asked(&rig).iter().sum::<u64>(), 1, "{what}");
            assert_eq!(rescues(&rig, "tool_call").await, 1.0, "{what}");
            rig.stop().await;
        }
    }
}

fn structured(path: &str, model: &str) -> Value {
    let mut body = body(path, model);
    let schema = json!({"type": "object", "properties": {"place": {"type": "string"}, "why": {"type": "string"}},
        "required": ["place", "why"], "additionalProperties": false});
    match path {
        "/v1/messages" => {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}})
        }
        "/v1/responses" => {
            body["text"] =
                json!({"format": {"type": "json_schema", "name": "a", "strict": true, "schema": schema}});
        }
        _ => {
            body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "a", "strict": true, "schema": schema}});
        }
    }
    body
}

#[tokio::test]
async fn structured_output_is_not_continued() {
    for (path, model) in WAYS {
        let (rig, what) = (Rig::start().await, format!("{path} {model}"));
        first(&rig, model).faults().set("*", Fault::Cut { after: 5, clean: false, torn: false }).unwrap();
        let heard: Heard = rig.application.post(path, &structured(path, model)).await;
        assert!(heard.tells_error() && !is_ended(&heard), "{what}: {}", heard.text);
        assert_eq!(
            (asked(&rig).iter().sum::<u64>(), rescues(&rig, "structured_output").await),
            (1, 1.0),
            "{what}"
        );
        rig.stop().await;
    }
}

/// What a provider holds against the request, in the middle of its answer, is told and not tried elsewhere.
#[tokio::test]
async fn the_applications_own_error_is_not_made_good() {
    for (path, model) in WAYS {
        let (rig, what) = (rig("").await, format!("{path} {model}"));
        first(&rig, model).faults().set("*", Fault::InBandError { after: 12, status: 400 }).unwrap();
        assert_honest(&ask(&rig, path, model).await, &what);
        assert_eq!((asked(&rig).iter().sum::<u64>(), rescues(&rig, "rejected").await), (1, 1.0), "{what}");
        rig.stop().await;
    }
}

/// Whoever has failed this very call already is not the one who makes it good, while there is another.
#[tokio::test]
async fn the_rest_comes_from_somebody_who_has_not_failed_yet() {
    for (path, model) in WAYS {
        let (rig, what) = (rig("").await, format!("{path} {model}"));
        let [first, second] = match model.starts_with("claude") {
            true => [&rig.anthropic, &rig.openai],
            false => [&rig.openai, &rig.anthropic],
        };
        // Once, and once more in place: it would answer now.
        first.faults().set("*", Planned::from(Fault::status(500)).at_most(2)).unwrap();
        second.faults().set("*", Fault::cut(30)).unwrap();
        crate::assert_whole(&ask(&rig, path, model).await, &what);
        let counts = [first, second, &rig.xai].map(|simulator| simulator.attempts().count());
        assert_eq!(counts, [2, 1, 1], "{what}");
        rig.stop().await;
    }
}

/// A text that was told to its end needs no continuation, though nobody knows whether the answer would have had more.
#[tokio::test]
async fn a_text_that_is_over_is_not_continued() {
    for (path, model) in WAYS {
        let (rig, what) = (rig("").await, format!("{path} {model}"));
        // In place of the very last event.
        first(&rig, model).faults().set("*", Fault::InBandError { after: 9999, status: 529 }).unwrap();
        let heard = ask(&rig, path, model).await;
        assert_honest(&heard, &what);
        assert_eq!(said(&heard), full_answer(PROMPT), "{what}");
        assert_eq!(
            (asked(&rig).iter().sum::<u64>(), rescues(&rig, "uncontinuable").await),
            (1, 1.0),
            "{what}"
        );
        rig.stop().await;
    }
}

/// An overload stays one, whoever could not go on.
#[tokio::test]
async fn the_error_is_that_of_the_first_break() {
    let rig = rig(", retry_budget: { ratio: 0, reserve_per_second: 0 }").await;
    rig.anthropic.faults().set("*", Fault::InBandError { after: 12, status: 529 }).unwrap();
    let heard = ask(&rig, "/v1/messages", "claude-opus-5-5").await;
    assert!(heard.text.contains("overloaded_error") && !heard.text.contains(PROMPT), "{}", heard.text);
    rig.stop().await;
}
