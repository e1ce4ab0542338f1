//! Requests, good and bad, and the end.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api_server::{ApiServer, Fault};
use crate::caller::{HOST, Http, call, connect, post, review, send};
use crate::replica::{Replica, eventually};
use crate::store::CONFIG;

/// One replica, ready, and whom to believe.
async fn ready() -> (ApiServer, Replica, String) {
    let server = ApiServer::start().await;
    let replica = Replica::start(&server, "a", "1h").await;
    eventually("it is ready", async || replica.is_ready().await).await;
    let bundle = server.store().bundle(0).unwrap();
    (server, replica, bundle)
}

/// A review of a pod that asks for the sidecar.
fn pod(annotations: &Value, dry_run: bool) -> Bytes {
    let labels = json!({ "sidestep.dev/inject": "enabled" });
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "8e0e7bb8", "operation": "CREATE", "namespace": "shop", "dryRun": dry_run,
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "object": {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": { "name": "till", "namespace": "shop", "labels": labels, "annotations": annotations },
                "spec": { "containers": [{ "name": "app", "image": "app" }] },
            },
        },
    });
    review.to_string().into()
}

/// The patch in an answer.
fn patch(answer: &Response<Bytes>) -> String {
    assert_eq!(answer.status(), 200);
    let review: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(review["response"]["allowed"], true, "{review}");
    let patch = review["response"]["patch"].as_str().unwrap_or_default();
    String::from_utf8(STANDARD.decode(patch).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_is_given_the_sidecar_when_its_configuration_exists_or_cannot_be_seen() {
    let (server, replica, bundle) = ready().await;
    let asked = async |body: Bytes| {
        let answer = send(replica.address, &bundle, Http::Two, post("/mutate/pod?timeout=3s", body)).await;
        patch(&answer.unwrap())
    };
    let injected = |patch: &str| patch.contains("initContainers");
    let plain = || pod(&json!({}), false);

    // Missing: skipped, and told once however often it is tried; not at all on a dry run.
    assert!(!injected(&asked(pod(&json!({}), true)).await));
    assert!(!injected(&asked(plain()).await) && !injected(&asked(plain()).await));
    eventually("it was told", async || !server.store().events.is_empty()).await;
    let event = server.store().events[0].clone();
    assert_eq!(
        (&event["involvedObject"]["name"], &event["reason"]),
        (&json!("till"), &json!("SidestepNotInjected"))
    );
    assert!(event["message"].as_str().unwrap().contains("sidestep"), "{event}");

    // There: the answer of a moment ago is not kept for long.
    server.store().put(CONFIG, json!({ "data": { "sidestep.yaml": "" } }));
    eventually("it is injected", async || injected(&asked(plain()).await)).await;
    // Not to be read, or not answered in time: that must hold nobody up.
    assert!(injected(&asked(pod(&json!({ "sidestep.dev/config": "another" }), false)).await));
    server.fault("a", Fault::Slow(Duration::from_mins(1)));
    assert!(injected(&asked(pod(&json!({ "sidestep.dev/config": "a-third" }), false)).await));
    assert_eq!(server.store().forbidden, ["get /api/v1/namespaces/shop/configmaps/another"]);
    assert_eq!(server.store().events.len(), 1);

    let count = async |decision: &str, reason: &str| {
        let labels = format!("{{decision=\"{decision}\",reason=\"{reason}\"}}");
        replica.metric(&format!("sidestep_inject_requests_total{labels}")).await
    };
    assert!((count("dry_run", "").await - 1.0).abs() < 0.1);
    assert!(count("skip", "no_config").await > 1.5 && count("inject", "").await > 2.5);
}

#[tokio::test]
async fn settings_that_cannot_be_put_in_force_are_refused_in_words() {
    let server = ApiServer::start().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap();
    let good = "namespace: sidestep\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n\
                certificate: { mode: self, service: hook, secret: hook-tls, lease: hook, webhook: hook, poll: 5s }\n\
                sidecar: { image: sidestep, config: sidestep }\n";
    for (from, to, blamed, expected) in [
        ("secret: hook-tls", "secret: ../hook", true, "certificate.secret: `../hook` is no name"),
        ("poll: 5s", "poll: 6s", true, "poll must be above 0 and at most a third of lease_duration"),
        ("poll: 5s", "validity: 3m", true, "settle is too long"),
        ("listen: 127.0.0.1:0", &format!("listen: {taken}"), false, "(listen): "),
    ] {
        let settings = sidestep_inject::Settings::parse(&good.replacen(from, to, 1)).unwrap();
        let started = sidestep_inject::Injector::start(settings, server.cluster("a"), "a").await;
        let Err(error) = started else { panic!("{to} was accepted") };
        assert_eq!(error.is_settings(), blamed, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_review_is_refused_and_the_next_one_answered() {
    let (_server, replica, bundle) = ready().await;
    let plain = |request: http::request::Builder, body: &'static [u8]| {
        request.header("host", HOST).body(Full::new(Bytes::from_static(body))).unwrap()
    };
    let here = format!("https://{HOST}/mutate/pod");
    let cases: Vec<(u16, Request<Full<Bytes>>)> = vec![
        (404, post("/", review())),
        (404, post("/mutate/../pod", review())),
        (405, plain(Request::get(&here), b"")),
        (405, plain(Request::put(&here).header("content-type", "application/json"), b"{}")),
        (415, plain(Request::post(&here), b"{}")),
        (415, plain(Request::post(&here).header("content-type", "application/yaml"), b"{}")),
        (400, post("/mutate/pod", "")),
        (400, post("/mutate/pod", "\u{0}garbage")),
        (400, post("/mutate/pod", "[".repeat(200_000))),
        (400, post("/mutate/pod", r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#)),
        (200, post("/mutate/namespace", review())),
    ];
    for (status, request) in cases {
        for http in [Http::One, Http::Two] {
            let told = format!("{} {} by {http:?}", request.method(), request.uri());
            let answer = send(replica.address, &bundle, http, request.clone()).await;
            let answer = answer.unwrap_or_else(|error| panic!("{told}: {error}"));
            assert_eq!(answer.status(), status, "{told}");
            assert_eq!(answer.headers().contains_key("allow"), status == 405, "{told}");
            assert!(!answer.body().is_empty(), "{told}: a refusal says why");
            assert_eq!(call(replica.address, &bundle, http).await, Ok(200), "after {told}");
        }
    }
    let large = vec![b' '; sidestep_inject::MAX_BODY_BYTES + 1];
    let answer = send(replica.address, &bundle, Http::Two, post("/mutate/pod", large)).await.unwrap();
    assert_eq!(answer.status(), 413);
    for (page, status) in
        [("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/", 404), ("/mutate/pod", 404)]
    {
        assert_eq!(replica.page(page).await.0, status, "{page}");
    }
    assert!(replica.metric("sidestep_inject_panics_total").await < 0.5);
}

/// Begins a request and sends only half of its body.
async fn half(
    replica: &Replica,
    bundle: &str,
    timeout: &str,
) -> (tokio_rustls::client::TlsStream<TcpStream>, Bytes) {
    let body = review();
    let mut stream = connect(replica.address, bundle, Http::One).await.unwrap();
    let head = format!(
        "POST /mutate/pod?timeout={timeout} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body[..20]).await.unwrap();
    (stream, body.slice(20..))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_dawdle_are_answered_in_their_own_time_and_hold_nobody_up() {
    let (_server, replica, bundle) = ready().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(replica.address).await.unwrap());
    }
    let (mut slow, _) = half(&replica, &bundle, "1s").await;
    assert_eq!(call(replica.address, &bundle, Http::Two).await, Ok(200));
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.ok();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("not ready in time"), "{answer}");
    let late = "sidestep_inject_requests_total{decision=\"late\",reason=\"\"}";
    assert!((replica.metric(late).await - 1.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_answered_when_it_ends() {
    let (server, mut replica, bundle) = ready().await;
    let mut begun = Vec::new();
    for _ in 0..20 {
        begun.push(half(&replica, &bundle, "20s").await);
    }
    replica.terminate();
    eventually("readiness falls", async || {
        replica.page("/readyz").await == (503, "not ready: shutting down\n".to_owned())
    })
    .await;
    for http in [Http::One, Http::Two] {
        assert_eq!(call(replica.address, &bundle, http).await, Ok(200), "within the grace period");
    }
    eventually("the lease is given up", async || server.store().holder().as_deref() == Some("")).await;
    eventually("nobody new is let in", async || TcpStream::connect(replica.address).await.is_err()).await;
    for (mut slow, rest) in begun {
        slow.write_all(&rest).await.unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).await.ok();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert_eq!(replica.ended().await, 0, "no connection was cut");
}
