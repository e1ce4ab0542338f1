//! Rehearsals: the incident is made here, everything that follows from it is real, and the application sees none of it.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use sidestep::app::App;
use sidestep::config::reload::Reload;
use sidestep::config::{Config, Source, Variables};
use sidestep_tests::{Application, Heard, Rig, eventually};

use crate::{PATHS, body};

const ALLOWED: &str = "faults: { allow: true, max_rate: 1, max_duration: 10m }\n";

/// The usual rig with probes, and so quick that a recovery is over in seconds.
async fn quick_rig() -> Rig {
    let yaml = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "claude-opus-*", targets: [opus, gpt] }
health: { consecutive_failures: 3, cooldown: 500ms, max_cooldown: 1s, slow_start: 1s }
probes: { interval: 200ms, suspect_interval: 100ms }
"#;
    Rig::builder().config(yaml).with(ALLOWED).start().await
}

fn order(subject: &str, fault: &Value) -> Value {
    json!({ "subject": subject, "fault": fault, "for_seconds": 600, "reason": "game day", "actor": "ada" })
}

async fn rehearse(rig: &Rig, order: &Value) -> Heard {
    set(&rig.application, order).await
}

async fn set(application: &Application, order: &Value) -> Heard {
    let request = Request::post(format!("http://{}/faults", application.admin));
    application.send(request.body(Full::new(Bytes::from(order.to_string()))).unwrap()).await
}

async fn clear(rig: &Rig, subject: &str) -> Heard {
    let request = Request::delete(format!("http://{}/faults/{subject}?actor=ada", rig.application.admin));
    rig.application.send(request.body(Full::default()).unwrap()).await
}

/// One call that has to be answered whole, whoever answers.
async fn answered(rig: &Rig, path: &str, stream: bool) -> Heard {
    let heard = rig.application.post(path, &body(path, "claude-opus-5-5", stream)).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    assert!(heard.whole && !heard.tells_error() && heard.is_ended() == stream, "{}", heard.text);
    heard
}

#[tokio::test]
async fn a_rehearsed_outage_runs_its_course_and_the_application_sees_nothing() {
    let rig = quick_rig().await;
    assert_eq!(answered(&rig, "/v1/messages", true).await.header("sidestep-rehearsal"), "");
    let overload = json!({ "kind": "status", "status": 529 });
    let set = rehearse(&rig, &order("anthropic", &overload)).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let asked = rig.anthropic.attempts().count();
    let first = answered(&rig, "/v1/messages", true).await;
    let told =
        ["upstream", "rehearsal", "fallback-reason"].map(|name| first.header(&format!("sidestep-{name}")));
    assert_eq!(told, ["gpt", "status", "overload"], "{:?}", first.headers);
    eventually("opus is open", async || {
        for path in PATHS {
            assert_eq!(answered(&rig, path, false).await.header("sidestep-upstream"), "gpt");
        }
        rig.application.standing("opus").await["verdict"] == "open"
    })
    .await;
    // Probes take the same road: they fail, and the provider hears of none.
    let probes = async || rig.application.scrape().await.sum("sidestep_probes_total", &["opus", "failed"]);
    let before = probes().await;
    eventually("its probes fail", async || probes().await > before).await;
    assert_eq!(rig.anthropic.attempts().count(), asked);
    assert_told(&rig).await;

    assert_eq!(clear(&rig, "anthropic").await.status, 200);
    eventually("opus has all its traffic again", async || {
        answered(&rig, "/v1/messages", true).await;
        rig.application.standing("opus").await["share"] == 1.0
    })
    .await;
    let after = answered(&rig, "/v1/messages", true).await;
    assert_eq!((after.header("sidestep-upstream"), after.header("sidestep-rehearsal")), ("opus", ""));
    let status = rig.application.admin("/status").await.json();
    assert_eq!(status["faults"], json!([]));
    assert!(status["events"].to_string().contains("ended by ada"), "{status}");
    let scrape = rig.application.scrape().await;
    assert_eq!(scrape.sum("sidestep_faults_active", &[]), 0.0);
    assert_eq!(scrape.sum("sidestep_requests_total", &["outcome=\"failed\""]), 0.0);
    rig.stop().await;
}

/// Whoever looks is told that it is a rehearsal.
async fn assert_told(rig: &Rig) {
    eventually("the incident is called a rehearsal", async || {
        let kept = rig.application.admin("/incidents").await.json();
        kept["incidents"][0]["rehearsal"] == true
    })
    .await;
    let status = rig.application.admin("/status").await.json();
    let fault = &status["faults"][0];
    assert_eq!(
        (&fault["subject"], &fault["what"], &fault["actor"], &fault["reason"]),
        (&"anthropic".into(), &"status 529".into(), &"ada".into(), &"game day".into()),
        "{status}"
    );
    let events = status["events"].as_array().unwrap();
    let noted = events.iter().find(|event| event["kind"] == "rehearsal").unwrap();
    assert_eq!(noted["subject"], "anthropic");
    let why = noted["why"].as_str().unwrap();
    assert!(why.contains("status 529 for 100 %") && why.contains("ada: game day"), "{why}");
    let scrape = rig.application.scrape().await;
    let labels = ["provider=\"anthropic\"", "kind=\"status\""];
    assert_eq!(scrape.sum("sidestep_faults_active", &labels), 1.0);
    assert!(scrape.sum("sidestep_faults_injected_total", &labels) >= fault["injected"].as_f64().unwrap());
}

#[tokio::test]
async fn every_kind_of_fault_is_got_around() {
    for (fault, kind, by) in [
        (json!({ "kind": "status", "status": 503, "retry_after_seconds": 1 }), "status", "gpt"),
        (json!({ "kind": "reset" }), "reset", "gpt"),
        (json!({ "kind": "delay", "delay_ms": 30 }), "delay", "opus"),
        (json!({ "kind": "slow", "pause_ms": 5 }), "slow", "opus"),
        (json!({ "kind": "cut", "after_events": 12 }), "cut", "opus"),
    ] {
        for path in PATHS {
            // A model that has met one of them is not asked as before.
            let route = r#"{ match: claude-opus-5-5, targets: [opus, gpt], hedge: false }"#;
            let rig = Rig::builder().with(ALLOWED).with_route(route).start().await;
            let set = rehearse(&rig, &order("opus", &fault)).await;
            assert_eq!(set.status, 200, "{}", set.text);
            let heard = answered(&rig, path, true).await;
            assert_eq!(heard.header("sidestep-rehearsal"), kind, "{fault}");
            assert_eq!(heard.header("sidestep-upstream"), by, "{fault}");
            assert_eq!(heard.text.contains("sidestep-rescued-by=gpt"), kind == "cut", "{}", heard.text);
            rig.stop().await;
        }
    }
}

#[tokio::test]
async fn what_hangs_is_let_go_when_the_rehearsal_ends() {
    let rig = Rig::builder().with(ALLOWED).start().await;
    assert_eq!(rehearse(&rig, &order("opus", &json!({ "kind": "hang" }))).await.status, 200);
    let injected = async || {
        let faults = rig.application.admin("/faults").await.json();
        faults["faults"][0]["injected"].as_u64().unwrap()
    };
    let end = async {
        eventually("a call hangs", async || injected().await > 0).await;
        assert_eq!(clear(&rig, "opus").await.status, 200);
    };
    // A whole answer is not hedged; it would wait for five minutes.
    let (heard, ()) = tokio::join!(answered(&rig, "/v1/messages", false), end);
    assert_eq!(heard.header("sidestep-rehearsal"), "hang");
    rig.stop().await;
}

#[tokio::test]
async fn it_is_off_unless_the_configuration_says_otherwise() {
    let rig = Rig::start().await;
    let refused = rehearse(&rig, &order("anthropic", &json!({ "kind": "hang" }))).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("faults: { allow: true }"), "{}", refused.text);
    rig.stop().await;

    // Of three providers, two may be ill at once; the third is for the application.
    let rig = Rig::builder().with(ALLOWED).start().await;
    for (provider, status) in [("anthropic", 200), ("openai", 200), ("xai", 409)] {
        let told = rehearse(&rig, &order(provider, &json!({ "kind": "reset" }))).await;
        assert_eq!(told.status, status, "{}", told.text);
    }
    for path in PATHS {
        assert_eq!(answered(&rig, path, true).await.header("sidestep-upstream"), "grok");
    }
    // Then the real thing comes, and every rehearsal is over.
    rig.application.disable("xai", "a real incident").await;
    eventually("the rehearsals are over", async || {
        rig.application.admin("/faults").await.json()["faults"] == json!([])
    })
    .await;
    let events = rig.application.admin("/status").await.json()["events"].to_string();
    assert!(events.contains("this is no rehearsal"), "{events}");
    assert_ne!(answered(&rig, "/v1/messages", false).await.header("sidestep-upstream"), "grok");
    rig.stop().await;
}

const FILE: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "http://127.0.0.1:9/v1", api_key: test }
  openai: { base_url: "http://127.0.0.1:9/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "claude-*", targets: [opus, gpt] }
probes: { enabled: false }
"#;

#[tokio::test]
async fn neither_a_reload_that_forbids_it_nor_a_restart_leaves_it_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sidestep.yaml");
    let state = format!("state: {}\n", folder.path().display());
    let write = |faults: &str| {
        let fresh = folder.path().join("fresh");
        std::fs::write(&fresh, format!("{FILE}{state}{faults}")).unwrap();
        std::fs::rename(fresh, &file).unwrap();
    };
    write(ALLOWED);
    let load = || Config::load(&Source::File(file.clone()), &Variables::default()).unwrap();
    let app = App::start(load()).await.unwrap();
    app.follow(Reload::new(load(), Variables::default()));
    let application = Application::new(app.address, app.admin_address);
    let in_force = async || application.admin("/faults").await.json()["faults"].as_array().unwrap().len();
    let hang = order("opus", &json!({ "kind": "hang" }));
    assert_eq!(set(&application, &hang).await.status, 200);
    write("faults: { allow: false }\n");
    eventually("the rehearsal is over", async || in_force().await == 0).await;
    assert_eq!(set(&application, &hang).await.status, 409);
    write(ALLOWED);
    eventually("it is allowed again", async || set(&application, &hang).await.status == 200).await;
    app.stop().await;

    let app = App::start(load()).await.unwrap();
    let again = Application::new(app.address, app.admin_address);
    assert_eq!(again.admin("/faults").await.json()["faults"], json!([]));
    app.stop().await;
}
