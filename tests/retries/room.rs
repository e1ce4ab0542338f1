//! Room at the models: who is shed first, and that every place comes free again.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use sidestep_simulator::Fault;
use sidestep_tests::{Heard, Rig, eventually};

use crate::{PATHS, body};

const NARROW: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5, max_concurrency: 5 }
  gpt: { provider: openai, model: gpt-6.1-sol, max_concurrency: 5 }
routes:
  - { match: "claude-opus-*", targets: [opus, gpt] }
probes: { enabled: false }
"#;

async fn call(rig: &Rig, path: &str, priority: &str) -> Heard {
    let headers = [("sidestep-priority", priority)];
    rig.application.post_with(path, &body(path, "claude-opus-5-5", false), &headers).await
}

/// A stream that has begun and goes on for ever.
async fn occupy(rig: &Rig, path: &str) -> http::Response<Incoming> {
    let mut response = rig.application.open(path, &body(path, "claude-opus-5-5", true), &[]).await;
    assert_eq!(response.status(), 200);
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    response
}

async fn in_flight(rig: &Rig) -> [u64; 2] {
    let mut told = [0; 2];
    for (place, model) in ["opus", "gpt"].into_iter().enumerate() {
        told[place] = rig.application.standing(model).await["in_flight"].as_u64().unwrap();
    }
    told
}

fn assert_shed(heard: &Heard, path: &str) {
    let status = if path == "/v1/messages" { 529 } else { 503 };
    assert_eq!(heard.status, status, "{}", heard.text);
    assert_eq!(
        (heard.header("x-should-retry"), heard.header("retry-after")),
        ("false", "1"),
        "{}",
        heard.text
    );
}

#[tokio::test]
async fn batch_is_shed_before_interactive_and_places_come_free_when_callers_leave() {
    let rig = Rig::builder().config(NARROW).start().await;
    for simulator in [&rig.anthropic, &rig.openai] {
        simulator.faults().set("*", Fault::SlowTokens { per_second: 0.5 }).unwrap();
    }
    let mut taken = Vec::new();
    for number in 0..9 {
        taken.push(occupy(&rig, PATHS[number % 2]).await);
    }
    assert_eq!(in_flight(&rig).await, [5, 4]);
    batch_calls_are_shed(&rig).await;
    taken.push(occupy(&rig, PATHS[0]).await);
    all_calls_are_shed(&rig).await;

    drop(taken);
    eventually("all places are free", async || in_flight(&rig).await == [0, 0]).await;
    eventually("the providers are left", async || {
        let logs = [&rig.anthropic, &rig.openai].map(|simulator| simulator.attempts().all());
        logs.iter().flatten().filter(|attempt| attempt.left_early).count() == 10
    })
    .await;
    rig.anthropic.faults().clear_all();
    for path in PATHS {
        assert_eq!(call(&rig, path, "batch").await.header("sidestep-upstream"), "opus");
    }
    let scrape = rig.application.scrape().await;
    assert_eq!(scrape.sum("sidestep_requests_total", &["outcome=\"cancelled\""]), 10.0);
    rig.stop().await;
}

async fn batch_calls_are_shed(rig: &Rig) {
    rig.openai.faults().clear_all();
    for path in PATHS {
        // Four of five places are all that batch calls may take.
        let heard = call(rig, path, "batch").await;
        assert_shed(&heard, path);
        assert!(heard.text.contains("batch calls are shed"), "{}", heard.text);
        let heard = call(rig, path, "interactive").await;
        assert_eq!(
            (heard.status.as_u16(), heard.header("sidestep-upstream")),
            (200, "gpt"),
            "{}",
            heard.text
        );
        assert_eq!(heard.header("sidestep-fallback-reason"), "full");
    }
    rig.openai.faults().set("*", Fault::SlowTokens { per_second: 0.5 }).unwrap();
}

async fn all_calls_are_shed(rig: &Rig) {
    let asked = [&rig.anthropic, &rig.openai].map(|simulator| simulator.attempts().count());
    for path in PATHS {
        assert_shed(&call(rig, path, "interactive").await, path);
    }
    assert_eq!([&rig.anthropic, &rig.openai].map(|simulator| simulator.attempts().count()), asked);
    let scrape = rig.application.scrape().await;
    let shed = |priority| scrape.sum("sidestep_shed_total", &["reason=\"over_limit\"", priority]);
    assert_eq!((shed("priority=\"batch\""), shed("priority=\"interactive\"")), (2.0, 2.0));
}
