//! Very many connections that do nothing.

use std::path::Path;
use std::process::Command;

use futures_util::future::join_all;
use tokio::net::TcpStream;

use crate::Process;
use crate::support::{Application, Line, eventually};

const CROWD: usize = 10_000;
/// Descriptors that both sides need beside those of the crowd.
const SPARE: usize = 500;
/// What one idle connection may cost, in bytes, in a debug build.
const EACH: usize = 24 << 10;

/// A number out of a file of `/proc`, by the beginning of its line.
fn told(file: impl AsRef<Path>, line: &str, place: usize) -> usize {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|one| one.strip_prefix(line)).unwrap();
    line.split_whitespace().nth(place).unwrap().parse().unwrap_or(usize::MAX)
}

/// How many connections this machine lets us hold, after raising the soft limit as far as it goes.
fn affordable() -> usize {
    let limit = |place| told("/proc/self/limits", "Max open files", place);
    let (soft, hard) = (limit(0), limit(1));
    if soft < CROWD + SPARE && soft < hard {
        let pid = std::process::id().to_string();
        let raised =
            Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={hard}:{hard}")]).status();
        println!("raising the limit of open files from {soft} to {hard}: {raised:?}");
    }
    let affordable = limit(0).saturating_sub(SPARE).min(CROWD);
    if affordable < CROWD {
        println!("only {affordable} of {CROWD} connections: the limit of open files is {}", limit(0));
    }
    affordable
}

#[tokio::test]
async fn ten_thousand_idle_connections_cost_little_and_nobody_is_turned_away() {
    let crowd = affordable();
    let limits = "limits: { connections: 20000, header_timeout: 10m }\nlog: { format: json }";
    let mut process = Process::start(limits).await;
    let memory = format!("/proc/{}/status", process.child.id());
    let call = Application::messages("claude-opus-5-5", "Tell me of lighthouses.", true);
    for _ in 0..20 {
        assert_eq!(process.application.post("/v1/messages", &call).await.status, 200);
    }
    let before = told(&memory, "VmRSS:", 0);
    let mut idle = Vec::new();
    while idle.len() < crowd {
        let wave = (0..100).map(|_| TcpStream::connect(process.application.address));
        idle.extend(join_all(wave).await.into_iter().map(Result::unwrap));
    }
    // Some have spoken, and are kept for their next request.
    let mut spoken = Vec::new();
    for stream in idle.drain(..crowd / 5) {
        let mut line = Line::over(stream);
        assert!(line.say("GET /nowhere HTTP/1.1\r\nhost: sidestep\r\n\r\n").await);
        assert!(line.response().await.starts_with("HTTP/1.1 404"));
        spoken.push(line);
    }
    eventually("all are taken in", async || {
        let open = process.application.scrape().await.sum("sidestep_connections_open", &["listener=\"app\""]);
        open >= crowd as f64
    })
    .await;
    for stream in [false, true] {
        let call = Application::chat("claude-opus-5-5", "Tell me of lighthouses.", stream);
        let heard = process.application.post("/v1/chat/completions", &call).await;
        assert_eq!(heard.status, 200, "{}", heard.text);
    }
    let grown = told(&memory, "VmRSS:", 0).saturating_sub(before) << 10;
    println!("{crowd} idle connections: {} KiB more in memory", grown >> 10);
    assert!(grown < crowd * EACH, "{} bytes for each idle connection", grown / crowd);
    // Nor do they hold up the end.
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0), "{}", process.log());
}
