//! Providers that answer what no provider should.

use sidestep_simulator::{Fault, Planned};
use sidestep_tests::{Heard, Provider, Rig};

use crate::{PATHS, body, still_answers};

async fn call(rig: &Rig, path: &str, stream: bool) -> Heard {
    rig.application.post(path, &body(path, "claude-opus-5-5", stream)).await
}

/// Not one of these reaches the application; the next provider answers, and memory stays what it was.
#[tokio::test]
async fn what_is_no_answer_is_answered_by_the_next_provider() {
    let limits = "limits: { event_bytes: 256KiB, answer_bytes: 512KiB }";
    for fault in [
        Fault::Html { status: 200 },
        Fault::Html { status: 502 },
        Fault::Html { status: 403 },
        Fault::Oversize { bytes: 64 << 20 },
        Fault::Empty {},
    ] {
        let rig = Rig::builder().with(limits).start().await;
        rig.anthropic.faults().set("*", fault.clone()).unwrap();
        for path in PATHS {
            for stream in [false, true] {
                let heard = call(&rig, path, stream).await;
                assert_eq!(heard.status, 200, "{fault:?} {path} {stream}: {}", heard.text);
                assert_eq!(heard.header("sidestep-upstream"), "gpt", "{fault:?} {path} {stream}");
                assert!(heard.said().len() > 20 && !heard.tells_error(), "{fault:?}: {}", heard.text);
            }
        }
        let taken: u64 = rig.anthropic.attempts().all().iter().map(|attempt| attempt.bytes).sum();
        assert!(taken < 64 << 20, "{fault:?}: read on for {taken} bytes");
        rig.anthropic.faults().clear_all();
        still_answers(&rig).await;
        rig.stop().await;
    }
}

/// A whole answer that never ends is given up at its cap. An endless stream is the application's to end.
#[tokio::test]
async fn an_endless_answer_is_given_up() {
    let rig = Rig::builder().with("limits: { answer_bytes: 512KiB }").start().await;
    rig.anthropic.faults().set("*", Fault::Endless {}).unwrap();
    for path in PATHS {
        let heard = call(&rig, path, false).await;
        assert_eq!(
            (heard.status.as_u16(), heard.header("sidestep-upstream")),
            (200, "gpt"),
            "{}",
            heard.text
        );
    }
    rig.anthropic.faults().clear_all();
    still_answers(&rig).await;
    rig.stop().await;
}

/// A page in place of an error: an application that parses errors gets one that it can parse.
#[tokio::test]
async fn a_page_that_refuses_the_request_is_told_in_the_callers_dialect() {
    let rig = Rig::start().await;
    for simulator in [&rig.anthropic, &rig.openai, &rig.xai] {
        simulator.faults().set("*", Fault::Html { status: 400 }).unwrap();
    }
    for path in PATHS {
        for stream in [false, true] {
            let heard = call(&rig, path, stream).await;
            assert_eq!(heard.status, 400, "{}", heard.text);
            assert_eq!(heard.header("content-type"), "application/json", "{}", heard.text);
            assert!(heard.json()["error"]["message"].is_string(), "{}", heard.text);
            assert!(!heard.text.contains("<html"), "{}", heard.text);
        }
    }
    rig.stop().await;
}

/// Compressed although nobody asked for it: decoded, as it comes, errors included.
#[tokio::test]
async fn gzip_is_decoded() {
    let rig = Rig::start().await;
    for path in PATHS {
        for stream in [false, true] {
            let plain = call(&rig, path, stream).await;
            rig.anthropic.faults().set("*", Fault::Gzip {}).unwrap();
            let heard = call(&rig, path, stream).await;
            assert_eq!(heard.header("sidestep-upstream"), "opus", "{}", heard.text);
            assert_eq!(
                (heard.said(), heard.header("content-encoding")),
                (plain.said(), ""),
                "{path} {stream}"
            );
            assert!(!stream || heard.is_ended(), "{}", heard.text);
            // Cut in the middle of compressed data: another one answers, or tells the rest.
            let cut = Fault::Cut { after: 5, clean: false, torn: true };
            rig.anthropic.faults().set_all("*", vec![Fault::Gzip {}.into(), Planned::from(cut)]).unwrap();
            let heard = call(&rig, path, stream).await;
            assert_eq!(heard.said(), plain.said(), "{path} {stream}: {}", heard.text);
            assert!(!heard.tells_error() && (!stream || heard.is_ended()), "{path} {stream}: {}", heard.text);
            let refusal = vec![Fault::Gzip {}.into(), Planned::from(Fault::status(400))];
            rig.anthropic.faults().set_all("*", refusal).unwrap();
            let heard = call(&rig, path, stream).await;
            assert_eq!(heard.status, 400);
            assert!(heard.json()["error"]["message"].is_string(), "{}", heard.text);
            rig.anthropic.faults().clear_all();
        }
    }
    rig.stop().await;
}

/// When no provider's events fit, the application is told so as an error, once every target was asked.
#[tokio::test]
async fn events_over_the_cap_everywhere_are_an_error() {
    let rig = Rig::builder().with("limits: { event_bytes: 64KiB }").start().await;
    for simulator in [&rig.anthropic, &rig.openai, &rig.xai] {
        simulator.faults().set("*", Fault::Oversize { bytes: 1 << 20 }).unwrap();
    }
    for path in PATHS {
        let heard = call(&rig, path, true).await;
        assert_eq!(heard.status, 503, "{}", heard.text);
        assert_eq!(
            (heard.header("x-should-retry"), heard.header("content-type")),
            ("false", "application/json")
        );
        assert!(heard.json()["error"]["message"].is_string());
    }
    rig.stop().await;
}

const BEGUN: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Lighthouses"}}

"#;

/// Endless bytes that are no answer: before the answer has begun the next provider takes over, after that, where
/// nobody else may go on, the stream ends with an error that cannot be taken for an end.
#[tokio::test]
async fn endless_bytes_are_given_up_before_and_after_the_answer_has_begun() {
    for (beginning, again) in [("", ": ping\n\n"), ("", "data: "), (BEGUN, "data: "), (BEGUN, "x")] {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        let babbler = Provider::saying(&format!("{head}{beginning}"), Some(again)).await;
        let rig = Rig::builder()
            .config(&BABBLING.replace("{babbler}", &babbler.address.to_string()))
            .with("limits: { event_bytes: 64KiB }")
            .start()
            .await;
        for path in PATHS {
            let heard = call(&rig, path, true).await;
            assert_eq!(heard.status, 200, "{path} {again:?}: {}", heard.text);
            assert!(heard.text.len() < 64 << 10, "{path} {again:?}: {} bytes", heard.text.len());
            if beginning.is_empty() {
                assert_eq!(heard.header("sidestep-upstream"), "gpt", "{path} {again:?}");
                assert!(heard.is_ended() && !heard.tells_error(), "{path} {again:?}: {}", heard.text);
            } else {
                assert_eq!(heard.said(), "Lighthouses", "{path} {again:?}");
                assert!(heard.tells_error() && !heard.is_ended(), "{path} {again:?}: {}", heard.text);
            }
        }
        rig.stop().await;
    }
}

const BABBLING: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "http://{babbler}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "claude-*", targets: [opus, gpt], first_token_timeout: 1s, rescue: false }
probes: { enabled: false }
"#;

/// Whoever answers for a provider cannot send our key and the prompt elsewhere.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let elsewhere = Provider::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", None).await;
        let to = format!("location: http://{}/v1/messages\r\n", elsewhere.address);
        let moved = Provider::saying(&Provider::response(status, &to, ""), None).await;
        let config = BABBLING.replace("{babbler}", &moved.address.to_string());
        let rig = Rig::builder().config(&config).start().await;
        for path in PATHS {
            let heard = call(&rig, path, false).await;
            assert_eq!((heard.status.as_u16(), heard.header("sidestep-upstream")), (200, "gpt"), "{status}");
        }
        assert!(elsewhere.heard().is_empty() && !moved.heard().is_empty());
        rig.stop().await;
    }
}
