//! Secrets are fetched from where the configuration says they are.

use std::{fs, io::Read, path::Path};

use super::Resolver;
use crate::config::{
    Credential, Secret, SecretSource,
    place::Place,
    schema::SecretSchema,
    substitute::{Unfilled, is_variable, lone_variable, substitute},
};

/// Largest file that is read as a secret, in bytes.
const LARGEST: u64 = 64 << 10;

impl Resolver<'_> {
    /// The secret that `schema` names. A place without one is a warning: the rest can do without it.
    pub(super) fn credential(&mut self, schema: &SecretSchema, place: &Place) -> Option<Credential> {
        let (source, found) = match schema {
            SecretSchema::Env(name) if is_variable(name) => {
                let found = self.variables.get(name).map(str::to_owned);
                (SecretSource::Env(name.clone()), found.ok_or_else(|| format!("{name} is not set")))
            }
            SecretSchema::Env(_) => {
                self.refuse(&place.name("env"), "is not the name of an environment variable");
                return None;
            }
            SecretSchema::File(path) => {
                let path = self.path(path);
                let found = read(&path).map_err(|why| format!("{}: {why}", path.display()));
                (SecretSource::File(path), found)
            }
            SecretSchema::Text(text) => self.inline(text, place)?,
        };
        match found {
            Ok(text) => self.usable(source, &text, place),
            Err(why) => {
                self.warn(format!("{place} is missing: {why}"));
                Some(Credential::new(source, None))
            }
        }
    }

    fn inline(&mut self, text: &str, place: &Place) -> Option<(SecretSource, Result<String, String>)> {
        let source =
            lone_variable(text).map_or(SecretSource::Inline, |name| SecretSource::Env(name.to_owned()));
        match substitute(text, self.variables) {
            Ok(filled) => Some((source, Ok(filled))),
            Err(Unfilled::Unset(name)) => Some((source, Err(format!("{name} is not set")))),
            Err(Unfilled::Malformed) => {
                self.refuse(place, MALFORMED);
                None
            }
        }
    }

    fn usable(&mut self, source: SecretSource, text: &str, place: &Place) -> Option<Credential> {
        let secret = Secret::new(text.trim());
        if secret.expose().is_empty() {
            self.warn(format!("{place} is missing: {source} is empty"));
            return Some(Credential::new(source, None));
        }
        if secret.header("").is_none() {
            self.refuse(place, format!("what it holds ({source}) cannot be sent in a header"));
            return None;
        }
        Some(Credential::new(source, Some(secret)))
    }

    /// `text` with its variables filled in; all of them have to be set.
    pub(super) fn filled(&mut self, text: &str, place: &Place) -> Option<String> {
        let filled = substitute(text, self.variables);
        filled
            .map_err(|why| match why {
                Unfilled::Unset(name) => self.refuse(place, format!("the variable {name} is not set")),
                Unfilled::Malformed => self.refuse(place, MALFORMED),
            })
            .ok()
    }
}

const MALFORMED: &str =
    "`${` begins the name of a variable, as in `${NAME}`; write `$${` for the characters themselves";

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    // The error of a read says what the system says, nothing of the content.
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(LARGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if read as u64 == LARGEST { Err("is too large for a secret".to_owned()) } else { Ok(text) }
}
