//! Foreign YAML as a tree: any shape, bounded, with merge keys resolved.

use std::{collections::HashSet, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use super::ImportError;
use crate::config::Position;

/// Most values in one file; aliases count each time that they are used. More is no configuration but an attack.
const MOST_VALUES: usize = 200_000;
/// Deepest nesting.
const DEEPEST: usize = 32;
/// Stands before our own messages within those of the YAML crate.
const OURS: char = '\u{1}';

/// A value of foreign YAML.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    /// In the order of the file.
    Map(Vec<(String, Self)>),
}

/// Reads one value, at a depth, from a purse of values.
struct Grow<'a> {
    depth: usize,
    left: &'a mut usize,
}

/// Reads a key; fails at the second of two equal ones.
struct Key<'a>(&'a mut HashSet<String>);

// === impl Node ===

impl Node {
    /// Reads `text`, which came from `origin`.
    ///
    /// # Errors
    /// With line and column, and without any value of the text.
    pub(super) fn read(text: &str, origin: &str) -> Result<Self, ImportError> {
        let mut left = MOST_VALUES;
        let grow = Grow { depth: 0, left: &mut left };
        grow.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| {
            let at = Position::of(&error);
            ImportError::Unfit {
                origin: origin.to_owned(),
                line: at.map_or(0, |at| at.line),
                column: at.map_or(0, |at| at.column),
                message: explain(&error),
            }
        })
    }

    /// The value called `name`, if this is a mapping that has it and it is not null.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let found = self.entries().iter().find(|(key, _)| key == name).map(|(_, value)| value);
        found.filter(|value| **value != Self::Null)
    }

    /// The entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entries of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a text, without blanks around it; `None` for an empty one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// A number, also one that is written as a text.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// True or false, also as YAML 1.1 writes them, which LiteLLM's parser takes.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            Self::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// What kind of value it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// The error in words, without what was read.
fn explain(error: &serde_yaml::Error) -> String {
    let told = error.to_string();
    let told = match error.location() {
        Some(at) => told.replacen(&format!(" at line {} column {}", at.line(), at.column()), "", 1),
        None => told,
    };
    if let Some((_, ours)) = told.split_once(OURS) {
        return ours.to_owned();
    }
    // What follows these words may be a value of the file.
    match ["invalid type", "invalid value", "unknown variant"].iter().any(|start| told.contains(start)) {
        true => "is not plain YAML: only texts, numbers, lists and mappings are".to_owned(),
        false => told,
    }
}

/// Puts what `<<` refers to into the mapping, below what the mapping itself says.
fn merge(entries: &mut Vec<(String, Node)>) -> Result<(), &'static str> {
    let Some(at) = entries.iter().position(|(key, _)| key == "<<") else { return Ok(()) };
    let (_, merged) = entries.remove(at);
    let sources = match merged {
        Node::List(sources) => sources,
        one => vec![one],
    };
    for source in sources {
        let Node::Map(source) = source else { return Err("`<<` takes a mapping, or a list of them") };
        for (key, value) in source {
            if !entries.iter().any(|(own, _)| *own == key) {
                entries.push((key, value));
            }
        }
    }
    Ok(())
}

// === impl Grow ===

impl<'de> DeserializeSeed<'de> for Grow<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        if self.depth > DEEPEST {
            return Err(D::Error::custom(format!("{OURS}is nested deeper than {DEEPEST} levels")));
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Err(D::Error::custom(format!("{OURS}holds more than {MOST_VALUES} values")));
        };
        *self.left = left;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Grow<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("plain YAML")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        while let Some(key) = map.next_key_seed(Key(&mut seen))? {
            let value = map.next_value_seed(Grow { depth: self.depth + 1, left: &mut *self.left })?;
            entries.push((key, value));
        }
        merge(&mut entries).map_err(|why| A::Error::custom(format!("{OURS}{why}")))?;
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) =
            list.next_element_seed(Grow { depth: self.depth + 1, left: &mut *self.left })?
        {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Node, E> {
        Ok(Node::Bool(truth))
    }

    // Beyond 2^53 digits are lost; nothing in such a file counts so far.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "as for negative ones")]
    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
}

// === impl Key ===

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if self.0.insert(key.to_owned()) {
            return Ok(key.to_owned());
        }
        Err(E::custom(format!("{OURS}a key is given twice in one mapping")))
    }
}
