//! One leads, and no two, whoever comes and goes.

use std::time::Duration;

use serde_json::json;
use sidestep_inject::cluster::Place;
use sidestep_inject::lease::Election;

use crate::api_server::{ApiServer, Fault};
use crate::replica::eventually;
use crate::store::LEASE;

/// Long enough for a busy machine to renew in time.
const LASTS: Duration = Duration::from_secs(2);

fn candidate(server: &ApiServer, name: &str) -> Election {
    let place = Place::lease("sidestep", "hook").unwrap();
    Election::new(server.cluster(name), place, name.to_owned(), LASTS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_renewed_is_not_taken() {
    let server = ApiServer::start().await;
    let (mut a, mut b) = (candidate(&server, "a"), candidate(&server, "b"));
    a.campaign().await.unwrap();
    for _ in 0..15 {
        tokio::time::sleep(LASTS / 10).await;
        b.campaign().await.unwrap();
        assert!(!b.leads());
        a.campaign().await.unwrap();
    }
    let store = server.store();
    assert_eq!(store.get(LEASE).unwrap()["spec"]["leaseTransitions"], 1);
    assert_eq!(store.holder().as_deref(), Some("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_come_at_once_one_leads() {
    let server = ApiServer::start().await;
    for round in 0..20 {
        let (mut a, mut b) = (candidate(&server, "a"), candidate(&server, "b"));
        // Free because it is new, or because it was given up.
        if round % 2 == 0 {
            server.store().delete(LEASE);
        }
        let (first, second) = tokio::join!(a.campaign(), b.campaign());
        first.and(second).unwrap();
        assert!(a.leads() != b.leads(), "round {round}");
        let (first, second) = tokio::join!(a.resign(), b.resign());
        first.and(second).unwrap();
        assert_eq!(server.store().holder().as_deref(), Some(""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_cut_off_knows_that_it_does_not_lead_before_another_does() {
    let server = ApiServer::start().await;
    let (mut a, mut b) = (candidate(&server, "a"), candidate(&server, "b"));
    a.campaign().await.unwrap();
    server.fault("a", Fault::Down);
    assert!(a.campaign().await.is_err());
    eventually("b leads", async || {
        b.campaign().await.unwrap();
        assert!(!(a.leads() && b.leads()), "both lead");
        b.leads()
    })
    .await;
    server.fault("a", Fault::None);
    a.campaign().await.unwrap();
    a.resign().await.unwrap();
    assert_eq!(server.store().holder().as_deref(), Some("b"), "what is another's is not given up");

    // Somebody takes it by hand: the holder notices with its next renewal.
    server.store().edit(LEASE, |lease| {
        lease["spec"] = json!({ "holderIdentity": "c", "leaseDurationSeconds": 3600 });
    });
    b.campaign().await.unwrap();
    assert!(!b.leads());
}
