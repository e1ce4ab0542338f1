//! Who is believed, whatever happens to the objects and to the replicas.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::api_server::{ApiServer, Fault};
use crate::caller::{Http, call};
use crate::replica::{Replica, eventually};
use crate::store::{LEASE, SECRET, WEBHOOK};

/// Long enough never to be renewed within a test.
const LONG: &str = "1h";

/// Two replicas, ready.
async fn pair(server: &ApiServer, validity: &str) -> [Replica; 2] {
    let pair = [Replica::start(server, "a", validity).await, Replica::start(server, "b", validity).await];
    for replica in &pair {
        eventually("a replica is ready", async || replica.is_ready().await).await;
    }
    pair
}

/// Calls every replica with what the webhook configuration says now.
async fn all_are_believed(server: &ApiServer, replicas: &[&Replica]) -> Result<(), String> {
    let bundle = server.store().bundle(0).ok_or("no caBundle")?;
    for replica in replicas {
        for http in [Http::One, Http::Two] {
            assert_eq!(call(replica.address, &bundle, http).await?, 200);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_share_one_certificate_that_callers_believe() {
    let server = ApiServer::start().await;
    let [a, b] = pair(&server, LONG).await;
    all_are_believed(&server, &[&a, &b]).await.unwrap();
    assert!(a.leads().await != b.leads().await, "one leads");
    let issued = |replica| Replica::metric(replica, "sidestep_inject_certificates_issued_total");
    assert!((issued(&a).await + issued(&b).await - 1.0).abs() < 0.1, "one was issued");
    for replica in [&a, &b] {
        assert!(replica.metric("sidestep_inject_certificate_expiry_timestamp_seconds").await > 1.0e9);
    }
    let store = server.store();
    assert_eq!(store.forbidden, [""; 0], "the rights that are listed are enough");
    assert_eq!(store.bundle(0), store.bundle(2), "every entry that calls us is filled in");
    assert_eq!(store.bundle(1), None, "and no other");
    let webhook = store.get(WEBHOOK).unwrap();
    assert_eq!(webhook["webhooks"][0]["failurePolicy"], "Fail", "nothing else is changed");
    assert!(store.secret("tls.key").unwrap().contains("PRIVATE KEY"));
    assert!(!store.secret("ca.crt").unwrap().contains("PRIVATE"));
}

/// Calls as an API server does until told to stop: new connections all the time, with a view of the webhook
/// configuration that is a call old.
async fn load(server: Arc<ApiServer>, addresses: [std::net::SocketAddr; 2], over: Arc<AtomicBool>) -> usize {
    let view = || (server.store().bundle(0).unwrap(), Instant::now());
    let (mut calls, mut earlier) = (0, view());
    while !over.load(Ordering::Relaxed) {
        let next = view();
        let (bundle, seen) = std::mem::replace(&mut earlier, next);
        let http = if calls % 2 == 0 { Http::One } else { Http::Two };
        let called = call(addresses[calls / 2 % 2], &bundle, http).await;
        // Replicas wait for a second until all have heard: a machine that stands still for longer says nothing.
        if seen.elapsed() < Duration::from_millis(900) {
            assert_eq!(called, Ok(200), "call {calls}");
            calls += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_under_load_without_one_failed_call() {
    let server = Arc::new(ApiServer::start().await);
    let replicas = pair(&server, "9s").await;
    let over = Arc::new(AtomicBool::new(false));
    let addresses = [replicas[0].address, replicas[1].address];
    let mut callers = JoinSet::new();
    for _ in 0..2 {
        callers.spawn(load(server.clone(), addresses, over.clone()));
    }
    // By age twice, and in between because someone deleted, broke or put back what is shared.
    let backup = server.store().get(SECRET).unwrap().clone();
    let spoil: [&dyn Fn(); 5] = [
        &|| {},
        &|| server.store().delete(SECRET),
        &|| server.store().edit(SECRET, |secret| secret["data"]["tls.crt"] = "Z2FyYmFnZQ==".into()),
        &|| {
            server
                .store()
                .edit(SECRET, |secret| secret["data"] = json!({ "tls.key": "", "password": "eA==" }))
        },
        &|| server.store().delete(LEASE),
    ];
    let mut authorities = vec![server.store().secret("ca.crt").unwrap()];
    for spoil in spoil {
        spoil();
        eventually("another certificate is in force", async || {
            let now = server.store().secret("ca.crt");
            now.is_some_and(|now| {
                authorities.last() != Some(&now) && server.store().secret("next.ca.crt").is_none()
            })
        })
        .await;
        authorities.push(server.store().secret("ca.crt").unwrap());
    }
    server.store().put(SECRET, backup);
    tokio::time::sleep(Duration::from_secs(1)).await;
    over.store(true, Ordering::Relaxed);
    let calls: usize = callers.join_all().await.into_iter().sum();
    assert!(calls > 200, "only {calls} calls");
    let distinct = authorities.iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(distinct.len(), 6);
    assert!(server.store().secret("password").is_none(), "what is not ours goes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_cut_off_is_believed_as_long_as_its_certificate_lasts() {
    let server = ApiServer::start().await;
    let [a, b] = pair(&server, LONG).await;
    let (leader, other, name) = if a.leads().await { (&a, &b, "b") } else { (&b, &a, "a") };
    server.fault(name, Fault::Down);
    let before = server.store().secret("ca.crt").unwrap();
    let mut present = before.clone();
    // The second time the Secret is lost with what it knew of the first.
    for _ in 0..2 {
        server.store().delete(SECRET);
        eventually("the leader serves another certificate", async || {
            server.store().secret("ca.crt").is_some_and(|now| now != present)
        })
        .await;
        present = server.store().secret("ca.crt").unwrap();
    }
    all_are_believed(&server, &[leader, other]).await.unwrap();
    assert!(server.store().bundle(0).unwrap().contains(&before), "what the other one serves is trusted on");
    assert!(other.is_ready().await, "to be cut off does not take it out of service");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_leader_dies_another_takes_over_and_repairs() {
    let server = ApiServer::start().await;
    let [a, b] = pair(&server, LONG).await;
    let (leader, other) = if a.leads().await { (a, b) } else { (b, a) };
    let held = server.store().holder().unwrap();
    drop(leader);
    server
        .store()
        .edit(WEBHOOK, |webhook| webhook["webhooks"][2]["clientConfig"]["caBundle"] = "eA==".into());
    eventually("the other one leads", async || other.leads().await).await;
    assert_ne!(server.store().holder().unwrap(), held);
    eventually("it repaired the caBundle", async || {
        let store = server.store();
        store.bundle(2) == store.bundle(0)
    })
    .await;
    all_are_believed(&server, &[&other]).await.unwrap();
    assert_eq!(server.store().get(LEASE).unwrap()["spec"]["leaseTransitions"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_ends_hands_over_at_once() {
    let server = ApiServer::start().await;
    let [a, b] = pair(&server, LONG).await;
    let (mut leader, other) = if a.leads().await { (a, b) } else { (b, a) };
    leader.terminate();
    assert_eq!(leader.ended().await, 0);
    eventually("the other one leads", async || other.leads().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ca_bundle_that_was_reset_is_repaired() {
    let server = ApiServer::start().await;
    let pair = pair(&server, LONG).await;
    let bundle = server.store().bundle(0);
    for entries in [&[0][..], &[0, 2]] {
        server.store().edit(WEBHOOK, |webhook| {
            for entry in entries {
                webhook["webhooks"][entry]["clientConfig"].as_object_mut().unwrap().remove("caBundle");
            }
        });
        eventually("the caBundle is there again", async || server.store().bundle(0) == bundle).await;
        assert_eq!(server.store().bundle(2), bundle);
    }
    // The entries move, and one goes.
    server.store().edit(WEBHOOK, |webhook| {
        let webhooks = webhook["webhooks"].as_array_mut().unwrap();
        webhooks.remove(0);
        webhooks[1]["clientConfig"]["caBundle"] = "".into();
    });
    eventually("it is filled in where it is now", async || server.store().bundle(1) == bundle).await;
    assert_eq!(server.store().bundle(0), None, "the other service's entry is left alone");
    for replica in &pair {
        assert!(replica.is_ready().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_api_server_it_waits_and_says_so() {
    let server = ApiServer::start().await;
    for fault in [Fault::Down, Fault::Status(500), Fault::Status(403), Fault::Slow(Duration::from_mins(1))] {
        server.fault("late", fault);
        let replica = Replica::start(&server, "late", LONG).await;
        if fault != Fault::Slow(Duration::from_mins(1)) {
            eventually("it has tried", async || {
                replica.metric("sidestep_inject_certificate_failures_total").await > 0.0
            })
            .await;
        }
        assert_eq!(replica.page("/livez").await.0, 200);
        let (status, why) = replica.page("/readyz").await;
        assert_eq!((status, why.as_str()), (503, "not ready: no certificate yet\n"), "{fault:?}");
        // Nothing to show yet: the handshake fails, and nothing worse.
        assert!(call(replica.address, "", Http::Two).await.unwrap_err().starts_with("TLS"));
    }
    server.fault("late", Fault::None);
    let replica = Replica::start(&server, "late", LONG).await;
    eventually("it is ready", async || replica.is_ready().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_recovers_when_the_api_server_comes_back_and_a_missing_webhook_is_made() {
    let server = ApiServer::start().await;
    let webhook = server.store().get(WEBHOOK).unwrap().clone();
    server.store().delete(WEBHOOK);
    server.fault("a", Fault::Down);
    let replica = Replica::start(&server, "a", LONG).await;
    let failures = async || replica.metric("sidestep_inject_certificate_failures_total").await;
    eventually("it has tried", async || failures().await > 2.0).await;
    server.fault("a", Fault::None);
    eventually("there is a certificate", async || server.store().secret("tls.crt").is_some()).await;
    assert!(!replica.is_ready().await, "nobody was told whom to believe");
    server.store().put(WEBHOOK, webhook);
    eventually("it is ready", async || replica.is_ready().await).await;
    all_are_believed(&server, &[&replica]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_served_and_read_again_when_they_change() {
    let server = ApiServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let issue = || {
        let made = rcgen::generate_simple_self_signed([crate::caller::HOST.to_owned()]).unwrap();
        std::fs::write(folder.path().join("tls.crt"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("tls.key"), made.signing_key.serialize_pem()).unwrap();
        made.cert.pem()
    };
    let certificate = format!("{{ mode: files, folder: {:?} }}", folder.path());
    let replica = Replica::with(&server, "a", &certificate).await;
    let (status, _) = replica.page("/readyz").await;
    assert_eq!(status, 503, "there are no files yet");
    let first = issue();
    eventually("it is ready", async || replica.is_ready().await).await;
    assert_eq!(call(replica.address, &first, Http::Two).await, Ok(200));

    std::fs::write(folder.path().join("tls.key"), "half a").unwrap();
    let failures = replica.metric("sidestep_inject_certificate_failures_total").await;
    eventually("it has seen the broken file", async || {
        replica.metric("sidestep_inject_certificate_failures_total").await > failures
    })
    .await;
    assert_eq!(call(replica.address, &first, Http::Two).await, Ok(200), "what was good is served on");

    let second = issue();
    eventually("the new one is served", async || call(replica.address, &second, Http::Two).await == Ok(200))
        .await;
    assert_eq!(server.calls(&format!("GET {SECRET}")), 0, "the cluster's objects are not touched");
}
