//! Requests as a real API server sent them.
//!
//! Needs the folder of recordings that `SIDESTEP_ADMISSION` names; without it these tests say so and pass.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use sidestep_inject::{Outcome, Reason};

use crate::applied::{Applied, ask, variable, variables};
use crate::settings;
use crate::settled::settle;

/// What should become of each recording.
const EXPECTED: [(&str, &str); 37] = [
    ("01-bare-pod", "inject"),
    ("02-deployment", "inject"),
    ("03-statefulset", "inject"),
    ("04-daemonset", "inject"),
    ("05-job", "inject"),
    ("06-job-from-cronjob", "inject"),
    ("07-generate-name", "inject"),
    ("08-dry-run", "inject"),
    ("09-client-side-apply", "inject"),
    ("10-server-side-apply", "inject"),
    ("11-init-containers", "inject"),
    ("12-native-sidecar", "inject"),
    ("13-env-base-url-set", "inject"),
    ("14-env-from-only", "inject"),
    ("15-env-value-from", "inject"),
    ("16-volumes-no-token", "inject"),
    ("17-restricted-namespace", "inject"),
    ("18-share-process-namespace", "inject"),
    ("19-two-containers", "inject"),
    ("20-args-and-lifecycle", "inject"),
    ("21-guaranteed", "inject"),
    ("22-pod-level-resources", "inject"),
    ("23-pod-level-full", "inject"),
    ("24-limit-range", "inject"),
    ("25-reinvocation-first", "inject"),
    ("26-reinvocation-second", "inject"),
    ("27-reinvocation-after-own-patch", "unchanged"),
    ("28-reinvocation-own-patch-and-other", "complete"),
    ("29-already-injected", "unchanged"),
    ("30-already-injected-plain", "skip already_injected"),
    ("31-no-label", "skip not_opted_in"),
    ("32-opt-out-label", "skip opted_out"),
    ("33-host-network", "skip host_network"),
    ("34-windows-node-selector", "skip windows"),
    ("35-windows-os-field", "skip windows"),
    ("36-mirror-pod", "skip mirror_pod"),
    ("37-port-in-use", "skip port_in_use"),
];

const OPENAI: &str = "http://127.0.0.1:6180/v1";
const ANTHROPIC: &str = "http://127.0.0.1:6180";

fn folder() -> Option<PathBuf> {
    let Some(root) = std::env::var_os("SIDESTEP_ADMISSION").map(PathBuf::from) else {
        println!("skipped: SIDESTEP_ADMISSION names no folder of recordings");
        return None;
    };
    let within = root.join("admission");
    Some(if within.is_dir() { within } else { root })
}

fn read(case: &str) -> Option<Value> {
    let path = folder()?.join(format!("{case}.json"));
    Some(serde_json::from_str(&fs::read_to_string(&path).expect("a recording")).unwrap())
}

fn resources(applied: &Applied) -> &Value {
    &applied.sidecar().unwrap()["resources"]
}

fn warns(applied: &Applied, of: &str) -> bool {
    applied.warnings.iter().any(|warning| warning.contains(of))
}

#[test]
fn each_recording_gets_the_decision_that_it_should() {
    let Some(folder) = folder() else { return };
    let files = fs::read_dir(folder).unwrap().count();
    assert_eq!(files, EXPECTED.len(), "a recording that nothing is expected of");
    for (case, expected) in EXPECTED {
        let review = read(case).unwrap();
        let applied = settle(&review, &settings(""));
        let (did, why) = applied.outcome.labels();
        assert_eq!(format!("{did} {why}").trim(), expected, "{case}: {:?}", applied.warnings);
        assert!(!warns(&applied, "injected"), "{case}: it may still be refused: {:?}", applied.warnings);
        if let Outcome::Skip(reason) = &applied.outcome {
            assert!(applied.sidecar().is_none() || *reason == Reason::ByHand, "{case}");
            assert_eq!(applied.warnings.is_empty(), *reason == Reason::NotOptedIn, "{case}");
        }
    }
}

#[test]
fn every_container_that_calls_models_is_told_where() {
    let Some(review) = read("11-init-containers") else { return };
    let applied = settle(&review, &settings(""));
    for name in ["migrate", "warm-cache", "app"] {
        assert_eq!(variable(applied.container(name), "OPENAI_BASE_URL"), Some(json!(OPENAI)), "{name}");
        assert_eq!(variable(applied.container(name), "ANTHROPIC_BASE_URL"), Some(json!(ANTHROPIC)), "{name}");
    }
    let key = &applied.container("warm-cache")["env"][0];
    assert_eq!(key["valueFrom"]["secretKeyRef"]["name"], "llm", "its own key stays");

    let applied = settle(&read("12-native-sidecar").unwrap(), &settings(""));
    let order: Vec<_> =
        applied.after["spec"]["initContainers"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(order, ["sidestep", "istio-init", "istio-proxy"]);
    assert!(applied.container("istio-proxy").get("env").is_none());

    let applied = settle(&read("19-two-containers").unwrap(), &settings(""));
    for container in applied.after["spec"]["containers"].as_array().unwrap() {
        assert_eq!(variable(container, "OPENAI_API_BASE"), Some(json!(OPENAI)));
    }
}

#[test]
fn what_the_application_chose_stays_and_is_not_overruled_by_another_name() {
    let Some(review) = read("13-env-base-url-set") else { return };
    let applied = settle(&review, &settings(""));
    let app = applied.container("app");
    assert_eq!(variable(app, "OPENAI_BASE_URL"), Some(json!("http://llm-gateway.platform.svc:8080/v1")));
    // LangChain would read it before the one that the application set.
    assert_eq!(variable(app, "OPENAI_API_BASE"), None);
    assert_eq!(variable(app, "ANTHROPIC_BASE_URL"), Some(json!(ANTHROPIC)));
    let worker = applied.container("worker");
    assert_eq!(variable(worker, "ANTHROPIC_BASE_URL"), Some(Value::Null), "empty, and set");
    assert_eq!(variable(worker, "ANTHROPIC_API_URL"), None);
    assert_eq!(variable(worker, "OPENAI_BASE_URL"), Some(json!(OPENAI)));
    assert!(warns(&applied, "container app sets OPENAI_BASE_URL itself"), "{:?}", applied.warnings);

    let applied = settle(&read("15-env-value-from").unwrap(), &settings(""));
    let app = applied.container("app");
    assert_eq!(variables(app).iter().filter(|name| **name == "OPENAI_BASE_URL").count(), 1);
    assert_eq!(variable(app, "ANTHROPIC_BASE_URL"), Some(json!(ANTHROPIC)));
}

#[test]
fn what_cannot_be_seen_is_warned_of_and_no_key_is_put_over_it() {
    let Some(review) = read("14-env-from-only") else { return };
    let applied = settle(&review, &settings(""));
    let app = applied.container("app");
    assert_eq!(variable(app, "OPENAI_BASE_URL"), Some(json!(OPENAI)));
    assert_eq!(variable(app, "OPENAI_API_KEY"), None);
    assert!(warns(&applied, "envFrom"));
    let bare = settle(&read("01-bare-pod").unwrap(), &settings(""));
    assert_eq!(variable(bare.container("app"), "OPENAI_API_KEY"), Some(json!("provided-by-sidestep")));
    assert!(bare.warnings.is_empty(), "{:?}", bare.warnings);
    let without = settle(&read("01-bare-pod").unwrap(), &settings(", placeholder_keys: false"));
    assert!(variables(without.container("app")).iter().all(|name| !name.contains("KEY")));
}

#[test]
fn the_pod_keeps_its_class_and_its_budget() {
    let Some(review) = read("21-guaranteed") else { return };
    let guaranteed = settle(&review, &settings(""));
    assert_eq!(resources(&guaranteed)["requests"], resources(&guaranteed)["limits"]);
    assert!(resources(&guaranteed)["limits"]["cpu"].is_string());
    assert!(resources(&guaranteed)["limits"]["memory"].is_string());

    let roomy = settle(&read("22-pod-level-resources").unwrap(), &settings(""));
    assert_eq!(resources(&roomy)["requests"], json!({ "cpu": "50m", "memory": "64Mi" }));
    let full = settle(&read("23-pod-level-full").unwrap(), &settings(""));
    assert_eq!(*resources(&full), json!({}), "a limit alone would be taken for a request");
    assert!(warns(&full, "memory request leaves no room"), "{:?}", full.warnings);

    let limited = settle(&read("24-limit-range").unwrap(), &settings(""));
    for field in ["requests", "limits"] {
        assert_eq!(
            resources(&limited)[field].as_object().unwrap().len(),
            2,
            "a LimitRange would fill in the rest"
        );
    }
}

#[test]
fn a_container_that_came_later_gets_what_it_lacks_and_nothing_else_happens() {
    let Some(review) = read("28-reinvocation-own-patch-and-other") else { return };
    let applied = settle(&review, &settings(""));
    let patch = applied.patch.as_ref().unwrap().as_array().unwrap();
    let paths: Vec<_> = patch.iter().map(|operation| operation["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/spec/containers/1/env"], "only log-shipper");
    assert_eq!(variable(applied.container("log-shipper"), "OPENAI_BASE_URL"), Some(json!(OPENAI)));
    assert_eq!(variables(applied.container("app")), ["OPENAI_BASE_URL"]);
    assert!(warns(&applied, "has the sidecar already"), "{:?}", applied.warnings);

    let fresh = read("01-bare-pod").unwrap();
    let again = ask(&settle(&fresh, &settings("")).next(&fresh), &settings(""));
    assert_eq!(again.outcome, Outcome::Unchanged);
    assert!(again.warnings.is_empty(), "the second call for one pod is nothing to speak of");
}

#[test]
fn a_dry_run_gets_the_same_patch_and_has_no_effects() {
    let Some(mut review) = read("08-dry-run") else { return };
    let dry = settle(&review, &settings(""));
    assert!(dry.reply.dry_run);
    review["request"]["dryRun"] = json!(false);
    let real = settle(&review, &settings(""));
    assert!(!real.reply.dry_run);
    assert_eq!(dry.patch, real.patch);

    let mut skipped = read("33-host-network").unwrap();
    assert!(ask(&skipped, &settings("")).reply.notice.is_some());
    skipped["request"]["dryRun"] = json!(true);
    assert!(ask(&skipped, &settings("")).reply.notice.is_none());
}

#[test]
fn remarks_are_for_those_whom_they_concern() {
    let Some(review) = read("18-share-process-namespace") else { return };
    assert!(warns(&settle(&review, &settings("")), "shares its process namespace"));
    let job = read("05-job").unwrap();
    assert!(settle(&job, &settings("")).warnings.is_empty());
    assert!(warns(&settle(&job, &settings(", native: false")), "the Job does not complete"));
    let port = settle(&read("37-port-in-use").unwrap(), &settings(""));
    assert!(warns(&port, "container app listens on port 6180"), "{:?}", port.warnings);
    let status = &port.after["metadata"]["annotations"]["sidestep.dev/status"];
    assert!(status.as_str().unwrap().starts_with("skipped: container app listens"), "{status}");
}

#[test]
fn without_native_sidecars_the_same_decisions_hold() {
    let Some(_) = folder() else { return };
    let plain = settings(", native: false");
    for (case, expected) in EXPECTED {
        let applied = settle(&read(case).unwrap(), &plain);
        let (did, _) = applied.outcome.labels();
        if expected == "inject" {
            assert_eq!(did, "inject", "{case}");
            let sidecar = applied.sidecar().unwrap();
            assert!(sidecar.get("restartPolicy").is_none(), "{case}");
            let before = &applied.before["spec"]["initContainers"];
            assert_eq!(
                applied.after["spec"]["initContainers"], *before,
                "{case}: they run before the sidecar"
            );
        }
    }
}
