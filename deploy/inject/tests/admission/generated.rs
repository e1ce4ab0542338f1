//! Pods of all kinds: whatever they are, the patch applies, a second one is empty, and nothing foreign changes.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

use proptest::collection::{hash_map, vec};
use proptest::option::{of, weighted};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sidestep_inject::{OptIn, Outcome, Presence};

use crate::applied::{Applied, ask, ask_as, variable};
use crate::settings;
use crate::settled::settle;

/// Drops what is absent, as the API server does, and keeps what is `null`, as it does not.
fn object(pairs: Vec<(&str, Option<Value>)>) -> Value {
    let there = pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[a-z][a-z0-9-]{0,12}", 1 => "\\PC{1,8}", 1 => Just("sidestep-config".to_owned())]
}

fn variable_name() -> impl Strategy<Value = String> {
    let ours = prop::sample::select(vec![
        "OPENAI_BASE_URL",
        "OPENAI_API_BASE",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_API_URL",
        "OPENAI_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "XAI_API_BASE",
    ]);
    prop_oneof![1 => ours.prop_map(str::to_owned), 3 => "[A-Z_]{1,8}", 1 => "\\PC{1,8}"]
}

fn environment() -> impl Strategy<Value = Option<Value>> {
    let from = json!({ "configMapKeyRef": { "name": "a", "key": "b", "optional": true } });
    let value = prop_oneof![
        3 => "\\PC{0,12}".prop_map(|text| ("value", Some(json!(text)))),
        1 => Just(("value", None)),
        1 => Just(("valueFrom", Some(from))),
        1 => Just(("value", Some(json!("http://127.0.0.1:6180/v1")))),
    ];
    let one =
        (variable_name(), value).prop_map(|(name, value)| object(vec![("name", Some(json!(name))), value]));
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Value::Null)),
        4 => vec(one, 0..6).prop_map(|all| Some(Value::Array(all))),
    ]
}

fn amounts() -> impl Strategy<Value = Value> {
    let amount = prop::sample::select(vec!["100m", "1", "512Mi", "0.5", "1e3", "2Gi", "odd"]);
    let one = || of((of(amount.clone()), of(amount.clone())));
    let figures = |pair: Option<(Option<&str>, Option<&str>)>| {
        pair.map(|(cpu, memory)| {
            object(vec![("cpu", cpu.map(Value::from)), ("memory", memory.map(Value::from))])
        })
    };
    (one(), one()).prop_map(move |(requests, limits)| {
        object(vec![("requests", figures(requests)), ("limits", figures(limits))])
    })
}

fn container() -> impl Strategy<Value = Value> {
    let port = prop_oneof![20 => 1_u16.., 1 => Just(6180_u16)];
    let ports = vec(port, 0..3).prop_map(|all| {
        all.into_iter().map(|port| json!({ "containerPort": port, "protocol": "TCP" })).collect::<Value>()
    });
    let elsewhere = json!([{ "configMapRef": { "name": "elsewhere" } }]);
    (
        name(),
        environment(),
        of(amounts()),
        of(ports),
        weighted(0.2, Just(elsewhere)),
        weighted(0.3, Just(json!("Always"))),
    )
        .prop_map(|(name, env, resources, ports, env_from, policy)| {
            object(vec![
                ("name", Some(json!(name))),
                ("env", env),
                ("resources", resources),
                ("ports", ports),
                ("envFrom", env_from),
                ("restartPolicy", policy),
            ])
        })
}

fn annotations() -> impl Strategy<Value = Option<Value>> {
    let key = prop::sample::select(vec![
        "sidestep.dev/config",
        "sidestep.dev/cpu-request",
        "sidestep.dev/memory-limit",
        "sidestep.dev/log-level",
        "sidestep.dev/env",
        "sidestep.dev/status",
        "sidestep.dev/odd",
        "a/b~c",
        "kubernetes.io/description",
    ]);
    let value = prop_oneof![
        Just("debug".to_owned()),
        Just("1".to_owned()),
        Just("A=b\nC=d".to_owned()),
        Just("injected".to_owned()),
        "\\PC{0,300}",
    ];
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Value::Null)),
        3 => hash_map(key, value, 0..3).prop_map(|all| Some(json!(all))),
    ]
}

fn pod() -> impl Strategy<Value = Value> {
    let containers = prop_oneof![24 => vec(container(), 1..5), 1 => vec(container(), 60..61)];
    let before = prop_oneof![2 => Just(None), 1 => Just(Some(Value::Null)), 3 => vec(container(), 0..4).prop_map(|all| Some(json!(all)))];
    let volume = name().prop_map(|name| json!({ "name": name, "emptyDir": {} }));
    let volumes = prop_oneof![1 => Just(None), 1 => Just(Some(Value::Null)), 3 => vec(volume, 0..4).prop_map(|all| Some(json!(all)))];
    let labels = prop::sample::select(vec!["enabled", "enabled", "enabled", "enabled", "disabled", "true"]);
    let flags = (weighted(0.05, Just(json!(true))), weighted(0.2, Just(json!(true))));
    let spec = (containers, before, volumes, flags, weighted(0.3, amounts()));
    (spec, annotations(), labels).prop_map(
        |((containers, before, volumes, (host, share), resources), annotations, label)| {
            let metadata = object(vec![
                ("generateName", Some(json!("made-"))),
                ("labels", Some(json!({ "sidestep.dev/inject": label }))),
                ("annotations", annotations),
            ]);
            let spec = object(vec![
                ("containers", Some(json!(containers))),
                ("initContainers", before),
                ("volumes", volumes),
                ("hostNetwork", host),
                ("shareProcessNamespace", share),
                ("resources", resources),
            ]);
            json!({ "kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec })
        },
    )
}

/// The review of a pod.
pub(crate) fn review(pod: &Value) -> Value {
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "one",
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "namespace": "shop",
            "operation": "CREATE",
            "object": pod,
        },
    })
}

/// Leaves the pod, before and after, where `SIDESTEP_INJECTED` says, for a schema validator.
fn keep(applied: &Applied, way: &str) {
    let Some(folder) = std::env::var_os("SIDESTEP_INJECTED").map(PathBuf::from) else { return };
    let mut hasher = DefaultHasher::new();
    applied.before.to_string().hash(&mut hasher);
    let name = format!("generated-{:016x}.json", hasher.finish());
    for (way, pod) in [("original", &applied.before), (way, &applied.after)] {
        let folder = folder.join(way);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(&name), pod.to_string()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_pod_the_patch_applies_and_a_second_is_empty(pod in pod(), native in any::<bool>()) {
        let settings = settings(&format!(", native: {native}"));
        keep(&settle(&review(&pod), &settings), if native { "native" } else { "plain" });
    }

    #[test]
    fn a_container_that_another_webhook_adds_is_provided_for(pod in pod(), late in container()) {
        let first = settle(&review(&pod), &settings(""));
        prop_assume!(first.outcome == Outcome::Inject);
        let mut next = first.next(&review(&pod));
        let containers = next["request"]["object"]["spec"]["containers"].as_array_mut().unwrap();
        containers.push(late.clone());
        let second = settle(&next, &settings(""));
        prop_assert!(matches!(second.outcome, Outcome::Complete | Outcome::Unchanged));
        prop_assert_eq!(second.after["metadata"].clone(), first.after["metadata"].clone());
        let added = second.after["spec"]["containers"].as_array().unwrap().last().unwrap();
        // One that names the sidecar itself is taken to be provided for.
        let provided = late.to_string().contains("//127.0.0.1:6180");
        let chosen = variable(&late, "OPENAI_API_BASE").is_some();
        prop_assert!(variable(added, "OPENAI_BASE_URL").is_some() || chosen || provided);
    }

    #[test]
    fn a_missing_configuration_is_told_and_never_mounted(pod in pod()) {
        let review = review(&pod);
        let with = ask(&review, &settings(""));
        let without = ask_as(&review, &settings(""), OptIn::Pod, Presence::Missing);
        without.assert_nothing_foreign_changed();
        if with.outcome == Outcome::Inject {
            prop_assert_eq!(without.outcome.labels(), ("skip", "no_config"));
            prop_assert!(without.reply.notice.is_some());
        } else {
            prop_assert_eq!(&without.outcome, &with.outcome);
        }
    }
}
