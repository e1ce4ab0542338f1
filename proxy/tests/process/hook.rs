//! Addresses of those who are told of incidents hold secrets: nobody sees them, whatever their receiver does.

use std::path::Path;
use std::process::Stdio;

use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::support::{Provider, eventually};
use crate::{Process, binary};

/// Stands in the path, the query and the token; the receiver says it all again.
const SECRETS: [&str; 3] = ["T0HUSHPATH", "k=0hushquery", "0hushtoken"];

fn assert_secret(place: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in {place}: {text}");
    }
}

fn assert_commands_keep_it(file: &Path) {
    for words in [&["check"][..], &["check", "--print"], &["notify", "test", "--config"]] {
        let output =
            binary().args(words).arg(file).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert_secret(&words.join(" "), &text);
        if words[0] == "notify" {
            assert_eq!(output.status.code(), Some(1), "{text}");
            assert!(text.contains("chat (slack): FAILED, it answered 500"), "{text}");
            assert!(text.contains("no such hook: [redacted]"), "{text}");
            assert!(text.contains("gone (webhook): FAILED, it could not be reached"), "{text}");
        }
    }
}

// Other programs are waited for, while the receiver has to answer.
#[tokio::test(flavor = "multi_thread")]
async fn no_address_of_a_receiver_is_seen_anywhere() {
    let [path, query, token] = SECRETS;
    let echo = format!("no such hook: /services/{path}?{query}, Bearer {token}");
    let receiver = Provider::saying(&Provider::response("500 Oh", "", &echo), None).await;
    let url = format!("http://{}/services/{path}?{query}", receiver.address);
    let section = format!(
        "log: {{ level: trace, format: json }}\nfaults: {{ allow: true }}\nnotify:\n  targets:\n    chat: {{ kind: slack, url: '{url}', token: {token} }}\n    gone: {{ kind: webhook, url: 'http://127.0.0.1:1/{path}?{query}' }}"
    );
    let mut process = Process::start(&section).await;
    let fault = json!({ "kind": "delay", "delay_ms": 1 });
    let order = json!({ "subject": "opus", "fault": fault, "for_seconds": 60, "reason": "x", "actor": "ada", "rate": 0.1 });
    let request = Request::post(format!("http://{}/faults", process.application.admin));
    let set = process.application.send(request.body(Full::from(order.to_string())).unwrap()).await;
    assert_eq!(set.status, 200, "{}", set.text);
    eventually("both were tried", async || {
        let failed =
            |target: &str| format!("sidestep_notification_attempts_failed_total{{target=\"{target}\"}} 2");
        let scrape = process.application.admin("/metrics").await.text;
        scrape.contains(&failed("chat")) && scrape.contains(&failed("gone"))
    })
    .await;
    for page in ["/metrics", "/status", "/incidents"] {
        assert_secret(page, &process.application.admin(page).await.text);
    }
    assert_commands_keep_it(&process.folder.path().join("sidestep.yaml"));
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0));
    let log = process.log();
    assert!(log.contains("\"TRACE\"") && log.contains("notifying"), "not the most talkative level");
    assert_secret("the log", &log);
    let heard = receiver.heard();
    assert!(heard[0].contains(path) && heard[0].contains(query) && heard[0].contains(token), "{}", heard[0]);
}
