//! Configurations of other gateways, carried over into ours.
//!
//! ```text
//! text ── tree ──▶ document (includes read) ──▶ deployments ── groups ──▶ draft ── write ──▶ YAML
//!                                        settings ──▶ draft; whatever is left behind ──▶ findings
//! ```
//!
//! No value of the file that might be a secret is copied: not into the result, not into a finding, not into an error.

mod credentials;
mod deployment;
mod document;
mod draft;
mod finding;
mod groups;
mod ignored;
mod money;
mod names;
mod settings;
mod tree;
mod upstream;
mod vendor;
mod wildcard;
mod write;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, path::Path};

use self::{document::Document, draft::Draft, finding::Findings};
pub(crate) use self::{
    document::LARGEST,
    finding::{Finding, Kind},
};
use crate::config::{Config, Source, Variables};

/// What became of a configuration.
#[derive(Debug)]
pub(crate) struct Imported {
    /// Ours, as YAML; passes `sidestep check` where the variables that it names are set.
    pub(crate) yaml: String,
    /// What was left behind, or is not quite the same, in the order of the file.
    pub(crate) findings: Vec<Finding>,
}

/// Why nothing became of it. Shows no value of the file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImportError {
    /// The text cannot be read as YAML, or not as what it should be.
    #[error("{origin}{}: {message}", place(*line, *column))]
    Unfit {
        /// The file.
        origin: String,
        /// From 1; 0 if it is not known.
        line: usize,
        /// From 1; 0 if it is not known.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// There is no model in it that Sidestep could call.
    #[error("{origin}: nothing could be carried over\n{findings}")]
    Nothing {
        /// The file.
        origin: String,
        /// Why, a line for each.
        findings: String,
    },
    /// The result would be refused: a bug.
    #[error("the result would be refused, which is a bug in the import: {0}")]
    Refused(String),
}

fn place(line: usize, column: usize) -> String {
    if line == 0 { String::new() } else { format!(":{line}:{column}") }
}

/// Carries over a configuration of LiteLLM's proxy, `text`, which was read from `origin`. Files that it includes are
/// sought from `folder` on; without a folder they are left behind.
///
/// # Errors
/// If it is no such configuration, or if nothing in it can be carried over.
pub(crate) fn litellm(text: &str, origin: &str, folder: Option<&Path>) -> Result<Imported, ImportError> {
    let mut findings = Findings::default();
    let document = Document::read(text, origin, folder, &mut findings)?;
    let draft = Draft::of(&document, &mut findings);
    let findings = findings.settled(&document);
    if draft.routes.is_empty() {
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        return Err(ImportError::Nothing { origin: origin.to_owned(), findings: told.join("\n") });
    }
    let yaml = write::yaml(&draft, &findings);
    // Variables that are unset here may be set where the result is used; only its form is judged.
    let variables: BTreeSet<&str> = draft.variables().collect();
    let variables: Variables = variables.into_iter().map(|name| (name, "http://set.invalid")).collect();
    let checked = Config::parse(&yaml, &Source::Builtin("the result"), &variables);
    checked.map_err(|error| ImportError::Refused(error.to_string()))?;
    Ok(Imported { yaml, findings })
}
