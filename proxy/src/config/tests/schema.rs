//! The JSON schema that editors and the chart use: made here from the types that read a configuration and from the
//! README's tables, and committed. After a change of either:
//! `SIDESTEP_WRITE_SCHEMA=1 cargo test -p sidestep --lib config::tests::schema && python3 tests/chart/schema.py`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::{EXAMPLE, parse, reference::rows};
use crate::config::{SCHEMA, schema::FileSchema};

/// What the README says of a key.
struct Told {
    meaning: String,
    default: Option<Value>,
}

/// The README's tables, by key.
fn told() -> BTreeMap<String, Told> {
    rows().map(|[key, default, meaning]| (key, Told { meaning, default: literal(&default) })).collect()
}

/// The value in backticks that `cell` is; nothing if it is prose.
fn literal(cell: &str) -> Option<Value> {
    let text = cell.strip_prefix('`')?.strip_suffix('`')?;
    serde_yaml::from_str(text).ok()
}

/// The schema of the types, with the README's words.
fn generated() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<FileSchema>();
    let mut schema = schema.to_value();
    let mut told = told();
    describe(&mut schema, "", &mut told);
    let unsaid: Vec<&String> = told.keys().collect();
    assert!(unsaid.is_empty(), "the README has keys that no type has: {unsaid:?}");
    let root = schema.as_object_mut().unwrap();
    root.insert("title".into(), "Configuration of Sidestep".into());
    root.insert("description".into(), "What `sidestep run FILE` and `sidestep check FILE` read.".into());
    schema
}

/// Gives `schema`, found at `path`, and all below it the README's words in place of the program's own.
fn describe(schema: &mut Value, path: &str, told: &mut BTreeMap<String, Told>) {
    let Some(schema) = schema.as_object_mut() else { return };
    // Rust's names of number types mean nothing elsewhere.
    schema.remove("format");
    for (key, form) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        describe(form, &path, told);
        // The places of a secret are told where they are made.
        if let Some(told) = told.remove(&path) {
            word(form.as_object_mut().unwrap(), told);
        }
        assert!(form["description"].is_string(), "{path} is not in the README");
    }
    for (keyword, path) in
        [("additionalProperties", format!("{path}.<name>")), ("items", format!("{path}[]"))]
    {
        if let Some(form @ Value::Object(_)) = schema.get_mut(keyword) {
            describe(form, &path, told);
            form.as_object_mut().unwrap().remove("description");
        }
    }
    if let Some(forms) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        forms.iter_mut().for_each(|form| describe(form, path, told));
        *forms = forms.drain(..).flat_map(flat).collect();
    }
}

/// The alternatives that `form` consists of, or itself.
fn flat(mut form: Value) -> Vec<Value> {
    match form.get_mut("anyOf").map(Value::take) {
        Some(Value::Array(forms)) => forms,
        _ => vec![form],
    }
}

fn word(schema: &mut Map<String, Value>, told: Told) {
    schema.insert("description".into(), told.meaning.into());
    if let Some(default) = told.default {
        schema.insert("default".into(), default);
    }
}

fn write(path: &str, schema: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::write(path, serde_json::to_string_pretty(schema).unwrap() + "\n").unwrap();
}

#[test]
fn the_committed_schema_is_the_one_of_the_types_and_the_readme() {
    let generated = generated();
    if std::env::var_os("SIDESTEP_WRITE_SCHEMA").is_some() {
        return write("src/config/sidestep.schema.json", &generated);
    }
    let committed: Value = serde_json::from_str(SCHEMA).unwrap();
    assert!(
        committed == generated,
        "the schema has changed; write it anew: SIDESTEP_WRITE_SCHEMA=1 cargo test -p sidestep --lib config::tests::schema && python3 tests/chart/schema.py"
    );
}

#[test]
fn the_defaults_in_the_readme_are_those_that_are_put_in() {
    let printed = EXAMPLE.replace("[opus, gpt, own]", "[{ model: opus, weight: 1 }, gpt, own]");
    let printed = format!("{printed}\nlog: {{ access: {{}} }}\ntelemetry: {{ endpoint: \"http://otel\" }}\n");
    let filled: Value = serde_yaml::from_str(&parse(&printed).unwrap().to_yaml()).unwrap();
    let mut compared = 0;
    for (key, told) in told() {
        let Some(default) = told.default else { continue };
        // What holds for all models is shown at each.
        let place = if key.starts_with("health.") { format!("models.<name>.{key}") } else { key.clone() };
        let place = place.replace("providers.<name>", "providers.inhouse").replace("<name>", "opus");
        let pointer = format!("/{}", place.replace("[]", ".0").replace('.', "/"));
        let found = filled.pointer(&pointer).unwrap_or_else(|| panic!("{key} is not in {filled:#}"));
        let same = found == &default || found.as_f64().is_some_and(|number| Some(number) == default.as_f64());
        assert!(same, "{key}: the README says {default}, Sidestep puts in {found}");
        compared += 1;
    }
    assert!(compared >= 30, "only {compared} defaults were found");
}
