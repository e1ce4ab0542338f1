//! JSON schemas in the subset that Anthropic's structured output takes.
//!
//! It refuses numeric, length and count limits, patterns, `not` and `oneOf`, wants `additionalProperties:
//! false` on every object, and knows a few formats (the rules of the Vercel AI SDK's sanitiser). The order of
//! properties is kept, because models write their answers in it.

use crate::scan::{Scan, Scanner, unescape};

/// Keywords that are refused; without them the schema accepts more than was asked.
const REFUSED: [&str; 30] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "not",
    "patternProperties",
    "propertyNames",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentEncoding",
];

const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// A schema in the subset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanitized {
    /// The schema.
    pub schema: String,
    /// Whether it accepts more than the one that was given.
    pub loosened: bool,
    /// Whether it refuses what was the point of the one that was given: objects with any keys.
    pub narrowed: bool,
}

/// The nearest schema that Anthropic's structured output takes.
///
/// A text that is no JSON comes back as it is.
#[must_use]
pub fn sanitize(schema: &str) -> Sanitized {
    let mut writer = Writer { out: String::with_capacity(schema.len()), loosened: false, narrowed: false };
    match writer.schema(&mut Scanner::new(schema)) {
        Ok(()) => Sanitized { schema: writer.out, loosened: writer.loosened, narrowed: writer.narrowed },
        Err(_) => Sanitized { schema: schema.to_owned(), loosened: false, narrowed: false },
    }
}

struct Writer {
    out: String,
    loosened: bool,
    narrowed: bool,
}

/// What an object of the schema turned out to be.
#[derive(Default)]
struct Seen {
    entries: usize,
    object: bool,
    named: bool,
    closed: bool,
    mapped: bool,
    alternatives: bool,
}

impl Writer {
    fn schema(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        if scanner.first()? != b'{' {
            // `true`, or what is no schema.
            let raw = scanner.raw()?;
            self.out.push_str(raw);
            return Ok(());
        }
        let mut seen = Seen::default();
        self.out.push('{');
        scanner.entries(&mut |scanner, key| self.keyword(scanner, key, &mut seen))?;
        if seen.object {
            self.narrowed |= seen.mapped || !(seen.named || seen.closed);
            self.key("additionalProperties", &mut seen);
            self.out.push_str("false");
        }
        self.out.push('}');
        Ok(())
    }

    fn keyword(&mut self, scanner: &mut Scanner<'_>, raw_key: &str, seen: &mut Seen) -> Scan<()> {
        let key = unescape(raw_key);
        match &*key {
            "properties" | "$defs" | "definitions" => {
                seen.object |= key == "properties";
                seen.named |= key == "properties";
                self.key(raw_key, seen);
                self.named(scanner)
            }
            "oneOf" | "anyOf" if !seen.alternatives => {
                seen.alternatives = true;
                self.loosened |= key == "oneOf";
                self.key("anyOf", seen);
                self.list(scanner)
            }
            "allOf" => {
                self.key(raw_key, seen);
                self.list(scanner)
            }
            "items" => {
                self.key(raw_key, seen);
                self.schema(scanner)
            }
            _ => {
                let value = scanner.raw()?;
                if self.takes(&key, value, seen) {
                    self.key(raw_key, seen);
                    self.out.push_str(value);
                }
                Ok(())
            }
        }
    }

    /// Whether a keyword that holds no schemas may stay, noting what goes with it.
    fn takes(&mut self, key: &str, value: &str, seen: &mut Seen) -> bool {
        match key {
            "$schema" => return false,
            "additionalProperties" => {
                seen.object = true;
                seen.closed |= value == "false";
                seen.mapped |= value.starts_with('{') && value != "{}";
                return false;
            }
            "type" => seen.object |= value.contains("\"object\""),
            _ => {}
        }
        let unknown_format = key == "format" && !FORMATS.contains(&value.trim_matches('"'));
        let refused = unknown_format || REFUSED.contains(&key) || key == "oneOf" || key == "anyOf";
        self.loosened |= refused;
        !refused
    }

    fn named(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        let mut seen = Seen::default();
        self.out.push('{');
        scanner.entries(&mut |scanner, name| {
            self.key(name, &mut seen);
            self.schema(scanner)
        })?;
        self.out.push('}');
        Ok(())
    }

    fn list(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        let mut first = true;
        self.out.push('[');
        scanner.items(&mut |scanner| {
            if !std::mem::take(&mut first) {
                self.out.push(',');
            }
            self.schema(scanner)
        })?;
        self.out.push(']');
        Ok(())
    }

    fn key(&mut self, raw: &str, seen: &mut Seen) {
        if seen.entries > 0 {
            self.out.push(',');
        }
        seen.entries += 1;
        self.out.push('"');
        self.out.push_str(raw);
        self.out.push_str("\":");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn limits_go_and_order_stays() {
        let given = r#"{"$schema":"x","type":"object","properties":{"z":{"type":"integer","minimum":1,"enum":[12345678901234567890123]},
            "a":{"oneOf":[{"type":"string","format":"uuid"},{"type":"string","format":"phone","pattern":"^x"}]},
            "minimum":{"type":"array","items":{"type":"object","additionalProperties":true},"maxItems":3}},"required":["z"]}"#;
        let sanitized = sanitize(given);
        assert!(sanitized.loosened);
        assert_eq!(
            sanitized.schema,
            r#"{"type":"object","properties":{"z":{"type":"integer","enum":[12345678901234567890123]},"a":{"anyOf":[{"type":"string","format":"uuid"},{"type":"string"}]},"minimum":{"type":"array","items":{"type":"object","additionalProperties":false}}},"required":["z"],"additionalProperties":false}"#
        );
    }

    #[test]
    fn objects_with_any_keys_cannot_be_had() {
        for open in [r#"{"type":"object"}"#, r#"{"type":"object","additionalProperties":{"type":"string"}}"#]
        {
            assert!(sanitize(open).narrowed, "{open}");
        }
        assert!(!sanitize(r#"{"type":"object","additionalProperties":false}"#).narrowed);
        assert!(!sanitize(r#"{"type":"object","properties":{},"additionalProperties":true}"#).narrowed);
    }

    #[test]
    fn what_is_taken_already_is_not_loosened() {
        let strict = r#"{"type":"object","properties":{"pattern":{"type":"string"}},"required":["pattern"],"additionalProperties":false}"#;
        assert_eq!(
            sanitize(strict),
            Sanitized { schema: strict.to_owned(), loosened: false, narrowed: false }
        );
    }

    proptest! {
        #[test]
        fn the_result_is_json_and_settled(keys in prop::collection::vec("type|items|anyOf|oneOf|not|properties|format|[a-z\"]{1,4}", 0..6), leaf: bool) {
            let mut schema = json!({"type": "object"});
            for key in keys {
                schema = json!({ key: [schema.clone(), leaf], "properties": {"p": schema}, "oneOf": [schema] });
            }
            let once = sanitize(&schema.to_string()).schema;
            prop_assert!(serde_json::from_str::<Value>(&once).is_ok());
            prop_assert_eq!(&sanitize(&once).schema, &once);
        }
    }
}
