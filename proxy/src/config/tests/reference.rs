//! The README names every key that there is, and no other.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, de, forward_to_deserialize_any};
use serde_yaml::Value;
use sidestep_dialect::CapabilityOverrides;

use super::{parse, whole::FULL};
use crate::config::{
    environment::compose,
    preset::PRESETS,
    schema::{
        AccessSchema, AdminSchema, BudgetSchema, DrainSchema, FaultsSchema, FileSchema, HealthSchema,
        LimitsSchema, LogSchema, ModelSchema, NotifySchema, NotifyTargetSchema, PriceSchema, ProbesSchema,
        ProviderSchema, RetryBudgetSchema, RouteSchema, TelemetrySchema,
    },
    snippet::HARMLESS,
};

/// Holds the reference between two markers.
const README: &str = include_str!("../../../../README.md");

/// Keys whose values may be, or hold, a secret.
const SECRETIVE: [&str; 7] = ["api_key", "base_url", "endpoint", "headers", "resource", "token", "url"];

/// Asks a struct for the names of its fields and reads nothing.
#[derive(Default)]
struct Fields(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Fields {
    type Error = de::value::Error;

    fn deserialize_any<V: de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("no struct"))
    }

    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields<T: for<'de> Deserialize<'de>>(path: &str) -> Vec<String> {
    let mut fields = Fields::default();
    assert!(T::deserialize(&mut fields).is_err() && !fields.0.is_empty());
    fields.0.iter().map(|field| format!("{path}{field}")).collect()
}

/// Every key of the schema, with `<name>` for what anybody may choose. Those of a secret are told in the text.
fn schema() -> BTreeSet<String> {
    let targets = ["routes[].targets[].model", "routes[].targets[].weight"].map(str::to_owned).to_vec();
    [
        fields::<FileSchema>(""),
        fields::<AdminSchema>("admin."),
        fields::<LimitsSchema>("limits."),
        fields::<ProviderSchema>("providers.<name>."),
        fields::<ModelSchema>("models.<name>."),
        fields::<CapabilityOverrides>("models.<name>.capabilities."),
        fields::<PriceSchema>("models.<name>.price."),
        fields::<HealthSchema>("models.<name>.health."),
        fields::<RouteSchema>("routes[]."),
        targets,
        fields::<RetryBudgetSchema>("routes[].retry_budget."),
        fields::<RetryBudgetSchema>("routes[].hedge_budget."),
        fields::<HealthSchema>("health."),
        fields::<ProbesSchema>("probes."),
        fields::<BudgetSchema>("probes.budget."),
        fields::<FaultsSchema>("faults."),
        fields::<NotifySchema>("notify."),
        fields::<NotifyTargetSchema>("notify.targets.<name>."),
        fields::<DrainSchema>("drain."),
        fields::<LogSchema>("log."),
        fields::<AccessSchema>("log.access."),
        fields::<TelemetrySchema>("telemetry."),
    ]
    .concat()
    .into_iter()
    .collect()
}

/// All keys in `value`, written as in [`schema`].
fn written(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let leaf = SECRETIVE.iter().any(|key| path.ends_with(key));
    match value {
        Value::Mapping(mapping) if !leaf => {
            for (key, value) in mapping {
                let named = ["providers", "models", "notify.targets"].contains(&path);
                let key = if named { "<name>" } else { key.as_str().unwrap() };
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                written(value, &path, found);
                if !named {
                    found.insert(path);
                }
            }
        }
        Value::Sequence(list) => list.iter().for_each(|value| written(value, &format!("{path}[]"), found)),
        _ => {}
    }
}

fn section() -> &'static str {
    let (_, rest) = README.split_once("<!-- config:begin -->").unwrap();
    rest.split_once("<!-- config:end -->").unwrap().0
}

/// The rows of the tables: key, default or kind, meaning.
pub(super) fn rows() -> impl Iterator<Item = [String; 3]> {
    let rows = section().lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').splitn(3, '|').map(str::trim).collect();
        let [key, default, meaning] = cells[..] else { panic!("not three cells: {row}") };
        [key.trim_matches('`'), default, meaning].map(str::to_owned)
    })
}

#[test]
fn the_readme_names_each_key_once_and_says_something_of_it() {
    let documented: Vec<String> = rows().map(|[key, ..]| key).collect();
    let unique: BTreeSet<String> = documented.iter().cloned().collect();
    assert_eq!(unique.len(), documented.len(), "a key is documented twice");
    let schema = schema();
    let missing: Vec<_> = schema.difference(&unique).collect();
    let unknown: Vec<_> = unique.difference(&schema).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
    for [key, _, meaning] in rows() {
        assert!(meaning.len() > 10, "{key}: {meaning}");
    }
}

#[test]
fn the_whole_example_uses_all_keys() {
    let mut used = BTreeSet::new();
    written(&serde_yaml::from_str(FULL).unwrap(), "", &mut used);
    let schema = schema();
    assert_eq!(used.difference(&schema).collect::<Vec<_>>(), Vec::<&String>::new());
    let unused = schema.difference(&used).filter(|key| !key.contains("capabilities."));
    assert_eq!(unused.collect::<Vec<_>>(), ["probes.budget.tokens_per_day"]);
}

#[test]
fn whatever_may_be_shown_in_an_error_is_a_key_that_holds_no_secret() {
    let schema = schema();
    let keys = schema.iter().filter(|key| !key.contains("capabilities."));
    let mut last: BTreeSet<&str> = keys.map(|key| key.rsplit('.').next().unwrap()).collect();
    SECRETIVE.iter().for_each(|secretive| assert!(last.remove(secretive)));
    last.insert("env");
    assert_eq!(last, HARMLESS.iter().copied().collect());
}

/// The configurations in the reference.
pub(super) fn examples() -> Vec<&'static str> {
    section().split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_example_in_the_readme_is_accepted() {
    assert!(!examples().is_empty());
    for example in examples() {
        parse(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
    }
}

#[test]
fn the_readme_names_each_preset_with_its_address() {
    for preset in PRESETS {
        let row = section().lines().find(|line| line.starts_with(&format!("| {} |", preset.name)));
        let row = row.unwrap_or_else(|| panic!("{} is not in the table", preset.name));
        let used = compose(&[(preset.variable, "x")].into_iter().collect()).is_ok();
        assert!(row.contains(preset.base_url) && row.contains(preset.variable), "{row}");
        assert_eq!(row.ends_with("| yes |"), used, "{row}");
        for dialect in preset.dialects {
            assert!(row.contains(dialect.as_str()), "{row}");
        }
    }
}
