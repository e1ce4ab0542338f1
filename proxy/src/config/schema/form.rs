//! The JSON schema of what is read in a way of its own. Only tests make the schema; what they make is committed.
//!
//! Where YAML would read a number or a truth value, a schema wants quotes around a text. The program takes it as it
//! stands, so that `model: 4.10` stays `4.10`; whoever reads it as a number on the way, as Helm does, would lose the zero.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Address, Named, OneOrMany, Period, SecretSchema, Size, TargetSchema, route::Weighted};
use crate::config::preset::PRESETS;

/// A type that is never referred to, only written out where it stands.
macro_rules! inline {
    ($($type:ty $(where $generic:ident)?: |$generator:pat_param| $schema:expr;)+) => {
        $(impl$(<$generic: JsonSchema>)? JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        })+
    };
}

inline! {
    Period: |_| json_schema!({
        "type": "string",
        "pattern": r"^([0-9]+[ \t]*(ms|s|m|h|d)[ \t]*)+$",
    });
    Size: |_| json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^[0-9]+[ \t]*(B|KiB|MiB|GiB)[ \t]*$" },
        ],
    });
    Address: |_| json_schema!({
        "type": "string",
        "pattern": r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+(%[0-9]+)?\]):[0-9]{1,5}$",
    });
    SecretSchema: |_| json_schema!({
        "anyOf": [
            { "type": "string", "description": "A text, in which `${NAME}` stands for an environment variable." },
            place("env", &json!({
                "description": "The environment variable that holds it.",
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
            })),
            place("file", &json!({
                "description": "The file that holds it; it is read again when it changes.",
                "type": "string",
            })),
        ],
    });
    TargetSchema: |generator| json_schema!({
        "anyOf": [{ "type": "string" }, Weighted::json_schema(generator)],
    });
    Named<T> where T: |generator| json_schema!({
        "type": "object",
        "additionalProperties": T::json_schema(generator),
    });
    OneOrMany<T> where T: |generator| {
        let one = T::json_schema(generator);
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1, "uniqueItems": true }] })
    };
}

fn place(key: &str, form: &Value) -> Value {
    json!({ "type": "object", "properties": { key: form }, "required": [key], "additionalProperties": false })
}

/// What a provider or a model may be called.
pub(super) fn name() -> Value {
    json!({ "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" })
}

/// What a header may be called.
pub(super) fn header() -> Value {
    json!({ "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })
}

/// The presets that there are, or none of them.
pub(super) fn presets() -> Value {
    PRESETS.iter().map(|preset| Value::from(preset.name)).chain([Value::Null]).collect()
}
