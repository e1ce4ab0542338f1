//! Switches: an operator's word is above every verdict, at once, and over a restart.

use http::StatusCode;
use http_body_util::BodyExt;
use sidestep_simulator::Fault;
use sidestep_tests::{Rig, eventually};

use crate::{PATHS, body};

async fn upstream_of(rig: &Rig, path: &str, model: &str, stream: bool) -> String {
    let heard = rig.application.post(path, &body(path, model, stream)).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    heard.header("sidestep-upstream").to_owned()
}

#[tokio::test]
async fn a_switch_holds_for_the_very_next_request_and_until_it_is_taken_back() {
    let rig = Rig::start().await;
    // A stream that is under way when the switch falls is not disturbed.
    rig.anthropic.faults().set("*", Fault::SlowTokens { per_second: 40.0 }).unwrap();
    let call = body("/v1/messages", "claude-opus-5-5", true);
    let mut running = rig.application.open("/v1/messages", &call, &[]).await;
    assert!(running.body_mut().frame().await.unwrap().is_ok());
    for subject in ["anthropic", "opus"] {
        for path in PATHS {
            for stream in [false, true] {
                let done = rig.application.disable(subject, "error budget is burning").await;
                assert_eq!(done.status, StatusCode::OK, "{}", done.text);
                let asked = rig.anthropic.attempts().count();
                let heard = rig.application.post(path, &body(path, "claude-opus-5-5", stream)).await;
                assert_eq!(heard.header("sidestep-upstream"), "gpt", "{}", heard.text);
                assert_eq!(heard.header("sidestep-fallback-reason"), "disabled");
                assert_eq!(rig.anthropic.attempts().count(), asked);
                let small = if subject == "opus" { "haiku" } else { "luna" };
                assert_eq!(upstream_of(&rig, path, "claude-haiku-5-5", stream).await, small);
                assert_eq!(rig.application.enable(subject).await.status, StatusCode::OK);
                assert_eq!(upstream_of(&rig, path, "claude-opus-5-5", stream).await, "opus");
            }
        }
    }
    let rest = running.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&rest).contains("\"message_stop\""));
    rig.stop().await;
}

#[tokio::test]
async fn a_switch_is_shown_with_who_why_and_how_long() {
    let rig = Rig::start().await;
    rig.application.disable("anthropic", "529s since nine").await;
    rig.application.disable("grok", "contract ended").await;
    let status = rig.application.admin("/status").await.json();
    let switches = status["switches"].as_array().unwrap();
    assert_eq!(switches.len(), 2, "{status}");
    for (subject, level, reason) in
        [("anthropic", "provider", "529s since nine"), ("grok", "model", "contract ended")]
    {
        let told = switches.iter().find(|told| told["subject"] == subject).unwrap();
        assert_eq!(
            (&told["level"], &told["reason"], &told["actor"]),
            (&level.into(), &reason.into(), &"ops".into())
        );
        let left = told["left_seconds"].as_f64().unwrap();
        assert!(left > 500.0 && left <= 600.0, "{told}");
    }
    for model in ["opus", "haiku", "grok"] {
        let told = rig.application.standing(model).await;
        assert_eq!((&told["verdict"], &told["measured"]), (&"disabled".into(), &"healthy".into()), "{told}");
    }
    let events = status["events"].to_string();
    assert!(events.contains("529s since nine") && events.contains("ops"), "{events}");
    let scrape = rig.application.scrape().await;
    assert_eq!(scrape.sum("sidestep_switches_active", &[]), 2.0);
    assert_eq!(scrape.sum("sidestep_model_verdict", &["verdict=\"disabled\""]), 3.0);
    assert_eq!(rig.application.enable("anthropic").await.status, StatusCode::OK);
    assert_eq!(rig.application.enable("anthropic").await.status, StatusCode::NOT_FOUND);
    assert_eq!(rig.application.scrape().await.sum("sidestep_switches_active", &[]), 1.0);
    rig.stop().await;
}

/// With everything else open, one call in ten is risked on the least bad model: never on one that is switched off.
#[tokio::test]
async fn a_switch_is_stronger_than_the_last_resort() {
    let rig = Rig::builder().with("health: { consecutive_failures: 3, cooldown: 1m }").start().await;
    for subject in ["anthropic", "gpt"] {
        rig.application.disable(subject, "incident").await;
    }
    rig.xai.faults().set("*", Fault::status(500)).unwrap();
    let asked = body("/v1/messages", "claude-opus-5-5", true);
    let call = || rig.application.post("/v1/messages", &asked);
    eventually("grok is open", async || {
        call().await;
        rig.application.standing("grok").await["verdict"] == "open"
    })
    .await;
    let before = rig.xai.attempts().count();
    for _ in 0..200 {
        let heard = call().await;
        assert_eq!((heard.status.as_u16(), heard.header("x-should-retry")), (503, "false"), "{}", heard.text);
    }
    let risked = rig.xai.attempts().count() - before;
    assert!((1..=60).contains(&risked), "{risked} of 200 calls were a last resort");
    rig.xai.faults().clear_all();
    rig.application.disable("xai", "incident").await;
    let before = rig.xai.attempts().count();
    for path in PATHS {
        for _ in 0..50 {
            let heard = rig.application.post(path, &body(path, "claude-opus-5-5", false)).await;
            assert_eq!(heard.status, 503);
            assert!(heard.text.contains("switched off"), "{}", heard.text);
        }
    }
    let asked = rig.anthropic.attempts().count() + rig.openai.attempts().count();
    assert_eq!((asked, rig.xai.attempts().count()), (0, before));
    // Sound again, and allowed again: one call reaches it, whatever its verdict remembers.
    assert_eq!(rig.application.enable("anthropic").await.status, StatusCode::OK);
    assert_eq!(upstream_of(&rig, "/v1/messages", "claude-opus-5-5", true).await, "opus");
    rig.stop().await;
}

#[tokio::test]
async fn a_switch_outlives_the_process_and_an_end_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Rig::builder().state(folder.path().to_owned()).start();
    let rig = start().await;
    rig.application.disable("anthropic", "kept over a restart").await;
    rig.application.disable("luna", "taken back").await;
    rig.application.enable("luna").await;
    let left = |status: serde_json::Value| status["switches"][0]["left_seconds"].as_f64().unwrap();
    let first = left(rig.application.admin("/status").await.json());
    rig.stop().await;
    let rig = start().await;
    assert_eq!(upstream_of(&rig, "/v1/messages", "claude-opus-5-5", true).await, "gpt");
    assert_eq!(rig.anthropic.attempts().count(), 0);
    let status = rig.application.admin("/status").await.json();
    let kept = &status["switches"];
    assert_eq!(kept.as_array().unwrap().len(), 1, "{kept}");
    assert_eq!((&kept[0]["reason"], &kept[0]["actor"]), (&"kept over a restart".into(), &"ops".into()));
    assert!(left(status.clone()) < first + 1.0, "the time left began anew");
    rig.application.enable("anthropic").await;
    rig.stop().await;
    let rig = start().await;
    assert_eq!(upstream_of(&rig, "/v1/messages", "claude-opus-5-5", true).await, "opus");
    let wish =
        serde_json::json!({"subject": "anthropic", "reason": "short", "actor": "ops", "for_seconds": 1});
    let request = http::Request::post(format!("http://{}/switches", rig.application.admin));
    let request = request.header("content-type", "application/json");
    assert_eq!(
        rig.application.send(request.body(wish.to_string().into()).unwrap()).await.status,
        StatusCode::OK
    );
    assert_eq!(upstream_of(&rig, "/v1/messages", "claude-opus-5-5", false).await, "gpt");
    eventually("the switch has ended", async || {
        upstream_of(&rig, "/v1/messages", "claude-opus-5-5", false).await == "opus"
    })
    .await;
    assert_eq!(rig.application.scrape().await.sum("sidestep_switches_active", &[]), 0.0);
    rig.stop().await;
}
