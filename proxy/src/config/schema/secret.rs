//! How a secret is named: `{ env: … }`, `{ file: … }` or text with `${VAR}`.

use std::{fmt, path::PathBuf};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};

use super::REFUSAL;
use crate::config::REDACTED;

/// A secret as written. No error of its parsing shows what was written.
pub(crate) enum SecretSchema {
    Env(String),
    File(PathBuf),
    Text(String),
}

struct SecretVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    env: Option<String>,
    file: Option<PathBuf>,
}

const EXPECTED: &str = "`{ env: NAME }`, `{ file: PATH }` or a text, which may hold `${NAME}`";

// === impl SecretSchema ===

impl fmt::Debug for SecretSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<'de> de::Visitor<'de> for SecretVisitor {
    type Value = SecretSchema;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretSchema, E> {
        Ok(SecretSchema::Text(text.to_owned()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<SecretSchema, A::Error> {
        let place = Place::deserialize(MapAccessDeserializer::new(map))?;
        match (place.env, place.file) {
            (Some(name), None) => Ok(SecretSchema::Env(name)),
            (None, Some(path)) => Ok(SecretSchema::File(path)),
            _ => Err(de::Error::custom(format!("{REFUSAL}expected either `env` or `file`"))),
        }
    }
}

impl<'de> Deserialize<'de> for SecretSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

impl Serialize for SecretSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Env(name) => serializer.collect_map([("env", name)]),
            Self::File(path) => serializer.collect_map([("file", path)]),
            // The text may be the secret itself.
            Self::Text(_) => serializer.serialize_str(REDACTED),
        }
    }
}
