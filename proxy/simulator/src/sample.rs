//! Smallest JSON that a schema allows, filled with words of the prompt.

use serde_json::{Map, Value, json};

use crate::prompt::Riddle;

/// Deeper schemas (recursive ones) get null there.
const DEEPEST: usize = 16;

/// Where values are taken from.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Names that the prompt mentions, each used once.
    names: Vec<String>,
    riddle: Option<Riddle>,
    used: usize,
}

impl Source {
    pub(crate) fn new(asked: &str, riddle: Option<Riddle>) -> Self {
        let words = asked.split_whitespace().enumerate().filter(|(place, word)| {
            *place > 0 && word.chars().next().is_some_and(char::is_uppercase) && word.chars().count() > 2
        });
        let bare = words.map(|(_, word)| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned());
        Self { names: bare.filter(|word| !word.is_empty()).collect(), riddle, used: 0 }
    }

    fn text(&mut self, property: &str) -> String {
        if let Some(riddle) = &self.riddle {
            let wants_sum = ["sum", "total", "answer", "result"].iter().any(|name| property.contains(name));
            return if wants_sum { riddle.sum.to_string() } else { riddle.nonce.clone() };
        }
        let name = self.names.get(self.used).cloned();
        self.used += 1;
        name.unwrap_or_else(|| property.to_owned())
    }

    /// The smallest value that `schema` allows.
    pub(crate) fn value(&mut self, schema: &Value) -> Value {
        self.fill(schema, schema, "value", 0)
    }

    fn fill(&mut self, schema: &Value, root: &Value, property: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.strip_prefix('#').and_then(|path| root.pointer(path));
            return target.map_or(Value::Null, |target| self.fill(target, root, property, depth + 1));
        }
        if let Some(fixed) = schema.get("const").or_else(|| schema["enum"].get(0)) {
            return fixed.clone();
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let Some(first) = schema[key].get(0) {
                return self.fill(first, root, property, depth + 1);
            }
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match kind.unwrap_or(if schema.get("properties").is_some() { "object" } else { "string" }) {
            "object" => self.object(schema, root, depth),
            "array" => self.array(schema, root, property, depth),
            "integer" | "number" => self.number(schema),
            "boolean" => true.into(),
            "null" => Value::Null,
            _ => self.string(schema, property),
        }
    }

    fn object(&mut self, schema: &Value, root: &Value, depth: usize) -> Value {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut object = Map::new();
        for name in required {
            object.insert(name.to_owned(), self.fill(&schema["properties"][name], root, name, depth + 1));
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Value, root: &Value, property: &str, depth: usize) -> Value {
        let length = schema["minItems"].as_u64().unwrap_or(0).min(64);
        (0..length).map(|_| self.fill(&schema["items"], root, property, depth + 1)).collect()
    }

    fn number(&self, schema: &Value) -> Value {
        match (&self.riddle, schema["minimum"].as_f64()) {
            (Some(riddle), _) => riddle.sum.into(),
            (None, Some(minimum)) if minimum.fract() != 0.0 => minimum.into(),
            (None, Some(_)) => schema["minimum"].clone(),
            (None, None) => 1.into(),
        }
    }

    fn string(&mut self, schema: &Value, property: &str) -> Value {
        let fixed = match schema["format"].as_str() {
            Some("date-time") => Some("2026-01-02T03:04:05Z"),
            Some("date") => Some("2026-01-02"),
            Some("time") => Some("03:04:05Z"),
            Some("email") => Some("someone@example.com"),
            Some("uri") => Some("https://example.com/"),
            Some("uuid") => Some("00000000-0000-4000-8000-000000000000"),
            _ => None,
        };
        let mut text = fixed.map_or_else(|| self.text(property), str::to_owned);
        let shortest =
            schema["minLength"].as_u64().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        while text.chars().count() < shortest.min(4096) {
            text.push('x');
        }
        json!(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_properties_are_filled_by_type_and_from_the_prompt() {
        let schema = json!({"type": "object", "required": ["city", "to", "unit", "days", "who", "tags"],
            "$defs": {"who": {"type": ["string", "null"], "minLength": 5}},
            "properties": {"city": {"type": "string"}, "to": {"type": "string"}, "unit": {"enum": ["c", "f"]},
                "days": {"type": "integer", "minimum": 3}, "who": {"$ref": "#/$defs/who"},
                "tags": {"type": "array", "minItems": 2, "items": {"type": "boolean"}}, "other": {"type": "null"}}});
        let value = Source::new("Weather in Paris and Oslo?", None).value(&schema);
        let wanted = json!({"city": "Paris", "to": "Oslo", "unit": "c", "days": 3, "who": "whoxx", "tags": [true, true]});
        assert_eq!(value, wanted);
    }

    #[test]
    fn a_recursive_schema_ends() {
        let schema = json!({"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}});
        assert!(Source::default().value(&schema)["next"].is_object());
    }
}
