//! Connections of applications that are slow, silent or deaf.

use std::time::Duration;

use http_body_util::BodyExt;
use sidestep_simulator::Fault;
use sidestep_tests::{Application, Line, Rig, eventually};

use crate::{PATHS, body, still_answers};

/// Far above `header_timeout` below, far below the time after which a test is a failure.
const SOON: Duration = Duration::from_secs(10);

async fn open_connections(rig: &Rig) -> f64 {
    rig.application.scrape().await.sum("sidestep_connections_open", &["listener=\"app\""])
}

/// However a head is held back, its connection is closed, and meanwhile others are answered.
#[tokio::test]
async fn a_slow_head_costs_its_own_connection_only() {
    let rig = Rig::builder().with("limits: { header_timeout: 400ms }").start().await;
    let held_back = ["", "P", "PRI * HTTP/2.0\r\n", "POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-slow: "];
    let mut lines = Vec::new();
    for beginning in held_back {
        let mut line = Line::to(rig.application.address).await;
        assert!(line.say(beginning).await);
        lines.push((beginning, line));
    }
    let mut dripping = Line::to(rig.application.address).await;
    assert!(dripping.say("POST /v1/messages HTTP/1.1\r\nx-slow: ").await);
    still_answers(&rig).await;
    for (beginning, mut line) in lines {
        let heard = line.hear_out(SOON).await;
        assert!(heard.is_some(), "still open after {beginning:?}");
    }
    // A byte now and then is not progress.
    let dripped = tokio::time::timeout(SOON, async {
        while dripping.say("x").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(dripped.await.is_ok(), "a dripping head was never given up");
    still_answers(&rig).await;
    rig.stop().await;
}

/// Places taken by silent connections come free again, so that nobody can lock the application out.
#[tokio::test]
async fn silent_connections_cannot_take_every_place() {
    let rig = Rig::builder().with("limits: { connections: 20, header_timeout: 400ms }").start().await;
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(Line::to(rig.application.address).await);
    }
    let answered = tokio::time::timeout(SOON, still_answers(&rig)).await;
    assert!(answered.is_ok(), "silent connections hold every place");
    assert!(open_connections(&rig).await <= 20.0);
    rig.stop().await;
}

/// A caller that stops reading stops its provider, too; after a minute it loses its place.
#[tokio::test]
async fn a_caller_that_stops_reading_is_waited_for_and_then_given_up() {
    let mut rig = Rig::start().await;
    rig.anthropic.faults().set("*", Fault::Endless {}).unwrap();
    for path in PATHS {
        let call = body(path, "claude-opus-5-5", true);
        let mut response = rig.application.open(path, &call, &[]).await;
        assert_eq!(response.status(), 200);
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        // Nothing is read from here on. Every buffer on the way fills, and then the provider stands still.
        let sent = || rig.anthropic.attempts().all().last().unwrap().bytes;
        let mut before = 0;
        eventually("the provider is held back", || {
            let now = sent();
            let stands = now == before && now > 0;
            before = now;
            async move {
                tokio::time::sleep(Duration::from_millis(250)).await;
                stands
            }
        })
        .await;
        assert!(sent() < 64 << 20, "{} bytes are buffered on the way", sent());
        assert_eq!(rig.application.standing("opus").await["in_flight"], 1);
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
        // Its idle connections were closed in that minute.
        rig.application = Application::new(rig.application.address, rig.application.admin);
        eventually("its place is free", async || rig.application.standing("opus").await["in_flight"] == 0)
            .await;
        eventually("the provider is left", async || {
            rig.anthropic.attempts().all().last().unwrap().left_early
        })
        .await;
        drop(response);
    }
    rig.anthropic.faults().clear_all();
    let scrape = rig.application.scrape().await;
    // Nobody's fault but the caller's.
    assert_eq!(scrape.sum("sidestep_requests_total", &["outcome=\"cancelled\""]), 2.0);
    assert_eq!(scrape.sum("sidestep_attempts_total", &["class=\"cancel\""]), 2.0);
    still_answers(&rig).await;
    rig.stop().await;
}
