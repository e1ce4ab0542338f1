//! The record of incidents: what the application saw is in it, and neither the disk nor a restart gets in its way.

use std::fs;
use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use sidestep_simulator::Fault;
use sidestep_tests::{Rig, eventually};

use crate::body;

const HEALTH: &str = "health: { consecutive_failures: 3, cooldown: 1m }";

/// With models that are given up after a few failures, and incidents kept in `state`.
async fn rig(state: &Path) -> Rig {
    Rig::builder().with(HEALTH).state(state.to_owned()).start().await
}

async fn call(rig: &Rig, times: usize) {
    for _ in 0..times {
        let heard =
            rig.application.post("/v1/messages", &body("/v1/messages", "claude-opus-5-5", true)).await;
        assert_eq!(heard.status, 200, "{}", heard.text);
    }
}

async fn listed(rig: &Rig) -> Vec<Value> {
    rig.application.admin("/incidents").await.json()["incidents"].as_array().unwrap().clone()
}

/// Waits until the latest incident is as wanted.
async fn latest(rig: &Rig, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || listed(rig).await.first().is_some_and(&wanted)).await;
    listed(rig).await.remove(0)
}

fn files(state: &Path) -> usize {
    fs::read_dir(state.join("incidents")).map_or(0, |listing| {
        listing.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "json")).count()
    })
}

#[tokio::test]
async fn an_incident_counts_what_callers_saw_and_survives_a_restart_under_the_same_id() {
    let state = tempfile::tempdir().unwrap();
    let first = rig(state.path()).await;
    first.anthropic.faults().set("*", Fault::status(529)).unwrap();
    call(&first, 9).await;
    let counted = |incident: &Value| incident["calls"]["rerouted"] == 9;
    let incident = latest(&first, "all nine are counted", counted).await;
    assert_eq!(incident["ended"], Value::Null);
    assert_eq!(incident["models"][0]["id"], "opus", "{incident}");
    assert!(incident["models"][0]["evidence"]["classes"]["overload"].as_u64() >= Some(3), "{incident}");
    let id = incident["id"].as_str().unwrap().to_owned();
    first.stop().await;
    assert_eq!(files(state.path()), 1);

    // Sidestep knows nothing of the models any more, so the incident is closed, and says why.
    let second = rig(state.path()).await;
    let closed = latest(&second, "it is closed", |incident| incident["ended"].is_number()).await;
    assert_eq!((&closed["id"], &closed["interrupted"]), (&id.clone().into(), &true.into()));
    assert!(closed["ended"].as_f64() >= closed["started"].as_f64());
    // The provider is as ill as before: what is found now is the same.
    second.anthropic.faults().set("*", Fault::status(529)).unwrap();
    call(&second, 9).await;
    let again = |incident: &Value| incident["calls"]["rerouted"] == 18;
    let incident = latest(&second, "the same incident goes on", again).await;
    assert_eq!((&incident["id"], &incident["ended"]), (&id.into(), &Value::Null), "{incident}");
    assert_eq!(listed(&second).await.len(), 1);
    second.stop().await;
}

/// A dear first choice and a cheap stand-in.
const PRICED: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
  xai: { base_url: "{xai}/v1", api_key: test }
models:
  opus:
    provider: anthropic
    model: claude-opus-5-5
    price: { input_usd_per_million: 10, output_usd_per_million: 50 }
  gpt:
    provider: openai
    model: gpt-6.1-sol
    price: { input_usd_per_million: 1, output_usd_per_million: 5 }
  grok: { provider: xai, model: grok-4.7 }
routes:
  - { match: "claude-opus-*", targets: [opus, gpt] }
probes: { enabled: false }
"#;

#[tokio::test]
async fn what_others_answered_costs_the_difference_in_price() {
    let rig = Rig::builder().config(PRICED).with(HEALTH).start().await;
    let opus =
        async || rig.application.post("/v1/messages", &body("/v1/messages", "claude-opus-5-5", false)).await;
    rig.anthropic.faults().set("*", Fault::status(529)).unwrap();
    let (mut input, mut output) = (0.0, 0.0);
    for _ in 0..6 {
        let usage = &opus().await.json()["usage"];
        input += usage["input_tokens"].as_f64().unwrap();
        output += usage["output_tokens"].as_f64().unwrap();
    }
    let incident = latest(&rig, "all are counted", |incident| incident["calls"]["rerouted"] == 6).await;
    assert_eq!(incident["extra"]["tokens"], 0, "no token more was spent: {incident}");
    let saved = (input * 9.0 + output * 45.0) / 1e6;
    let usd = incident["extra"]["usd"].as_f64().unwrap();
    assert!(saved > 0.0 && (usd + saved).abs() < 1e-9, "{usd} for {saved} saved");
    assert_eq!(rig.application.admin("/incidents").await.json()["kept_on_disk"], false);
    let status = rig.application.admin("/status").await.json();
    assert_eq!(status["incidents"][0]["id"], incident["id"]);
    rig.stop().await;
}

#[tokio::test]
async fn a_route_whose_targets_are_all_rate_limited_is_an_incident_of_its_own() {
    let rig = Rig::builder()
        .with_route(r#"{ match: "lonely", targets: [grok], single_provider: true }"#)
        .start()
        .await;
    rig.xai.faults().set("*", Fault::status_after(429, Duration::from_secs(600))).unwrap();
    let call = body("/v1/chat/completions", "lonely", false);
    let ask = || rig.application.post("/v1/chat/completions", &call);
    eventually("it is refused", async || ask().await.text.contains("well enough")).await;
    let incident = latest(&rig, "it is on record", |_| true).await;
    assert_eq!(incident["scope"], "route", "{incident}");
    assert_eq!(incident["title"], "lonely: no target takes calls, though none is given up");
    let refused = incident["calls"]["refused"].as_u64().unwrap();
    for _ in 0..3 {
        assert!(ask().await.status.is_server_error());
    }
    latest(&rig, "the refusals are counted", |one| one["calls"]["refused"].as_u64() >= Some(refused + 3))
        .await;
    // An incident at the provider explains it.
    rig.application.disable("xai", "rate limited anyway").await;
    eventually("it is over", async || {
        let all = listed(&rig).await;
        all.len() == 2 && all[1]["ended"].is_number() && all[0]["scope"] == "operator"
    })
    .await;
    rig.stop().await;
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_told_and_stops_nobody() {
    let state = tempfile::tempdir().unwrap();
    // A file where the folder should be.
    fs::write(state.path().join("incidents"), "in the way").unwrap();
    let rig = rig(state.path()).await;
    let errors = async || rig.application.scrape().await.sum("sidestep_incident_file_errors_total", &[]);
    assert!(errors().await >= 1.0, "it is found at the start");
    rig.anthropic.faults().set("*", Fault::status(529)).unwrap();
    call(&rig, 9).await;
    latest(&rig, "the incident is recorded all the same", |incident| incident["calls"]["rerouted"] == 9)
        .await;
    eventually("the journal tells of it", async || {
        let status = rig.application.admin("/status").await.json();
        let mut events = status["events"].as_array().unwrap().iter();
        events.any(|event| event["why"].as_str().unwrap().starts_with("incidents cannot be kept"))
    })
    .await;
    // Once there is room again, nothing is missing.
    fs::remove_file(state.path().join("incidents")).unwrap();
    eventually("it is kept", async || files(state.path()) == 1).await;
    rig.stop().await;
}

#[tokio::test]
async fn what_is_broken_on_disk_is_left_alone_and_what_is_asked_wrongly_is_told() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("incidents");
    fs::create_dir(&folder).unwrap();
    let torn = folder.join("2026-11-20T14-03-09Z-anthropic.json");
    fs::write(&torn, "{\"id\": \"2026-11").unwrap();
    let rig = rig(state.path()).await;
    assert!(listed(&rig).await.is_empty());
    let scrape = rig.application.scrape().await;
    assert_eq!(scrape.sum("sidestep_incident_file_errors_total", &[]), 1.0);
    assert_eq!(scrape.sum("sidestep_incidents_open", &[]), 0.0);

    rig.application.disable("anthropic", "529s since nine").await;
    let incident = latest(&rig, "a switch is on record", |_| true).await;
    assert_eq!(incident["scope"], "operator");
    eventually("it is kept beside the torn one", async || files(state.path()) == 2).await;
    assert_eq!(fs::read_to_string(&torn).unwrap(), "{\"id\": \"2026-11");
    let id = incident["id"].as_str().unwrap();
    let one = rig.application.admin(&format!("/incidents/{id}")).await.json();
    assert_eq!(one["id"], id);
    rig.application.enable("anthropic").await;
    latest(&rig, "it ends with the switch", |incident| incident["ended"].is_number()).await;
    let scrape = rig.application.scrape().await;
    assert_eq!(scrape.sum("sidestep_incidents_total", &["scope=\"operator\""]), 1.0);

    for (path, status) in [
        ("/incidents/no-such", StatusCode::NOT_FOUND),
        ("/incidents/..%2fswitches", StatusCode::NOT_FOUND),
        ("/incidents/%zz", StatusCode::NOT_FOUND),
        ("/incidents?limit=many", StatusCode::BAD_REQUEST),
    ] {
        let heard = rig.application.admin(path).await;
        assert_eq!(heard.status, status, "{path}");
        assert!(heard.json()["error"].is_string(), "{}", heard.text);
    }
    assert!(
        rig.application.admin("/incidents?limit=0").await.json()["incidents"].as_array().unwrap().is_empty()
    );
    rig.stop().await;
}
