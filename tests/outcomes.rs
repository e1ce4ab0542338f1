//! What becomes of a call, and what is said of whom, when providers or the application behave oddly.
#![cfg(test)]

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Full};
use sidestep_simulator::{Fault, Planned};
use sidestep_tests::{Application, Heard, Line, Provider, Rig, eventually};
use tokio::time::timeout;

/// `odd` is asked first; its provider is a test's own.
const ODD_FIRST: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
limits: { event_bytes: 4KiB }
providers:
  odd: { dialect: openai, base_url: "http://{odd}/v1", api_key: test }
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
models:
  odd: { provider: odd, model: odd-model }
  opus: { provider: anthropic, model: claude-opus-5-5 }
routes:
  - { match: "odd-*", targets: [odd, opus] }
  - { match: "aliased", targets: [odd, opus] }
probes: { enabled: false }
"#;

const CHUNKS: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"odd but true\"}}]}\n\n\
    data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
const COMPLETION: &str = "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"odd but true\"},\"finish_reason\":\"stop\"}]}";

async fn rig(provider: &Provider) -> Rig {
    Rig::builder().config(&ODD_FIRST.replace("{odd}", &provider.address.to_string())).start().await
}

/// `None` when there is no answer in far less than the minute that a first token may take.
async fn ask(rig: &Rig, stream: bool) -> Option<Heard> {
    let body = Application::chat("odd-model", "Tell me of lighthouses.", stream);
    timeout(Duration::from_secs(30), rig.application.post("/v1/chat/completions", &body)).await.ok()
}

/// How many attempts at `model` ended in `class`.
async fn attempts(rig: &Rig, model: &str, class: &str) -> f64 {
    let labels = [format!("model=\"{model}\""), format!("class=\"{class}\"")];
    rig.application.scrape().await.sum("sidestep_attempts_total", &[&labels[0], &labels[1]])
}

#[tokio::test]
async fn any_success_is_an_answer_and_a_stream_needs_no_type() {
    for (stream, response) in [
        (false, Provider::response("201 Created", "content-type: application/json\r\n", COMPLETION)),
        (true, Provider::response("200 OK", "", CHUNKS)),
        (true, Provider::response("200 OK", "content-type: Text/Event-Stream\r\n", CHUNKS)),
    ] {
        let provider = Provider::saying(&response, None).await;
        let rig = rig(&provider).await;
        let heard = ask(&rig, stream).await.unwrap();
        assert_eq!((heard.header("sidestep-upstream"), heard.said().as_str()), ("odd", "odd but true"));
        if stream {
            assert_eq!(heard.text, CHUNKS);
        }
        assert_eq!(attempts(&rig, "odd", "ok").await, 1.0);
        rig.stop().await;
    }
}

#[tokio::test]
async fn what_never_comes_to_the_point_is_left_for_another_target_at_once() {
    let endless = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://{here}/v1/elsewhere\r\ncontent-length: 0\r\n\r\n";
    let bodiless = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 99\r\n\r\n{";
    for (answer, refrain) in [(endless, Some(": busy\n\n")), (elsewhere, None), (bodiless, None)] {
        let provider = Provider::saying(answer, refrain).await;
        let rig = rig(&provider).await;
        let heard = ask(&rig, true).await.unwrap();
        assert_eq!(heard.header("sidestep-upstream"), "opus", "{answer}: {}", heard.text);
        assert!(attempts(&rig, "odd", "hard").await >= 1.0, "{answer}");
        assert!(provider.heard().iter().all(|request| request.starts_with("POST /v1/chat/completions ")));
        rig.stop().await;
    }
}

/// The second target only gets what the first one left of the time.
#[tokio::test]
async fn a_target_that_had_no_fair_chance_is_not_blamed() {
    let rig = Rig::builder()
        .config(
            r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "claude-*", targets: [opus, gpt], deadline: 3s, first_token_timeout: 2s }
probes: { enabled: false }
"#,
        )
        .start()
        .await;
    for simulator in [&rig.anthropic, &rig.openai] {
        simulator.faults().set("*", Planned::from(Fault::NoAnswer {})).unwrap();
    }
    let body = Application::messages("claude-opus-5-5", "Tell me of lighthouses.", true);
    let heard = rig.application.post("/v1/messages", &body).await;
    assert_eq!(heard.status, 504, "{}", heard.text);
    assert_eq!(heard.json()["error"]["type"], "timeout_error");
    assert_eq!(heard.header("x-should-retry"), "false");
    assert_eq!((heard.header("sidestep-attempts"), heard.header("sidestep-fallback-reason")), ("2", "hard"));
    assert_eq!(attempts(&rig, "opus", "hard").await, 1.0);
    assert_eq!(attempts(&rig, "gpt", "cancel").await, 1.0);
    rig.stop().await;
}

/// Both ways of waiting: for a stream's first event and for a whole answer.
#[tokio::test]
async fn an_application_that_hangs_up_frees_the_place_at_once() {
    let rig = Rig::start().await;
    rig.anthropic.faults().set("*", Planned::from(Fault::NoAnswer {})).unwrap();
    for (stream, left) in [(false, 1.0), (true, 2.0)] {
        let body = Application::messages("claude-opus-5-5", "Tell me of lighthouses.", stream).to_string();
        let head = "POST /v1/messages HTTP/1.1\r\nhost: sidestep\r\ncontent-type: application/json\r\n";
        let mut line = Line::to(rig.application.address).await;
        line.say(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
        let in_flight =
            async |rig: &Rig| rig.application.scrape().await.sum("sidestep_in_flight", &["model=\"opus\""]);
        eventually("the call is under way", async || in_flight(&rig).await == 1.0).await;
        drop(line);
        eventually("its place is free", async || in_flight(&rig).await == 0.0).await;
        assert_eq!(attempts(&rig, "opus", "cancel").await, left);
    }
    rig.stop().await;
}

/// What is left of a stream when time for draining is over must not look whole.
#[tokio::test]
async fn a_stream_that_outlives_the_drain_is_aborted() {
    let rig = Rig::builder().with("drain: { timeout: 200ms }").start().await;
    rig.anthropic.faults().set("*", Planned::from(Fault::Stall { after: 6 })).unwrap();
    let body = Application::messages("claude-opus-5-5", "Tell me of lighthouses.", true);
    let answer = rig.application.open("/v1/messages", &body, &[]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(rig.stop().await, 1);
    let end = answer.into_body().collect().await;
    assert!(end.is_err(), "the body ended as though it were whole");
}

#[tokio::test]
async fn a_vendors_refusal_is_told_with_whose_it_is() {
    let rig = Rig::start().await;
    let fault = Fault::Status { status: 400, retry_after_s: None, code: None };
    rig.openai.faults().set("*", Planned::from(fault)).unwrap();
    // In the caller's own dialect, whatever headers it sends besides.
    let body = Application::chat("gpt-6.1-sol", "Tell me of lighthouses.", false);
    let headers = [("anthropic-version", "2023-06-01")];
    let heard = rig.application.post_with("/v1/chat/completions", &body, &headers).await;
    assert_eq!((heard.status.as_u16(), heard.header("sidestep-upstream")), (400, "gpt"));
    assert_eq!((heard.header("sidestep-attempts"), heard.header("sidestep-fallback-reason")), ("1", ""));
    let body = Application::chat("no-such-model", "Tell me of lighthouses.", false);
    let heard = rig.application.post_with("/v1/chat/completions", &body, &headers).await;
    assert_eq!(heard.json()["error"]["code"], "model_not_found", "{}", heard.text);
    rig.stop().await;
}

#[tokio::test]
async fn what_is_passed_on_keeps_its_meaning() {
    let provider = Provider::saying(&Provider::response("200 OK", "", "{}"), None).await;
    let rig = rig(&provider).await;
    for model in ["odd-embedder", "aliased"] {
        let body = serde_json::json!({"model": model, "input": "lighthouse"});
        rig.application.post("/v1/embeddings", &body).await;
    }
    for path in ["/v1/models/aliased", "/v1/models/odd-x", "/v1/models/../files", "/v1/models/%2e%2e/files"] {
        let uri = format!("http://{}{path}", rig.application.address);
        rig.application.send(Request::get(uri).body(Full::default()).unwrap()).await;
    }
    let heard = provider.heard();
    let about = |at: usize, text: &str| assert!(heard[at].contains(text), "{text} in {}", heard[at]);
    assert_eq!(heard.len(), 4, "nothing but models is read of the paths: {heard:?}");
    // Vectors of another model fit nothing; an alias has no vectors of its own.
    about(0, "\"odd-embedder\"");
    about(1, "\"odd-model\"");
    about(2, "GET /v1/models/odd-model ");
    rig.stop().await;

    let refusing = Provider::saying(&Provider::response("401 Unauthorized", "", "{}"), None).await;
    let rig = self::rig(&refusing).await;
    let heard = rig.application.post("/v1/embeddings", &serde_json::json!({"model": "odd-x"})).await;
    assert_eq!(heard.status, 503, "our key is not the application's affair: {}", heard.text);
    rig.stop().await;
}

/// An application that is still sending does not listen: it must be let finish, or it sees a reset connection.
#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_a_way_that_is_heard() {
    let rig = Rig::builder().with("limits: { body_bytes: 64KiB }").start().await;
    for length in ["content-length: 16777216", "transfer-encoding: chunked"] {
        let mut line = Line::to(rig.application.address).await;
        let head =
            format!("POST /v1/messages HTTP/1.1\r\nhost: sidestep\r\n{length}\r\nconnection: close\r\n\r\n");
        line.say(head).await;
        let piece = "x".repeat(1 << 20);
        for _ in 0..16 {
            let framed =
                if length.starts_with('c') { piece.clone() } else { format!("100000\r\n{piece}\r\n") };
            assert!(line.say(framed).await, "{length}: hung up on");
        }
        line.say(if length.starts_with('c') { "" } else { "0\r\n\r\n" }).await;
        let heard = line.hear_out(Duration::from_secs(30)).await.unwrap();
        assert!(
            heard.starts_with("HTTP/1.1 413 ") && heard.contains("request_too_large"),
            "{length}: {heard}"
        );
    }
    rig.stop().await;
}
