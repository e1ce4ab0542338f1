//! Where in the YAML something stands.
//!
//! The YAML crate tells line and column of an error only, not of a value that was read well. So the place of
//! a value is found by reading the text again with a visitor that fails on purpose when it gets there.

use std::{collections::HashSet, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A way down from the root, and whether it means the key or the value at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    steps: Vec<Step>,
    at_key: bool,
}

/// Line and column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A name that stands twice in one mapping.
#[derive(Debug)]
pub(super) struct Duplicate {
    pub(super) name: String,
    pub(super) position: Option<Position>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

/// Fails at the end of its steps.
#[derive(Clone, Copy)]
struct Seek<'a> {
    steps: &'a [Step],
    at_key: bool,
}

/// Reads a key; fails if it is the one sought.
struct SeekKey<'a>(Option<&'a str>);

/// Fails at the second of two equal keys.
struct Twins<'a>(&'a mut Option<String>);

/// Reads a key; fails if it was seen before.
struct TwinKey<'a> {
    seen: &'a mut HashSet<String>,
    twin: &'a mut Option<String>,
}

// === impl Place ===

impl Place {
    /// The value called `name` within this one.
    pub(crate) fn name(&self, name: &str) -> Self {
        let mut steps = self.steps.clone();
        steps.push(Step::Name(name.to_owned()));
        Self { steps, at_key: false }
    }

    /// The value at `index` within this list.
    pub(crate) fn index(&self, index: usize) -> Self {
        let mut steps = self.steps.clone();
        steps.push(Step::Index(index));
        Self { steps, at_key: false }
    }

    /// The key of this value rather than the value.
    pub(crate) fn key(&self) -> Self {
        Self { at_key: true, ..self.clone() }
    }

    /// Where it stands in `text`; where the nearest thing around it stands if it is not written.
    pub(crate) fn find(&self, text: &str) -> Option<Position> {
        let seek = |length: usize| Seek {
            steps: &self.steps[..length],
            at_key: length > 0 && (self.at_key || length < self.steps.len()),
        };
        (0..=self.steps.len()).rev().find_map(|length| {
            let error = seek(length).deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
            Position::of(&error)
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Name(name) if at == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

// === impl Position ===

impl Position {
    /// Where the YAML crate says that it failed.
    pub(crate) fn of(error: &serde_yaml::Error) -> Option<Self> {
        error.location().map(|at| Self { line: at.line(), column: at.column() })
    }
}

// === impl Duplicate ===

impl Duplicate {
    /// The first name that stands twice in a mapping anywhere in `text`. A text that is no YAML has none.
    pub(super) fn find(text: &str) -> Option<Self> {
        let mut twin = None;
        let error = Twins(&mut twin).deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
        twin.map(|name| Self { name, position: Position::of(&error) })
    }
}

// === impl Seek ===

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    // Every kind of scalar fails with this one by default, which is what marks the place.
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the place sought")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Name(name), rest)) = self.steps.split_first() else {
            return Err(A::Error::custom("here"));
        };
        let stop = (self.at_key && rest.is_empty()).then_some(name.as_str());
        while let Some(key) = map.next_key_seed(SeekKey(stop))? {
            if key == *name {
                map.next_value_seed(Seek { steps: rest, at_key: self.at_key })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((Step::Index(index), rest)) = self.steps.split_first() else {
            return Err(A::Error::custom("here"));
        };
        for _ in 0..*index {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Seek { steps: rest, at_key: self.at_key })?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for SeekKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for SeekKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if self.0 == Some(key) { Err(E::custom("here")) } else { Ok(key.to_owned()) }
    }
}

// === impl Twins ===

impl<'de> DeserializeSeed<'de> for Twins<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Twins<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while map.next_key_seed(TwinKey { seen: &mut seen, twin: self.0 })?.is_some() {
            map.next_value_seed(Twins(self.0))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Twins(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<(), D::Error> {
        self.deserialize(inner)
    }
}

impl<'de> DeserializeSeed<'de> for TwinKey<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TwinKey<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        if self.seen.insert(key.to_owned()) {
            return Ok(());
        }
        *self.twin = Some(key.to_owned());
        Err(E::custom("twice"))
    }
}
