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

#[tokio::test]
async fn one_that_is_well_hears_everything_beside_those_that_are_not() {
    let well = receiver().await;
    let ill = [
        ("hanging", Provider::saying("", None).await),
        ("failing", Provider::saying(&Provider::response("500 Oh", "", "no"), None).await),
        ("limiting", Provider::saying(&Provider::response("429 No", "retry-after: 2\r\n", ""), None).await),
        ("babbling", Provider::saying("\x00\x01 who is there?\r\n\r\n", None).await),
        (
            "leading",
            Provider::saying(&Provider::response("302 No", "location: http://{}/\r\n", ""), None).await,
        ),
        ("endless", Provider::saying("HTTP/1.1 200 OK\r\n\r\n", Some("and so on, ")).await),
    ];
    let mut section =
        format!("notify:\n  targets:\n    well: {{ kind: webhook, url: 'http://{}/' }}\n", well.address);
    for (kind, (name, provider)) in ["webhook", "slack", "alertmanager"].iter().cycle().zip(&ill) {
        section.push_str(&format!(
            "    {name}: {{ kind: {kind}, url: 'http://{}/hush-hook' }}\n",
            provider.address
        ));
    }
    section.push_str("    closed: { kind: slack, url: 'http://127.0.0.1:1/hush-hook' }\n");
    let rig = Rig::builder().config(QUICK).with(&section).start().await;
    rehearse(&rig.application, true).await;
    eventually("the well one is told, and the ill ones were tried", async || {
        call(&rig.application).await;
        told_of(&well, "rehearsal").len() == 1 && ill.iter().all(|(_, provider)| !provider.heard().is_empty())
    })
    .await;
    let attempts = async |target: &str| {
        let target = format!("target=\"{target}\"");
        rig.application.scrape().await.sum("sidestep_notification_attempts_failed_total", &[&target])
    };
    eventually("failures are counted", async || {
        attempts("failing").await >= 2.0
            && attempts("limiting").await >= 2.0
            && attempts("closed").await >= 2.0
    })
    .await;
    rehearse(&rig.application, false).await;
    eventually("the well one is told of the end", async || told_of(&well, "rehearsal").len() == 2).await;
    let objects = told(&well);
    assert_eq!((&objects[0]["state"], &objects[1]["state"]), (&"began".into(), &"over".into()));
    assert_eq!((&objects[0]["rehearsal"], &objects[0]["severity"]), (&true.into(), &"info".into()));
    assert!(objects[0]["title"].as_str().unwrap().starts_with("REHEARSAL: "), "{}", objects[0]);
    let scrape = rig.application.scrape().await;
    let of = |target: &str, outcome: &str| {
        let labels = [format!("target=\"{target}\""), format!("outcome=\"{outcome}\"")];
        scrape.sum("sidestep_notifications_total", &[&labels[0], &labels[1]])
    };
    assert_eq!((of("well", "sent"), of("well", "failed")), (2.0, 0.0));
    // What redirects is not followed, and not asked again.
    assert!(of("leading", "failed") >= 1.0 && of("leading", "sent") == 0.0);
    // The status is the answer, whatever is said after it.
    assert!(of("endless", "sent") >= 1.0);
    let status = rig.application.admin("/status").await.text;
    assert!(!status.contains("hush") && !rig.application.admin("/metrics").await.text.contains("hush"));
    rig.stop().await;
}
