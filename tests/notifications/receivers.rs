//! Receivers that are ill: each harms itself alone.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use sidestep_tests::{Application, Provider, Rig, eventually};

use crate::{QUICK, call, receiver, told, told_of};

/// Begins a rehearsal that nobody notices, or ends it: the quickest way to have something to tell.
async fn rehearse(application: &Application, begin: bool) {
    let request = if begin {
        let fault = json!({ "kind": "delay", "delay_ms": 1 });
        let order = json!({ "subject": "haiku", "fault": fault, "for_seconds": 600, "reason": "day", "actor": "ada" });
        let request = Request::post(format!("http://{}/faults", application.admin));
        request.body(Full::new(Bytes::from(order.to_string()))).unwrap()
    } else {
        Request::delete(format!("http://{}/faults/haiku?actor=ada", application.admin))
            .body(Full::default())
            .unwrap()
    };
    let heard = application.send(request).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
}

/// Those who harm themselves, by name.
async fn ill() -> Vec<(&'static str, Provider)> {
    let answers = [
        ("hanging", String::new(), None),
        ("failing", Provider::response("500 Oh", "", "no"), None),
        ("limiting", Provider::response("429 No", "retry-after: 2\r\n", ""), None),
        ("babbling", "\x00\x01 who is there?\r\n\r\n".to_owned(), None),
        ("leading", Provider::response("302 No", "location: http://127.0.0.1:1/\r\n", ""), None),
        ("endless", "HTTP/1.1 200 OK\r\n\r\n".to_owned(), Some("and so on, ")),
    ];
    let mut ill = Vec::new();
    for (name, answer, refrain) in answers {
        ill.push((name, Provider::saying(&answer, refrain).await));
    }
    ill
}

async fn start(well: &Provider, ill: &[(&str, Provider)]) -> Rig {
    let mut section =
        format!("notify:\n  targets:\n    well: {{ kind: webhook, url: 'http://{}/' }}\n", well.address);
    for (kind, (name, one)) in ["webhook", "slack", "alertmanager"].iter().cycle().zip(ill) {
        section
            .push_str(&format!("    {name}: {{ kind: {kind}, url: 'http://{}/hush-hook' }}\n", one.address));
    }
    section.push_str("    closed: { kind: slack, url: 'http://127.0.0.1:1/hush-hook' }\n");
    Rig::builder().config(QUICK).with(&section).start().await
}

/// What `family` has counted for `target`; `outcome` may be empty.
async fn counted(rig: &Rig, family: &str, target: &str, outcome: &str) -> f64 {
    let labels = [format!("target=\"{target}\""), outcome.to_owned()];
    rig.application.scrape().await.sum(family, &[&labels[0], &labels[1]])
}

#[tokio::test]
async fn one_that_is_well_hears_everything_beside_those_that_are_not() {
    let (well, ill) = (receiver().await, ill().await);
    let rig = start(&well, &ill).await;
    rehearse(&rig.application, true).await;
    eventually("the well one is told, and the ill ones were tried", async || {
        call(&rig.application).await;
        told_of(&well, "rehearsal").len() == 1 && ill.iter().all(|(_, one)| !one.heard().is_empty())
    })
    .await;
    for target in ["failing", "limiting", "closed"] {
        let failed = async || counted(&rig, "sidestep_notification_attempts_failed_total", target, "").await;
        eventually("failures are counted, and it is tried again", async || failed().await >= 2.0).await;
    }
    rehearse(&rig.application, false).await;
    eventually("the well one is told of the end", async || told_of(&well, "rehearsal").len() == 2).await;
    let objects = told(&well);
    assert_eq!((&objects[0]["state"], &objects[1]["state"]), (&"began".into(), &"over".into()));
    assert_eq!((&objects[0]["rehearsal"], &objects[0]["severity"]), (&true.into(), &"info".into()));
    assert!(objects[0]["title"].as_str().unwrap().starts_with("REHEARSAL: "), "{}", objects[0]);
    // What redirects is not followed, and not asked again; the status is the answer, whatever is said after it.
    for (target, outcome, least) in
        [("well", "sent", 2.0), ("leading", "failed", 1.0), ("endless", "sent", 1.0)]
    {
        let outcome = format!("outcome=\"{outcome}\"");
        let enough = async || counted(&rig, "sidestep_notifications_total", target, &outcome).await >= least;
        eventually(target, enough).await;
    }
    let failed = "outcome=\"failed\"";
    assert_eq!(counted(&rig, "sidestep_notifications_total", "well", failed).await, 0.0);
    let status = rig.application.admin("/status").await.text;
    assert!(!status.contains("hush") && !rig.application.admin("/metrics").await.text.contains("hush"));
    rig.stop().await;
}
