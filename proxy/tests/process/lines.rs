//! The lines about calls: what is in them, how many there are, and the level that can be changed.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sidestep_simulator::Fault;
use tokio::time::timeout;

use crate::support::{Application, eventually};
use crate::{Process, binary};

fn call(stream: bool) -> Value {
    Application::messages("claude-opus-5-5", "Tell me of lighthouses.", stream)
}

/// Has the log the line of each of `calls` calls.
async fn accesses(process: &Process, calls: usize) -> Vec<Value> {
    eventually("the calls are in the access log", async || process.lines("access").len() >= calls).await;
    let lines = process.lines("access");
    assert_eq!(lines.len(), calls, "{lines:#?}");
    lines
}

#[tokio::test]
async fn an_access_line_says_who_answered_and_how_long_it_took() {
    let mut process = Process::start("log: { format: json, access: {} }").await;
    let sent = process.application.post_with("/v1/messages", &call(true), &[("x-request-id", "abc-1")]).await;
    process.anthropic.faults().set("*", Fault::status(529)).unwrap();
    let body = json!({"top_k": 5, "model": "claude-opus-5-5", "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]});
    let moved = process.application.post("/v1/messages", &body).await;
    assert_eq!((sent.header("sidestep-upstream"), moved.header("sidestep-upstream")), ("opus", "gpt"));
    let unknown = Application::messages("gpt-1", "Hi", false);
    assert_eq!(process.application.post("/v1/messages", &unknown).await.status, 404);
    let lines = accesses(&process, 3).await;
    for (line, expected) in lines.iter().zip([
        json!({"request_id": "abc-1", "route": "claude-*", "dialect": "anthropic", "requested_model": "claude-opus-5-5",
            "upstream": "opus", "attempts": 1, "outcome": "answered", "status": 200, "streamed": true}),
        json!({"request_id": moved.header("request-id"), "route": "claude-*", "dialect": "anthropic",
            "requested_model": "claude-opus-5-5", "upstream": "gpt", "fallback_reason": "overload", "attempts": 2,
            "degraded": "top_k", "outcome": "rerouted", "status": 200, "streamed": false}),
        json!({"route": "none", "dialect": "anthropic", "attempts": 0, "refusal": "unknown_model", "outcome": "refused",
            "status": 404, "streamed": false}),
    ]) {
        let expected = expected.as_object().unwrap();
        expected.iter().for_each(|(key, value)| assert_eq!(&line[key], value, "{key}: {line}"));
        let mut allowed: Vec<&str> = expected.keys().map(String::as_str).collect();
        allowed.extend(["timestamp", "level", "target", "message", "request_id", "duration_ms", "first_token_ms"]);
        allowed.extend(["input_tokens", "output_tokens"]);
        let other: Vec<_> = line.as_object().unwrap().keys().filter(|key| !allowed.contains(&key.as_str())).collect();
        assert!(other.is_empty(), "{other:?} in {line}");
    }
    let number = |line: usize, field: &str| lines[line][field].as_u64();
    assert!(number(0, "first_token_ms") <= number(0, "duration_ms") && number(0, "first_token_ms").is_some());
    assert!(number(0, "output_tokens") > Some(0) && number(1, "input_tokens") > Some(0));
    assert_eq!((number(1, "first_token_ms"), number(2, "output_tokens")), (None, None));
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0));
}

#[tokio::test]
async fn an_outage_writes_a_few_lines_and_says_how_many_are_missing() {
    let mut process = Process::start("log: { format: json, access: { sample: 0, errors: false } }").await;
    process.application.post("/v1/messages", &call(false)).await;
    process.anthropic.faults().set("*", Fault::status(500)).unwrap();
    for _ in 0..200 {
        assert_eq!(process.application.post("/v1/messages", &call(false)).await.status, 200);
    }
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0));
    let told = process.lines("call rerouted");
    let left_out: u64 = process
        .lines("lines about calls were left out")
        .iter()
        .map(|line| line["lines"].as_u64().unwrap())
        .sum();
    assert_eq!(told.len() as u64 + left_out, 200, "{left_out} left out");
    // Ten in each window of 10 s, of which a slow machine may see several.
    assert!(told.len() >= 10 && left_out > 0, "{} told", told.len());
    assert_eq!((&told[0]["route"], &told[0]["upstream"]), (&"claude-*".into(), &"gpt".into()));
    assert!(told[0]["request_id"].as_str().unwrap().starts_with("req_"), "{}", told[0]);
    assert!(process.lines("access").is_empty(), "neither sampled nor kept for its ending");
}

#[tokio::test]
async fn who_stops_to_read_the_log_keeps_no_call_waiting() {
    // Reads until it serves, and holds the pipe from then on.
    let stopped = |mut log: File| {
        let (reader, writer) = std::io::pipe().unwrap();
        thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            let mut line = String::new();
            while !line.contains("serving") {
                line.clear();
                assert!(reader.read_line(&mut line).unwrap() > 0, "it has ended");
                log.write_all(line.as_bytes()).unwrap();
            }
            thread::park();
            drop(reader);
        });
        Stdio::from(writer)
    };
    let mut process = Process::start_before("log: { format: json, level: trace, access: {} }", stopped).await;
    for _ in 0..100 {
        let body = call(true);
        let called = timeout(Duration::from_secs(30), process.application.post("/v1/messages", &body));
        assert_eq!(called.await.expect("no call waits for a reader").status, 200);
    }
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0));
}

#[tokio::test]
async fn the_level_changes_while_it_runs_by_an_order_and_by_the_configuration() {
    let mut process = Process::start("log: { format: json, level: info }").await;
    let admin = format!("http://{}", process.application.admin);
    let order = |arguments: &[&str]| {
        let mut command = binary();
        command.arg("log").args(arguments).args(["--admin", &admin, "--actor", "ada"]).stdout(Stdio::piped());
        let output = command.stderr(Stdio::piped()).output().unwrap();
        let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        (output.status.code(), texts.concat())
    };
    let finished = |calls: usize| {
        let process = &process;
        async move { eventually("calls have lines", async || process.lines("call finished").len() == calls).await }
    };
    process.application.post("/v1/messages", &call(false)).await;
    assert_eq!(order(&[]), (Some(0), "The log level is info, as configured.\n".to_owned()));
    let (code, told) = order(&["debug", "--for", "1h"]);
    assert!(code == Some(0) && told.contains("debug, by ada, for another"), "{told}");
    process.application.post("/v1/messages", &call(false)).await;
    finished(1).await;
    let (code, told) = order(&["inof"]);
    assert!(code == Some(4) && told.contains("`inof` is no level"), "{told}");
    assert!(order(&["--reset"]).1.contains("info, as configured"));
    process.application.post("/v1/messages", &call(false)).await;
    assert_eq!(process.lines("the log level changes").len(), 2);

    let file = process.folder.path().join("sidestep.yaml");
    let fresh = process.folder.path().join("fresh");
    let text = std::fs::read_to_string(&file).unwrap().replace("level: info", "level: debug");
    std::fs::write(&fresh, text).unwrap();
    std::fs::rename(fresh, &file).unwrap();
    eventually("the new level is in force", async || order(&[]).1.contains("debug, as configured")).await;
    process.application.post("/v1/messages", &call(false)).await;
    finished(2).await;
    assert_eq!(process.said("these changes take effect at the next start"), None);
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0));
}
