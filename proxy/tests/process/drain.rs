//! How the process ends.

use http_body_util::BodyExt;
use sidestep_simulator::Fault;

use crate::Process;
use crate::support::{Application, Line, eventually};

const PATHS: [&str; 2] = ["/v1/messages", "/v1/chat/completions"];

fn body(path: &str) -> serde_json::Value {
    match path {
        "/v1/messages" => Application::messages("claude-opus-5-5", "Tell me of lighthouses.", true),
        _ => Application::chat("claude-opus-5-5", "Tell me of lighthouses.", true),
    }
}

type Stream = http::Response<hyper::body::Incoming>;

/// A stream for each dialect, of which something was read.
async fn streams(process: &Process) -> Vec<Stream> {
    let mut streams = Vec::new();
    for path in PATHS {
        let mut response = process.application.open(path, &body(path), &[]).await;
        assert_eq!(response.status(), 200);
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        streams.push(response);
    }
    streams
}

/// What else came, and whether the body ended as it should.
async fn rest(stream: Stream) -> (String, bool) {
    let (mut body, mut text) = (stream.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return (String::from_utf8(text).unwrap(), false) };
        text.extend_from_slice(frame.data_ref().unwrap());
    }
    (String::from_utf8(text).unwrap(), true)
}

#[tokio::test]
async fn on_sigterm_readiness_falls_streams_finish_and_the_exit_is_clean() {
    let mut process = Process::start("log: { format: json }\ndrain: { timeout: 20s }").await;
    assert_eq!(process.application.admin("/readyz").await.status, 200);
    let idle = Line::to(process.application.address).await;
    process.anthropic.faults().set("*", Fault::SlowTokens { per_second: 8.0 }).unwrap();
    let streams = streams(&process).await;
    process.terminate();
    eventually("readiness falls", async || process.application.admin("/readyz").await.status == 503).await;
    assert_eq!(process.application.admin("/livez").await.status, 200);
    assert_eq!(process.application.scrape().await.sum("sidestep_draining", &[]), 1.0);
    assert!(process.application.try_connect().await.is_err(), "still takes connections");
    for stream in streams {
        let (text, whole) = rest(stream).await;
        assert!(whole && (text.contains("message_stop") || text.contains("[DONE]")), "{text}");
        assert!(!text.contains("\"error\""), "{text}");
    }
    assert_eq!(process.ended().await.code(), Some(0), "{}", process.log());
    assert!(process.said("ended").is_some() && !process.log().contains("drain.timeout"), "{}", process.log());
    drop(idle);
}

#[tokio::test]
async fn a_stream_that_outlasts_the_drain_is_cut_and_does_not_look_finished() {
    let mut process = Process::start("log: { format: json }\ndrain: { timeout: 1s }").await;
    process.anthropic.faults().set("*", Fault::SlowTokens { per_second: 2.0 }).unwrap();
    let streams = streams(&process).await;
    process.terminate();
    for stream in streams {
        let (text, whole) = rest(stream).await;
        assert!(!whole || text.contains("\"error\""), "looks finished: {text}");
        assert!(!text.contains("message_stop") && !text.contains("[DONE]"), "{text}");
    }
    assert_eq!(process.ended().await.code(), Some(0), "{}", process.log());
    let line = process.said("cut at the end of the drain time (drain.timeout)").unwrap();
    assert_eq!(line["connections"], 2, "{line}");
}
