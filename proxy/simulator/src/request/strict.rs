//! The subset of JSON schema that structured output is limited to.

use serde_json::Value;

/// Keywords that Anthropic's structured output refuses.
const UNSUPPORTED: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "not",
    "oneOf",
];

/// The first keyword that Anthropic refuses, if there is one.
pub(crate) fn refused_keyword(schema: &Value) -> Option<String> {
    find(schema, &|object| {
        if let Some(key) = UNSUPPORTED.iter().find(|key| object.get(**key).is_some()) {
            return Some((*key).to_owned());
        }
        open(object).then(|| "additionalProperties".to_owned())
    })
}

/// Why OpenAI's strict mode refuses a schema, if it does.
pub(crate) fn not_strict(schema: &Value) -> Option<&'static str> {
    find(schema, &|object| {
        if open(object) {
            return Some("'additionalProperties' is required to be supplied and to be false");
        }
        let properties = object.get("properties")?.as_object()?;
        let required = object.get("required").and_then(Value::as_array);
        let all =
            properties.keys().all(|key| required.is_some_and(|names| names.iter().any(|name| name == key)));
        (!all).then_some(
            "'required' is required to be supplied and to be an array including every key in properties",
        )
    })
}

fn open(object: &Value) -> bool {
    object["type"] == "object" && object["additionalProperties"] != false
}

/// Looks through a schema and those inside it, not at property names or constants.
fn find<T>(schema: &Value, wrong: &dyn Fn(&Value) -> Option<T>) -> Option<T> {
    if !schema.is_object() {
        return None;
    }
    if let Some(found) = wrong(schema) {
        return Some(found);
    }
    let named = ["properties", "$defs", "definitions"].iter().filter_map(|key| schema[*key].as_object());
    let listed = ["anyOf", "allOf"].iter().filter_map(|key| schema[*key].as_array());
    let mut inner = named.flat_map(|map| map.values()).chain(listed.flatten()).chain(schema.get("items"));
    inner.find_map(|schema| find(schema, wrong))
}
