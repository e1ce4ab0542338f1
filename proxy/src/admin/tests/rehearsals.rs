use super::*;

const FAULT: &str = r#"{"subject":"anthropic","fault":{"kind":"status","status":529},"rate":0.3,"for_seconds":300,
    "reason":"practice","actor":"ada"}"#;

#[tokio::test]
async fn a_rehearsal_needs_whoever_may_change_switches() {
    let rig = Rig::start(None).await;
    for (headers, status) in [
        (&["authorization: Bearer wrong"][..], 401),
        (&["origin: https://evil.example"], 403),
        (&["sec-fetch-site: cross-site"], 403),
        (&["x-forwarded-for: 10.0.0.7"], 403),
    ] {
        assert_eq!(rig.ask("POST", "/faults", headers, FAULT).await.status, status, "{headers:?}");
        let got = rig.ask("DELETE", "/faults?actor=eve", headers, "").await;
        assert_eq!(got.status, status, "{headers:?}");
    }
    assert_eq!(rig.get("/faults").await.json()["faults"], serde_json::json!([]));
    for headers in [&[][..], &["origin: https://ops.example", "authorization: Bearer correct horse"]] {
        let got = rig.ask("POST", "/faults", headers, FAULT).await;
        assert_eq!(got.status, 200, "{}", got.body);
        let told = &got.json()["faults"][0];
        assert_eq!((&told["subject"], &told["actor"]), (&"anthropic".into(), &"ada".into()), "{told}");
        assert_eq!(rig.get("/status").await.json()["faults"][0]["what"], "status 529");
        assert_eq!(rig.ask("DELETE", "/faults/anthropic?actor=ada", headers, "").await.status, 200);
    }
    rig.stop().await;
}

#[tokio::test]
async fn what_is_no_rehearsal_is_refused_in_words() {
    let rig = Rig::start(None).await;
    for (from, to, status, word) in [
        ("anthropic", "antropic", 404, "did you mean `anthropic`"),
        ("529", "400", 400, "a provider in trouble answers"),
        ("529", "200", 400, "a provider in trouble answers"),
        ("529", "529,\"retry_after_seconds\":86400", 400, "Retry-After"),
        ("0.3", "0.51", 400, "faults.max_rate"),
        ("0.3", "0", 400, "above 0"),
        ("0.3", "-1", 400, "above 0"),
        ("0.3", "2", 400, "at most 1"),
        ("300", "901", 400, "faults.max_duration"),
        ("300", "0", 400, "lasts a second"),
        ("practice", "", 400, "`reason` must not be empty"),
        ("ada", "a\\u001b[2Jda", 400, "`actor` must be one line"),
        ("status\",\"status\":529", "solar_flare\"", 400, "the body is no fault"),
        ("\"rate\"", "\"rates\"", 400, "unknown field `rates`"),
        ("status\",\"status\":529", "delay\",\"delay_ms\":0", 400, "a delay is"),
        ("status\",\"status\":529", "slow\",\"pause_ms\":999999", 400, "a pause is"),
    ] {
        let got = rig.ask("POST", "/faults", &[], &FAULT.replacen(from, to, 1)).await;
        assert_eq!(got.status, status, "{to}: {}", got.body);
        assert!(got.body.contains(word), "{to}: {}", got.body);
    }
    for (method, path, status) in [
        ("DELETE", "/faults?actor=ada", 404),
        ("DELETE", "/faults/anthropic?actor=ada", 404),
        ("DELETE", "/faults/antropic?actor=ada", 404),
        ("DELETE", "/faults/anthropic", 400),
        ("DELETE", "/faults/%zz?actor=ada", 400),
        ("PUT", "/faults", 405),
        ("POST", "/faults/anthropic", 405),
    ] {
        let got = rig.ask(method, path, &[], "").await;
        assert_eq!(got.status, status, "{method} {path}: {}", got.body);
    }
    assert!(!rig.admin.faults.active("anthropic"));
    rig.stop().await;
}
