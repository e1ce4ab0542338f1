//! A collector that is down, that hangs, or that answers with errors: calls do not notice.

use std::time::Duration;

use http::StatusCode;
use sidestep_tests::eventually;
use tokio::time::Instant;

use crate::collector::Collector;
use crate::{call, counted, rig, stop};

#[tokio::test]
async fn what_a_collector_does_not_take_is_dropped_and_counted() {
    let collector = Collector::start().await;
    collector.answers(Some(StatusCode::INTERNAL_SERVER_ERROR));
    let rig = rig(&collector, "").await;
    call(&rig, false, &[]).await;
    eventually("it is dropped", async || counted(&rig, "dropped").await == 2.0).await;
    assert_eq!(collector.posts().len(), 1, "an error that does not pass is not tried again");
    // One that passes is.
    collector.answers(Some(StatusCode::SERVICE_UNAVAILABLE));
    call(&rig, false, &[]).await;
    eventually("it was tried", async || collector.posts().len() >= 2).await;
    collector.answers(Some(StatusCode::OK));
    eventually("it is sent", async || counted(&rig, "sent").await == 2.0).await;
    assert_eq!((counted(&rig, "dropped").await, counted(&rig, "rejected").await), (2.0, 0.0));
    stop(rig).await;
}

#[tokio::test]
async fn one_that_is_not_there_costs_no_call_anything_and_the_end_is_in_time() {
    let collector = Collector::start().await;
    let rig = rig(&collector, "").await;
    drop(collector);
    for _ in 0..20 {
        assert_eq!(call(&rig, true, &[]).await.status, StatusCode::OK);
    }
    let began = Instant::now();
    stop(rig).await;
    // Its last try has 2 s; the rest is for a slow machine.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_that_hangs_keeps_a_bounded_number_waiting() {
    let collector = Collector::start().await;
    collector.answers(None);
    let rig = rig(&collector, ", timeout: 60s").await;
    call(&rig, false, &[]).await;
    eventually("it hangs", async || !collector.posts().is_empty()).await;
    // More than the queue takes: those that have no place are dropped, and no call waits for one.
    for provider in ["anthropic", "openai", "xai"] {
        rig.application.disable(provider, "a test").await;
    }
    for _ in 0..1100 {
        assert_eq!(call(&rig, false, &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(counted(&rig, "dropped").await, 1100.0 - 1024.0);
    let began = Instant::now();
    stop(rig).await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}
