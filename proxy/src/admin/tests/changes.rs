use futures_util::FutureExt;

use super::*;

#[tokio::test]
async fn a_switch_is_in_force_and_on_disk_when_it_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(Some(folder.path())).await;
    let wish = r#"{"subject":"anthropic","reason":"529s","actor":"ada","for_seconds":1800}"#;
    let got = rig.ask("POST", "/switches", &[], wish).await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!((rig.verdict("opus"), rig.verdict("haiku")), (Verdict::Disabled, Verdict::Disabled));
    assert_eq!(rig.verdict("gpt"), Verdict::Healthy);
    let file = std::fs::read_to_string(folder.path().join("switches.json")).unwrap();
    assert!(file.contains("anthropic") && file.contains("529s"), "{file}");
    let done = got.json();
    assert_eq!(done["kept"], true);
    let switch = &done["switches"][0];
    assert_eq!((&switch["subject"], &switch["level"]), (&"anthropic".into(), &"provider".into()));
    let left = switch["left_seconds"].as_f64().unwrap();
    assert!((1700.0..=1800.0).contains(&left), "{left}");

    let got = rig.ask("DELETE", "/switches/anthropic?actor=grace", &[], "").await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(rig.verdict("opus"), Verdict::Healthy);
    let file = std::fs::read_to_string(folder.path().join("switches.json")).unwrap();
    assert!(!file.contains("anthropic"), "{file}");
    let again = rig.ask("DELETE", "/switches/anthropic?actor=grace", &[], "").await;
    assert_eq!(again.status, 404);
    assert!(again.body.contains("no switch on provider `anthropic`"), "{}", again.body);
    rig.stop().await;
}

#[tokio::test]
async fn a_switch_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(Some(folder.path())).await;
    assert_eq!(rig.disable("org/llama 3").await.status, 200);
    rig.stop().await;
    let rig = Rig::start(Some(folder.path())).await;
    assert_eq!(rig.verdict("org/llama 3"), Verdict::Disabled, "before the first request");
    let switches = rig.get("/switches").await.json();
    assert_eq!(switches["switches"][0]["actor"], "ada");
    let got = rig.ask("DELETE", "/switches/model:org%2Fllama%203?actor=ada", &[], "").await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(rig.verdict("org/llama 3"), Verdict::Healthy);
    rig.stop().await;
}

#[tokio::test]
async fn a_switch_on_what_the_configuration_lost_is_dropped_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"version":1,"switches":[
        {"subject":{"model":"gone"},"kind":"disable","reason":"r","actor":"ada","set_at":1.0},
        {"subject":{"model":"gpt"},"kind":"disable","reason":"r","actor":"ada","set_at":1.0}]}"#;
    std::fs::write(folder.path().join("switches.json"), text).unwrap();
    let rig = Rig::start(Some(folder.path())).await;
    assert_eq!(rig.verdict("gpt"), Verdict::Disabled);
    let events = rig.admin.journal.recent(1);
    assert_eq!(events[0].subject, "model `gone`");
    assert!(events[0].why.contains("set by ada was dropped"), "{}", events[0].why);
    rig.stop().await;
}

#[tokio::test]
async fn only_the_allowed_change_anything() {
    let rig = Rig::start(None).await;
    let wish = r#"{"subject":"opus","reason":"r","actor":"mallory"}"#;
    for (headers, status) in [
        (vec!["authorization: Bearer wrong"], 401),
        (vec!["authorization: Basic Y29ycmVjdCBob3JzZQ=="], 401),
        (vec!["origin: https://evil.example"], 403),
        (vec!["origin: null"], 403),
        (vec!["sec-fetch-site: cross-site"], 403),
        (vec!["x-forwarded-for: 203.0.113.9"], 403),
        (vec!["authorization: Bearer wrong", "origin: https://evil.example"], 401),
    ] {
        let got = rig.ask("POST", "/switches", &headers, wish).await;
        assert_eq!(got.status, status, "{headers:?}: {}", got.body);
        assert_eq!(got.head.contains("www-authenticate: Bearer"), status == 401);
        assert!(!got.body.contains("correct horse"));
        let got = rig.ask("DELETE", "/switches/opus?actor=m", &headers, "").await;
        assert_eq!(got.status, status, "{headers:?}");
    }
    let remote = "203.0.113.9:4711".parse().unwrap();
    let request = || Request::post("/switches").body(http_body_util::Full::new(Bytes::from(wish))).unwrap();
    assert_eq!(rig.admin.answer(request(), remote).await.status(), 403);
    assert_eq!(rig.verdict("opus"), Verdict::Healthy, "nobody got through");

    let mut request = request();
    request.headers_mut().insert("authorization", "Bearer correct horse".parse().unwrap());
    assert_eq!(rig.admin.answer(request, remote).await.status(), 200);
    assert_eq!(rig.verdict("opus"), Verdict::Disabled);
    rig.stop().await;
}

/// As in a configuration that was built from the environment, where a model bears its provider's name.
#[tokio::test]
async fn a_shared_name_means_the_provider_and_a_prefix_either() {
    let rig = Rig::start(None).await;
    for (name, level) in [("twin", "provider"), ("provider:twin", "provider"), ("model:twin", "model")] {
        let wish = format!(r#"{{"subject":"{name}","reason":"r","actor":"a"}}"#);
        let got = rig.ask("POST", "/switches", &[], &wish).await;
        assert_eq!(got.status, 200, "{name}: {}", got.body);
        assert_eq!(got.json()["switches"][0]["level"], level, "{name}");
        assert_eq!(rig.ask("DELETE", &format!("/switches/{name}?actor=a"), &[], "").await.status, 200);
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_bad_wish_is_refused_with_what_is_wrong() {
    let rig = Rig::start(None).await;
    let long = format!(r#"{{"subject":"opus","reason":"{}","actor":"a"}}"#, "x".repeat(501));
    for (wish, status, why) in [
        ("", 400, "EOF"),
        ("{\n oops", 400, "line 2 column 2"),
        (r#"{"subject":"opus","reason":"r","actor":"a","for_minutes":3}"#, 400, "for_minutes"),
        (r#"{"subject":"opus","actor":"a"}"#, 400, "reason"),
        (r#"{"subject":"opus","reason":" ","actor":"a"}"#, 400, "`reason` must not be empty"),
        (r#"{"subject":"opus","reason":"r","actor":""}"#, 400, "`actor` must not be empty"),
        (r#"{"subject":"opus","reason":"a\u001b[2Jb","actor":"a"}"#, 400, "one line"),
        (r#"{"subject":"opus","reason":"r","actor":"a","for_seconds":0}"#, 400, "above 0"),
        (r#"{"subject":"opus","reason":"r","actor":"a","for_seconds":99999999999}"#, 400, "a year"),
        (r#"{"subject":"opus","reason":"r","actor":"a","for_seconds":-1}"#, 400, "invalid value"),
        (r#"{"subject":"opus","reason":"r","actor":"a","kind":"explode"}"#, 400, "explode"),
        (r#"{"subject":"antropic","reason":"r","actor":"a"}"#, 404, "there are `anthropic`"),
        (r#"{"subject":"model:anthropic","reason":"r","actor":"a"}"#, 404, "no provider or model"),
        (long.as_str(), 400, "at most 500 characters"),
    ] {
        let got = rig.ask("POST", "/switches", &[], wish).await;
        assert_eq!(got.status, status, "{wish}: {}", got.body);
        let error = got.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(why), "{wish}: {error}");
    }
    for path in ["/switches/opus", "/switches/opus?actor=", "/switches/%ff?actor=a"] {
        assert_eq!(rig.ask("DELETE", path, &[], "").await.status, 400, "{path}");
    }
    assert_eq!(rig.get("/switches").await.json()["switches"], serde_json::json!([]));
    rig.stop().await;
}

#[tokio::test]
async fn a_full_disk_does_not_stop_a_switch_but_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(Some(&folder.path().join("state"))).await;
    // A file where the folder should be: nothing can be kept there.
    std::fs::write(folder.path().join("state"), "").unwrap();
    let got = rig.disable("opus").await;
    assert_eq!(got.status, 500);
    assert!(got.body.contains("in force, but lost at the next restart"), "{}", got.body);
    assert_eq!(rig.verdict("opus"), Verdict::Disabled);
    rig.stop().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(Some(folder.path())).await;
    let wish = serde_json::from_str(r#"{"subject":"opus","reason":"r","actor":"a"}"#).unwrap();
    // Polled once, then dropped, as when a connection breaks.
    assert!(rig.admin.desk.set(wish, &rig.topology).now_or_never().is_none());
    let file = SwitchFile::in_folder(folder.path());
    let clock = rig.admin.clock;
    let topology = Arc::clone(&rig.topology);
    while !file.path().exists() {
        tokio::task::yield_now().await;
    }
    rig.stop().await;
    assert_eq!(topology[topology.model("opus").unwrap()].cell.standing().verdict, Verdict::Disabled);
    assert_eq!(file.load(clock.reading()).unwrap().len(), 1, "in force, so it is kept");
}

#[tokio::test]
async fn many_at_once_leave_the_file_and_the_judge_agreed() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(Some(folder.path())).await;
    let names = ["opus", "haiku", "gpt", "model:twin", "anthropic"];
    let rounds = (0..40).map(|round| {
        let (rig, name) = (&rig, names[round % names.len()]);
        async move {
            if round % 3 == 0 {
                rig.ask("DELETE", &format!("/switches/{name}?actor=a"), &[], "").await.status
            } else {
                rig.disable(name).await.status
            }
        }
    });
    let statuses = futures_util::future::join_all(rounds).await;
    assert!(statuses.iter().all(|status| [200, 404].contains(status)), "{statuses:?}");
    let in_force = rig.admin.judge.switches().await;
    let kept = SwitchFile::in_folder(folder.path()).load(rig.admin.clock.reading()).unwrap();
    let subjects = |switches: &[sidestep_table::Switch]| {
        switches.iter().map(|switch| switch.subject.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(subjects(&kept), subjects(&in_force));
    rig.stop().await;
}

#[tokio::test]
async fn the_log_level_changes_for_whoever_may_change_it() {
    let rig = Rig::start(None).await;
    let put = |headers: &'static [&'static str], body: &'static str| rig.ask("PUT", "/log", headers, body);
    let debug = r#"{"level":"debug","actor":"ada","for_seconds":600}"#;
    for (headers, status) in [
        (&["authorization: Bearer wrong"][..], 401),
        (&["origin: https://evil.example"], 403),
        (&["sec-fetch-site: cross-site"], 403),
        (&["x-forwarded-for: 203.0.113.9"], 403),
    ] {
        let got = put(headers, debug).await;
        assert_eq!(got.status, status, "{headers:?}: {}", got.body);
    }
    for (body, words) in [
        (r#"{"level":"inof","actor":"ada"}"#, "`inof` is no level"),
        (r#"{"level":"debug"}"#, "actor"),
        (r#"{"level":"debug","actor":"ada","for_minutes":1}"#, "for_minutes"),
        ("debug", "no order for the log"),
    ] {
        let got = put(&[], body).await;
        assert_eq!(got.status, 400);
        assert!(got.json()["error"].as_str().unwrap().contains(words), "{}", got.body);
    }
    assert_eq!(rig.get("/log").await.json()["level"], "info");
    let got = put(&["authorization: Bearer correct horse", "origin: https://ops.example"], debug).await;
    assert_eq!((got.status, &got.json()["level"]), (200, &"debug".into()), "{}", got.body);
    let report = rig.get("/log").await.json();
    assert_eq!((&report["actor"], &report["configured"]), (&"ada".into(), &"info".into()));
    assert!(rig.admin.journal.recent(1)[0].why.contains("ordered by ada"));
    assert_eq!(put(&[], r#"{"actor":"ada"}"#).await.json()["level"], "info");
    let got = rig.ask("DELETE", "/log", &[], "").await;
    assert!(got.status == 405 && got.head.contains("allow: GET, PUT"), "{}", got.head);
    rig.stop().await;
}
