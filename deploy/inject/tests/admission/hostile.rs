//! What no API server sends. Nothing panics, and every answer is one.

use proptest::prelude::*;
use serde_json::{Value, json};
use sidestep_inject::{MAX_BODY_BYTES, OptIn, Outcome, Presence, Refusal, Review};

use crate::applied::ask;
use crate::generated::review;
use crate::settings;

fn bare() -> Value {
    review(&json!({
        "metadata": { "name": "bare", "labels": { "sidestep.dev/inject": "enabled" } },
        "spec": { "containers": [{ "name": "app" }] },
    }))
}

fn refused(body: &[u8]) -> Refusal {
    Review::parse(body).unwrap_err()
}

#[test]
fn what_is_no_review_is_refused_with_the_reason() {
    for (body, why) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("null", "invalid type"),
        ("[]", "invalid length"),
        ("\u{0}\u{1}", "expected value"),
        ("{}", "kind is not AdmissionReview"),
        (r#"{"kind":"Pod","apiVersion":"v1"}"#, "kind is not AdmissionReview"),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"1"}}"#,
            "apiVersion",
        ),
        (r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#, "no request"),
        (r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}"#, "no uid"),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":7}}"#,
            "invalid type",
        ),
    ] {
        let refusal = refused(body.as_bytes());
        assert_eq!(refusal.status(), 400, "{body}");
        assert!(refusal.to_string().contains(why), "{body}: {refusal}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(refused(deep.as_bytes()).status(), 400);
    assert_eq!(refused(&vec![b' '; MAX_BODY_BYTES + 1]).status(), 413);
}

#[test]
fn what_is_none_of_ours_is_let_by_without_a_word() {
    for (pointer, value) in [
        ("/request/operation", json!("UPDATE")),
        ("/request/operation", json!("DELETE")),
        ("/request/operation", Value::Null),
        ("/request/resource/resource", json!("deployments")),
        ("/request/resource/group", json!("apps")),
        ("/request/resource", Value::Null),
    ] {
        let mut review = bare();
        *review.pointer_mut(pointer).unwrap() = value;
        let applied = ask(&review, &settings(""));
        assert_eq!(applied.outcome, Outcome::NotOurs, "{pointer}");
        assert!(applied.patch.is_none() && applied.warnings.is_empty(), "{pointer}");
    }
    let mut review = bare();
    review["request"]["subResource"] = json!("ephemeralcontainers");
    assert_eq!(ask(&review, &settings("")).outcome, Outcome::NotOurs);
}

#[test]
fn a_pod_that_cannot_be_read_is_let_by_with_a_warning() {
    for (pointer, value) in [
        ("/request/object", Value::Null),
        ("/request/object", json!("a pod")),
        ("/request/object/spec", json!([])),
        ("/request/object/spec/containers", json!([])),
        ("/request/object/spec/containers", json!({})),
        ("/request/object/spec/containers/0", json!(7)),
        ("/request/object/metadata/labels", json!({ "sidestep.dev/inject": 1 })),
    ] {
        let mut review = bare();
        *review.pointer_mut(pointer).unwrap() = value;
        let applied = ask(&review, &settings(""));
        assert_eq!(applied.outcome.labels(), ("skip", "malformed"), "{pointer}");
        assert!(applied.patch.is_none() && applied.warnings.len() == 1, "{pointer}");
    }
}

fn pointers(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| {
            pointers(inner, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), into);
        }),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(index, inner)| pointers(inner, &format!("{at}/{index}"), into));
        }
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!("sidestep")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("name|env|value|ports|[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_in_any_place_makes_a_patch_that_does_not_apply(place in any::<prop::sample::Index>(), value in anything()) {
        let mut review = review(&json!({
            "metadata": { "name": "a", "labels": { "sidestep.dev/inject": "enabled" }, "annotations": { "sidestep.dev/env": "A=b" } },
            "spec": {
                "containers": [{ "name": "app", "env": [{ "name": "A", "value": "b" }], "ports": [{ "containerPort": 1 }] }],
                "initContainers": [{ "name": "before", "restartPolicy": "Always", "resources": { "limits": { "cpu": "1" } } }],
                "volumes": [{ "name": "one" }],
                "resources": { "requests": { "cpu": "1", "memory": 5 } },
                "nodeSelector": { "a": "b" },
                "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [{ "matchExpressions": [] }] } } },
            },
        }));
        let mut all = Vec::new();
        pointers(&review, "", &mut all);
        *review.pointer_mut(place.get(&all).as_str()).unwrap() = value;
        if let Ok(parsed) = Review::parse(review.to_string().as_bytes()) {
            parsed.wanted_config(OptIn::Namespace, &settings(""));
            let applied = ask(&review, &settings(""));
            // `ask` has applied it.
            prop_assert!(applied.patch.is_none() || applied.outcome != Outcome::NotOurs);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(review) = Review::parse(&bytes) {
            review.answer(OptIn::Pod, &settings(""), Presence::Unknown);
        }
    }
}
