//! What pods ask for by annotations and labels, and what becomes of what they get wrong.

use serde_json::{Value, json};
use sidestep_inject::{ConfigRef, OptIn, Outcome, Presence, Review, Settings};

use crate::applied::{Applied, ask, ask_as, variable};
use crate::generated::review;
use crate::settings;
use crate::settled::settle;

fn annotated(annotations: &Value) -> Value {
    review(&json!({
        "metadata": { "name": "a", "labels": { "sidestep.dev/inject": "enabled" }, "annotations": annotations },
        "spec": { "containers": [{ "name": "app" }], "terminationGracePeriodSeconds": 60 },
    }))
}

fn labelled(label: Option<&str>) -> Value {
    let mut review = annotated(&json!({}));
    review["request"]["object"]["metadata"]["labels"] =
        label.map_or(json!({}), |label| json!({ "sidestep.dev/inject": label }));
    review
}

fn volume<'a>(applied: &'a Applied, name: &str) -> &'a Value {
    let volumes = applied.after["spec"]["volumes"].as_array().unwrap();
    volumes.iter().find(|volume| volume["name"] == name).unwrap_or(&Value::Null)
}

#[test]
fn annotations_go_before_the_settings() {
    let applied = settle(
        &annotated(&json!({
            "sidestep.dev/config": "checkout",
            "sidestep.dev/keys-secret": "checkout-keys",
            "sidestep.dev/image": "registry.example/sidestep@sha256:00",
            "sidestep.dev/log-level": "info,sidestep::judge=debug",
            "sidestep.dev/cpu-request": "2",
            "sidestep.dev/memory-limit": "32Mi",
            "sidestep.dev/env": "\nHTTPS_PROXY=http://proxy:3128\n REGION = a=b \n",
        })),
        &settings(""),
    );
    let sidecar = applied.sidecar().unwrap();
    assert_eq!(volume(&applied, "sidestep-config")["configMap"]["name"], "checkout");
    assert_eq!(volume(&applied, "sidestep-keys")["secret"]["secretName"], "checkout-keys");
    assert_eq!(sidecar["image"], "registry.example/sidestep@sha256:00");
    let args = "run /etc/sidestep/sidestep.yaml --keys /var/run/secrets/sidestep --listen 127.0.0.1:6180 --admin-listen 0.0.0.0:6181 \
                --log-level info,sidestep::judge=debug";
    assert_eq!(sidecar["args"], args.split(' ').collect::<Value>());
    // The limit follows the request that was asked for, and the request the limit.
    assert_eq!(sidecar["resources"]["requests"], json!({ "cpu": "2", "memory": "32Mi" }));
    assert_eq!(sidecar["resources"]["limits"], json!({ "cpu": "2", "memory": "32Mi" }));
    assert_eq!(variable(sidecar, "HTTPS_PROXY"), Some(json!("http://proxy:3128")));
    assert_eq!(variable(sidecar, "REGION"), Some(json!("a=b")));
}

#[test]
fn an_annotation_that_cannot_be_read_is_named_and_the_pod_goes_on_without() {
    for (annotation, value) in [
        ("config", "Not A Name"),
        ("config", ""),
        ("keys-secret", "-"),
        ("image", "two words"),
        ("log-level", "loud"),
        ("log-level", "a b=info"),
        ("cpu-request", "lots"),
        ("cpu-limit", "-1"),
        ("memory-request", "64MB"),
        ("memory-limit", ""),
        ("env", "no value"),
        ("env", "1A=b"),
        ("env", "A=b\nA=c"),
        ("image", &"x".repeat(600)),
    ] {
        let key = format!("sidestep.dev/{annotation}");
        let applied = settle(&annotated(&json!({ key.as_str(): value })), &settings(""));
        assert_eq!(applied.outcome.labels(), ("skip", "bad_annotation"), "{key}: {value}");
        let [warning] = applied.warnings.as_slice() else { panic!("{:?}", applied.warnings) };
        assert!(warning.contains(&format!("annotation {key}: ")), "{warning}");
        let status = applied.after["metadata"]["annotations"]["sidestep.dev/status"].as_str().unwrap();
        assert!(status.starts_with(&format!("skipped: annotation {key}: ")), "{status}");
        let notice = applied.reply.notice.unwrap();
        assert!(notice.message.contains(&key), "{}", notice.message);
    }
    let both = json!({ "sidestep.dev/cpu-request": "2", "sidestep.dev/cpu-limit": "1" });
    assert_eq!(settle(&annotated(&both), &settings("")).outcome.labels().1, "bad_annotation");
}

#[test]
fn an_annotation_with_a_typo_is_told_and_changes_nothing() {
    let typo = settle(&annotated(&json!({ "sidestep.dev/cpu-requests": "2" })), &settings(""));
    assert_eq!(typo.outcome, Outcome::Inject);
    assert!(typo.warnings[0].contains("sidestep.dev/cpu-requests means nothing"), "{:?}", typo.warnings);
}

#[test]
fn who_opted_in_decides_with_the_pod_having_the_last_word() {
    for (label, opt_in, expected) in [
        (Some("enabled"), OptIn::Pod, ("inject", "")),
        (Some("enabled"), OptIn::Namespace, ("inject", "")),
        (None, OptIn::Namespace, ("inject", "")),
        (None, OptIn::Pod, ("skip", "not_opted_in")),
        (Some("disabled"), OptIn::Namespace, ("skip", "opted_out")),
        (Some("false"), OptIn::Namespace, ("skip", "unknown_label")),
        (Some("true"), OptIn::Pod, ("skip", "unknown_label")),
    ] {
        let applied = ask_as(&labelled(label), &settings(""), opt_in, Presence::Present);
        assert_eq!(applied.outcome.labels(), expected, "{label:?} {opt_in:?}");
    }
    for namespace in ["sidestep-system", "kube-system"] {
        let mut own = labelled(Some("enabled"));
        own["request"]["namespace"] = json!(namespace);
        assert_eq!(ask(&own, &settings("")).outcome.labels(), ("skip", "namespace"));
    }
    assert_eq!(OptIn::of_path("/mutate/pod"), Some(OptIn::Pod));
    assert_eq!(OptIn::of_path("/mutate/namespace"), Some(OptIn::Namespace));
    assert_eq!(OptIn::of_path("/mutate"), None);
}

fn wanted(review: &Value, settings: &Settings) -> Option<ConfigRef> {
    Review::parse(review.to_string().as_bytes()).unwrap().wanted_config(OptIn::Pod, settings)
}

#[test]
fn only_a_configuration_that_matters_is_looked_for() {
    let own = annotated(&json!({ "sidestep.dev/config": "checkout" }));
    let found = |name: &str| Some(ConfigRef { namespace: "shop".to_owned(), name: name.to_owned() });
    assert_eq!(wanted(&own, &settings("")), found("checkout"));
    assert_eq!(wanted(&annotated(&json!({})), &settings("")), found("sidestep"));
    assert_eq!(wanted(&labelled(None), &settings("")), None);

    let missing = ask_as(&own, &settings(""), OptIn::Pod, Presence::Missing);
    let warning = &missing.warnings[0];
    assert!(warning.contains("ConfigMap checkout does not exist in namespace shop"), "{warning}");
    let unknown = ask_as(&own, &settings(""), OptIn::Pod, Presence::Unknown);
    assert_eq!(unknown.outcome, Outcome::Inject, "the kubelet waits for it, and says so");
}

#[test]
fn without_a_configuration_the_keys_are_enough() {
    let text = |sidecar: &str| {
        format!("namespace: n\ncertificate: {{ mode: files, folder: /t }}\nsidecar: {{ image: i{sidecar} }}")
    };
    let keys = Settings::parse(&text(", keys_secret: keys")).unwrap();
    let review = annotated(&json!({}));
    assert_eq!(wanted(&review, &keys), None);
    let applied = settle(&review, &keys);
    let args = &applied.sidecar().unwrap()["args"];
    assert_eq!(args.as_array().unwrap()[..3], ["run", "--keys", "/var/run/secrets/sidestep"]);
    assert_eq!(
        volume(&applied, "sidestep-keys")["secret"]["optional"],
        false,
        "there is nothing to run with"
    );
    let nothing = Settings::parse(&text("")).unwrap();
    assert_eq!(settle(&review, &nothing).outcome.labels(), ("skip", "nothing_to_run_with"));
}

#[test]
fn an_ordinary_container_goes_on_serving_while_the_application_ends() {
    let applied = settle(&annotated(&json!({})), &settings(", native: false, admin_host: '::'"));
    let args = applied.sidecar().unwrap()["args"].as_array().unwrap();
    assert_eq!(args[args.len() - 2..], ["--drain-grace", "40s"]);
    assert!(args.contains(&json!("[::]:6181")));
}

#[test]
fn sixty_containers_are_all_told() {
    let mut review = annotated(&json!({}));
    let containers: Vec<Value> = (0..60).map(|number| json!({ "name": format!("app-{number}") })).collect();
    review["request"]["object"]["spec"]["containers"] = json!(containers);
    let applied = settle(&review, &settings(""));
    let told = applied.after["spec"]["containers"].as_array().unwrap();
    assert_eq!(told.iter().filter(|one| variable(one, "OPENAI_BASE_URL").is_some()).count(), 60);
    assert!(applied.reply.body.len() < 256 << 10, "{} bytes", applied.reply.body.len());
    assert!(applied.warnings.is_empty());
}

#[test]
fn windows_is_seen_by_its_nodes_too() {
    let windows = json!({ "key": "kubernetes.io/os", "operator": "In", "values": ["windows"] });
    let either = json!({ "key": "kubernetes.io/os", "operator": "In", "values": ["windows", "linux"] });
    for (expression, expected) in [(windows, "windows"), (either, "")] {
        let mut review = annotated(&json!({}));
        review["request"]["object"]["spec"]["affinity"] = json!({ "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [{ "matchExpressions": [expression] }] },
        } });
        assert_eq!(settle(&review, &settings("")).outcome.labels().1, expected);
    }
}

#[test]
fn an_event_is_about_the_owner_where_there_is_one() {
    let mut review = annotated(&json!({ "sidestep.dev/image": "two words" }));
    let pod = ask(&review, &settings("")).reply.notice.unwrap().subject;
    assert_eq!((pod.kind.as_str(), pod.name.as_str(), pod.uid.as_str()), ("Pod", "a", ""));
    review["request"]["object"]["metadata"]["ownerReferences"] = json!([
        { "apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1" },
        { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "checkout-1", "uid": "2", "controller": true },
    ]);
    let owner = ask(&review, &settings("")).reply.notice.unwrap().subject;
    assert_eq!(
        (owner.kind.as_str(), owner.name.as_str(), owner.uid.as_str()),
        ("ReplicaSet", "checkout-1", "2")
    );
    assert_eq!((owner.namespace.as_str(), owner.api_version.as_str()), ("shop", "apps/v1"));
}

#[test]
fn settings_that_would_make_pods_invalid_are_refused() {
    let parse = |sidecar: &str| {
        let text = format!("namespace: n\ncertificate: {{ mode: files, folder: /t }}\nsidecar: {sidecar}");
        Settings::parse(&text).unwrap_err().to_string()
    };
    let resources = |requests: &str| {
        format!("{{ image: i, resources: {{ requests: {requests}, limits: {{ cpu: 1, memory: 64Mi }} }} }}")
    };
    for (sidecar, why) in [
        ("{ image: '' }".to_owned(), "sidecar.image"),
        ("{ image: i, config: A_B }".to_owned(), "sidecar.config"),
        ("{ image: i, log_level: loud }".to_owned(), "sidecar.log_level"),
        ("{ image: i, pull_policy: Sometimes }".to_owned(), "Sometimes"),
        ("{ image: i, run_as_user: 0 }".to_owned(), "run_as_user"),
        ("{ image: i, typo: 0 }".to_owned(), "typo"),
        (resources("{ cpu: 2, memory: 1Mi }"), "more than its limit"),
        (resources("{ cpu: fast, memory: 1Mi }"), "no amount"),
    ] {
        let error = parse(&sidecar);
        assert!(error.contains(why), "{sidecar}: {error}");
    }
}
