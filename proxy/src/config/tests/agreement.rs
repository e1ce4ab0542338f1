//! The schema accepts and refuses as the program does, as far as a schema can.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::{EXAMPLE, bad::cases, parse, reference::examples, whole::FULL};
use crate::config::{SCHEMA, environment::compose, schema::FileSchema};

/// What a value becomes.
#[derive(Clone, Debug)]
enum Change {
    Replace(Value),
    Remove,
    Mistype(char),
    Add(&'static str, Value),
}

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft7::new(&serde_json::from_str(SCHEMA).unwrap()).unwrap());

fn values() -> impl Strategy<Value = Value> {
    let quantities =
        ["30s", "1m30s", "31d", "5", "-1s", "64KiB", "1.5MiB", "127.0.0.1:80", "localhost:80", ""];
    let words = ["openai", "opus", "claude-*", "json", "http2", "skip", "${HOST}", "low", "effort"];
    let texts: Vec<Value> = quantities.into_iter().chain(words).map(Value::from).collect();
    let others = [
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(11),
        json!(101),
        json!(0.5),
        json!(1_000_001),
        json!([]),
        json!(["openai"]),
        json!(["openai", "openai"]),
        json!({}),
        json!({ "env": "NAME" }),
        json!({ "env": "a-b" }),
        json!({ "model": "opus", "weight": 0 }),
        Value::Null,
    ];
    proptest::sample::select([texts, others.to_vec()].concat())
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        5 => values().prop_map(Change::Replace),
        1 => Just(Change::Remove),
        1 => proptest::char::range('a', 'z').prop_map(Change::Mistype),
        1 => (proptest::sample::select(vec!["health", "weight", "a b", "listen", "env"]), values())
            .prop_map(|(key, value)| Change::Add(key, value)),
    ]
}

/// JSON pointers to all that is in `value`.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found));
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, value)| pointers(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

fn changed(file: &Value, at: &str, change: &Change) -> Value {
    let mut file = file.clone();
    let (parent, key) = at.rsplit_once('/').unwrap_or_default();
    match (change, file.pointer_mut(at)) {
        (Change::Replace(value), Some(found)) => *found = value.clone(),
        // A key without a value counts as absent for the program alone.
        (Change::Add(key, value), Some(Value::Object(object))) if !value.is_null() => {
            object.insert((*key).to_owned(), value.clone());
        }
        (Change::Remove | Change::Mistype(_), Some(_)) if !at.is_empty() => {
            if let Some(Value::Object(object)) = file.pointer_mut(parent) {
                let value = object.remove(key).unwrap();
                if let Change::Mistype(letter) = change {
                    object.insert(format!("{key}{letter}"), value);
                }
            }
        }
        _ => {}
    }
    file
}

/// `file` with quotes around what is at `at` or in it: the program reads `true` as a text where it wants one.
fn quoted(file: &Value, at: &str) -> Value {
    let mut file = file.clone();
    let found = file.pointer_mut(at).into_iter();
    found
        .flat_map(|found| match found {
            Value::Object(object) => object.values_mut().collect(),
            other => vec![other],
        })
        .filter(|value| value.is_number() || value.is_boolean() || value.is_null())
        .for_each(|value| *value = value.to_string().into());
    file
}

/// Whether `text` has the form of a configuration, whatever its names and values mean.
fn has_form(text: &str) -> bool {
    serde_yaml::from_str::<FileSchema>(text).is_ok()
}

#[test]
fn it_accepts_every_good_configuration() {
    let keys = [("OPENAI_API_KEY", "x"), ("MISTRAL_API_KEY", "x")].into_iter().collect();
    let composed = compose(&keys).unwrap();
    let printed = parse(FULL).unwrap().to_yaml();
    let demo = include_str!("../../demo/demo.yaml");
    for text in examples().into_iter().chain([FULL, EXAMPLE, &composed, &printed, demo]) {
        let file: Value = serde_yaml::from_str(text).unwrap();
        let errors: Vec<String> = VALIDATOR.iter_errors(&file).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{text}");
    }
}

#[test]
fn it_refuses_what_has_not_the_form_of_a_configuration() {
    let (mut refused, mut all) = (0, 0);
    for (from, to, refusal) in cases() {
        let text = EXAMPLE.replacen(from, to, 1);
        let Ok(file) = serde_yaml::from_str::<Value>(&text) else { continue };
        // Of a key that stands twice, a mapping holds one.
        if refusal.contains("is already given") {
            continue;
        }
        let fine = VALIDATOR.is_valid(&file);
        assert!(!fine || has_form(&text), "{to:?} is accepted, but: {refusal}");
        all += 1;
        refused += usize::from(!fine);
    }
    assert!(refused * 2 > all, "only {refused} of {all} refusals are foreseen");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn it_agrees_with_the_program_on_whatever_is_changed(
        full in any::<bool>(), which in any::<Index>(), change in changes()
    ) {
        let file: Value = serde_yaml::from_str(if full { FULL } else { EXAMPLE }).unwrap();
        let mut all = Vec::new();
        pointers(&file, "", &mut all);
        let at = which.get(&all);
        let file = changed(&file, at, &change);
        let text = serde_yaml::to_string(&file).unwrap();
        let fine = VALIDATOR.is_valid(&file);
        let parsed = parse(&text).map(drop).map_err(|error| error.to_string());
        prop_assert!(fine || parsed.is_err() || VALIDATOR.is_valid(&quoted(&file, at)), "{at} {change:?} is refused by the schema alone\n{text}");
        // A schema cannot add up.
        let sum = parsed.as_ref().is_err_and(|refusal| refusal.contains("expected a duration up to 30d"));
        prop_assert!(!fine || sum || has_form(&text), "{at} {change:?} is accepted by the schema alone: {parsed:?}\n{text}");
    }
}
