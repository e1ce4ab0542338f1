//! Requests that cannot become calls.

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use sidestep_tests::{Heard, Line, Rig};

use crate::{PATHS, body, still_answers};

/// In every bad request; must not come back, nor go anywhere.
const SECRET: &str = "marmalade-on-the-moon";

struct Bad {
    name: &'static str,
    status: u16,
    says: &'static str,
    request: Request<Full<Bytes>>,
}

fn request(rig: &Rig, method: Method, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let uri = format!("http://{}{path}", rig.application.address);
    let request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
    let request = if path.starts_with("/v1/messages") {
        request.header("anthropic-version", "2023-06-01").header("x-api-key", SECRET)
    } else {
        request.header("authorization", format!("Bearer {SECRET}"))
    };
    request.body(Full::new(body.into())).unwrap()
}

fn bad_requests(rig: &Rig, path: &str) -> Vec<Bad> {
    let post = |body: String| request(rig, Method::POST, path, body);
    let unknown = body(path, "claude-opos-5-5", false).to_string();
    let mut priority = post(body(path, "claude-opus-5-5", false).to_string());
    priority.headers_mut().insert("sidestep-priority", SECRET.parse().unwrap());
    let mut head = post(body(path, "claude-opus-5-5", false).to_string());
    head.headers_mut().insert("x-long", "x".repeat(20 << 10).parse().unwrap());
    let long = format!("{path}?{}", "q".repeat(3000));
    let bad = |name, status, says, request| Bad { name, status, says, request };
    vec![
        bad("over the cap", 413, "65536 bytes", post(format!("{{\"{SECRET}\":\"{}\"}}", "x".repeat(70_000)))),
        bad("broken JSON", 400, "line 2", post(format!("{{\"model\": \"claude-opus-5-5\",\n {SECRET}"))),
        bad("no object", 400, "", post(format!("[\"{SECRET}\"]"))),
        bad("no UTF-8", 400, "", request(rig, Method::POST, path, &b"{\"model\": \"\xff\"}"[..])),
        bad("nothing at all", 400, "", post(String::new())),
        bad("no model", 400, "model", post(format!("{{\"messages\": [], \"user\": \"{SECRET}\"}}"))),
        bad("model of a wrong kind", 400, "model", post("{\"model\": 7, \"messages\": []}".to_owned())),
        bad("unknown model", 404, "nearest route: \"claude-opus-*\"", post(unknown)),
        bad("unknown priority", 400, "interactive, batch", priority),
        bad("wrong method", 404, "no such endpoint: PUT", request(rig, Method::PUT, path, SECRET)),
        bad(
            "unknown path",
            404,
            "no such endpoint",
            request(rig, Method::POST, &format!("{path}/nowhere"), SECRET),
        ),
        bad("long target", 414, "2048 bytes", request(rig, Method::POST, &long, SECRET)),
        bad("long head", 431, "16384 bytes", head),
    ]
}

/// What both official SDKs of the dialect read an error from.
fn assert_dialect(path: &str, name: &str, heard: &Heard) {
    let told: Value = heard.json();
    assert_eq!(heard.header("content-type"), "application/json", "{name}");
    assert!(told["error"]["message"].as_str().is_some_and(|text| text.len() > 10), "{name}: {told}");
    assert!(told["error"]["type"].is_string(), "{name}: {told}");
    if path == "/v1/messages" {
        assert_eq!(told["type"], "error", "{name}: {told}");
        assert!(told["request_id"].is_string() && !heard.header("request-id").is_empty(), "{name}: {told}");
    } else {
        assert!(
            told["error"].get("code").is_some() && told["error"].get("param").is_some(),
            "{name}: {told}"
        );
        assert!(!heard.header("x-request-id").is_empty(), "{name}");
    }
}

async fn limited() -> Rig {
    Rig::builder().with("limits: { body_bytes: 64KiB, header_bytes: 16KiB, uri_bytes: 2KiB }").start().await
}

#[tokio::test]
async fn what_cannot_be_a_call_is_refused_in_the_callers_dialect_and_reaches_nobody() {
    let rig = limited().await;
    let mut refused = 0.0;
    for path in PATHS {
        for Bad { name, status, says, request } in bad_requests(&rig, path) {
            let heard = rig.application.send(request).await;
            assert_eq!(heard.status, status, "{path} {name}: {}", heard.text);
            assert_dialect(path, name, &heard);
            assert!(heard.text.contains(says.replace('"', "\\\"").as_str()), "{path} {name}: {}", heard.text);
            assert!(!heard.text.contains(SECRET), "{path} {name}: {}", heard.text);
            // These are the caller's to mend: the SDKs do not retry such statuses, and are not told to.
            assert_eq!(heard.header("x-should-retry"), "", "{path} {name}");
            refused += 1.0;
        }
    }
    let asked = [&rig.anthropic, &rig.openai, &rig.xai].map(|simulator| simulator.attempts().count());
    assert_eq!(asked, [0; 3]);
    let counted = rig.application.scrape().await.sum("sidestep_requests_total", &["outcome=\"refused\""]);
    assert_eq!(counted, refused);
    still_answers(&rig).await;
    rig.stop().await;
}

/// A body without a stated length is counted as it comes, and an application that sends on for long gets to
/// read why it was refused.
#[tokio::test]
async fn a_body_over_the_cap_is_refused_however_it_comes() {
    let rig = limited().await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    for path in PATHS {
        let piece = || Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![b' '; 16 << 10])));
        let pieces = stream::iter((0..1024).map(move |_| piece()));
        let request = Request::post(format!("http://{}{path}", rig.application.address));
        let request = request.body(StreamBody::new(pieces)).unwrap();
        let response = client.request(request).await.unwrap();
        assert_eq!(response.status(), 413);
        let told = response.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&told).contains("65536 bytes"));
    }
    let heard = rig.application.post("/v1/messages", &Value::String("x".repeat(16 << 20))).await;
    assert_eq!(heard.status, 413, "{}", heard.text);
    still_answers(&rig).await;
    rig.stop().await;
}

/// Far over the limit of the head there is no request to answer, but still an answer.
#[tokio::test]
async fn an_endless_head_is_cut_off() {
    let rig = limited().await;
    for first in ["POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-endless: ", "POST /v1/messages?"] {
        let mut line = Line::to(rig.application.address).await;
        assert!(line.say(first).await);
        let mut sent = 0;
        while sent < 8 << 20 && line.say([b'x'; 4096]).await {
            sent += 4096;
        }
        assert!(sent < 8 << 20, "took 8 MiB of head");
    }
    still_answers(&rig).await;
    rig.stop().await;
}

/// A key that is not there is found out before anyone is asked without it.
#[tokio::test]
async fn a_route_without_any_key_says_so() {
    let rig = Rig::builder()
        .config(
            r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: { env: NOT_SET } }
  openai: { base_url: "{openai}/v1", api_key: { file: /nowhere/key } }
  xai: { base_url: "{xai}/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
  grok: { provider: xai, model: grok-4.7 }
routes:
  - { match: "claude-*", targets: [opus, gpt] }
  - { match: "gpt-*", targets: [gpt, opus, grok] }
probes: { enabled: false }
"#,
        )
        .start()
        .await;
    for path in PATHS {
        for stream in [false, true] {
            let heard = rig.application.post(path, &body(path, "claude-opus-5-5", stream)).await;
            assert_eq!(heard.status, 503, "{}", heard.text);
            assert_dialect(path, "no key", &heard);
            assert!(heard.text.contains("no target of this route has a key"), "{}", heard.text);
            assert_eq!(heard.header("x-should-retry"), "false");
            // The one with a key is asked first, not after two that cannot succeed.
            let heard = rig.application.post(path, &body(path, "gpt-6.1-sol", stream)).await;
            assert_eq!(heard.status, 200, "{}", heard.text);
            assert_eq!((heard.header("sidestep-upstream"), heard.header("sidestep-attempts")), ("grok", "1"));
        }
    }
    assert_eq!(rig.anthropic.attempts().count() + rig.openai.attempts().count(), 0);
    rig.stop().await;
}
