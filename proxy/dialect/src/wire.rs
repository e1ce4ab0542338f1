//! JSON as vendors write it, read without more strictness than the meaning needs.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A string that is borrowed from the event where it has no escapes.
#[derive(serde::Deserialize)]
pub(crate) struct Borrowed<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Text where vendors put a string, a list of typed parts, or nothing that can be read.
#[derive(Default)]
pub(crate) struct Prose {
    /// What is said.
    pub(crate) text: String,
    /// What the parts of type `thinking` say.
    pub(crate) thinking: String,
}

#[derive(serde::Deserialize)]
struct Part {
    #[serde(default, rename = "type")]
    kind: Prose,
    #[serde(default)]
    text: Prose,
    #[serde(default)]
    thinking: Prose,
}

/// A tool call's arguments as a string: most vendors send one, some the object itself.
pub(crate) fn arguments(raw: Option<&RawValue>) -> String {
    raw.map_or_else(String::new, |raw| {
        serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
    })
}

impl<'de> Deserialize<'de> for Prose {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ProseVisitor)
    }
}

struct ProseVisitor;

impl<'de> Visitor<'de> for ProseVisitor {
    type Value = Prose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of parts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Prose, E> {
        Ok(Prose { text: text.to_owned(), thinking: String::new() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Prose, A::Error> {
        let mut prose = Prose::default();
        while let Some(part) = parts.next_element::<Part>()? {
            match part.kind.text.as_str() {
                "thinking" => prose.thinking.push_str(&part.thinking.text),
                _ => prose.text.push_str(&part.text.text),
            }
        }
        Ok(prose)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Prose, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Prose::default())
    }

    fn visit_unit<E>(self) -> Result<Prose, E> {
        Ok(Prose::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Prose, E> {
        Ok(Prose::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Prose, E> {
        Ok(Prose::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Prose, E> {
        Ok(Prose::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Prose, E> {
        Ok(Prose::default())
    }
}
