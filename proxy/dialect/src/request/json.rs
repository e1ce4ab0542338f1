//! Reading fields that may take several forms, and writing JSON without a tree of numbers.

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Untranslatable;
use super::conversation::Raw;
use crate::scan::Scanner;

/// A string, or a list of parts.
pub(super) enum Content<P> {
    Text(String),
    Parts(Vec<P>),
}

impl<'de, P: DeserializeOwned> Deserialize<'de> for Content<P> {
    // By hand: a raw value does not survive serde's buffering of untagged enums.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let read = match raw.get().as_bytes().first() {
            Some(b'[') => serde_json::from_str(raw.get()).map(Self::Parts),
            _ => serde_json::from_str(raw.get()).map(Self::Text),
        };
        read.map_err(D::Error::custom)
    }
}

/// Reads a field, whose name is all that is told of a failure.
pub(super) fn field<T: DeserializeOwned>(
    name: &'static str,
    raw: Option<&Raw>,
) -> Result<Option<T>, Untranslatable> {
    let read = raw.map(|raw| serde_json::from_str(raw.get())).transpose();
    read.map_err(|_| Untranslatable::Malformed(name))
}

/// Raw JSON from text; `None` when the text is no JSON.
pub(super) fn raw(text: &str) -> Option<Raw> {
    RawValue::from_string(text.to_owned()).ok()
}

/// JSON without the blanks between its tokens.
pub(super) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in json.chars() {
        if in_string || !c.is_ascii_whitespace() {
            compact.push(c);
        }
        in_string = in_string != (c == '"' && !escaped);
        escaped = in_string && c == '\\' && !escaped;
    }
    compact
}

/// Whether the text is one JSON object, nested no deeper than any reader allows.
pub(super) fn is_object(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    let walked = scanner.entries(&mut |scanner, _| scanner.skip().map(drop));
    walked.is_ok_and(|object| object && scanner.end().is_ok())
}

/// JSON to be written.
pub(super) enum Node {
    Flag(bool),
    Count(u64),
    Text(String),
    Raw(Raw),
    List(Vec<Node>),
    Object(Vec<(&'static str, Node)>),
}

impl Node {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Strings as keys and no maps of other kinds: writing into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn object() -> Self {
        Self::Object(Vec::new())
    }

    /// The object with one more entry.
    pub(super) fn with(mut self, key: &'static str, value: impl Into<Self>) -> Self {
        if let Self::Object(entries) = &mut self {
            entries.push((key, value.into()));
        }
        self
    }

    /// The object with one more entry, if there is a value.
    pub(super) fn maybe(self, key: &'static str, value: Option<impl Into<Self>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// An object that says its type.
    pub(super) fn typed(kind: &'static str) -> Self {
        Self::object().with("type", kind)
    }

    /// Itself, unless it is an object or list without entries.
    pub(super) fn filled(self) -> Option<Self> {
        let empty = match &self {
            Self::Object(entries) => entries.is_empty(),
            Self::List(items) => items.is_empty(),
            _ => false,
        };
        (!empty).then_some(self)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Raw(raw) => raw.serialize(serializer),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

macro_rules! node_from {
    ($($kind:ty => $make:expr,)+) => {
        $(impl From<$kind> for Node {
            fn from(value: $kind) -> Self {
                $make(value)
            }
        })+
    };
}

node_from! {
    bool => Node::Flag,
    u64 => Node::Count,
    String => Node::Text,
    &str => |text: &str| Node::Text(text.to_owned()),
    Raw => Node::Raw,
    Vec<Node> => Node::List,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn compacting_keeps_the_value(text in "\\PC{0,20}", number in any::<i64>()) {
            let value = serde_json::json!({ "a b": [text, number, "x \\ \" y"], "c": {} });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), value.to_string());
        }
    }
}
