//! What operators hand in: names, reasons, and who they are.

use sidestep_table::{Subject, Topology};

use crate::config::suggestion;

/// Longest reason in characters.
pub(crate) const REASON: usize = 500;
/// Longest actor in characters.
pub(crate) const ACTOR: usize = 200;

/// A name that the configuration does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no provider or model `{name}`{nearest}; there are {known}")]
pub(crate) struct UnknownName {
    name: String,
    /// Begins with a comma, or is empty.
    nearest: String,
    known: String,
}

/// A text that is empty, too long, or more than one line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadLine {
    #[error("`{0}` must not be empty")]
    Empty(&'static str),
    #[error("`{0}` must be one line of at most {1} characters")]
    Long(&'static str, usize),
}

/// Finds `provider:NAME`, `model:NAME`, or a NAME of either.
pub(crate) fn subject(name: &str, topology: &Topology) -> Result<Subject, UnknownName> {
    let provider = |name: &str| {
        topology.provider(name).map(|index| Subject::Provider(topology.providers[index.get()].id.clone()))
    };
    let model = |name: &str| {
        topology.model(name).map(|index| Subject::Model(topology.models[index.get()].id.clone()))
    };
    // A provider goes before its model of the same name: whoever takes it out in a hurry means all of it. And a
    // model's own name may hold a colon, so the whole name goes before a prefix.
    let found = provider(name).or_else(|| model(name)).or_else(|| match name.split_once(':') {
        Some(("provider", rest)) => provider(rest),
        Some(("model", rest)) => model(rest),
        _ => None,
    });
    found.ok_or_else(|| {
        let providers = topology.providers.iter().map(|provider| &*provider.id);
        let known: Vec<&str> = providers.chain(topology.models.iter().map(|model| &*model.id)).collect();
        let nearest = suggestion(name, known.iter().copied());
        // The list is the question's end; a question mark before it would be one too many.
        let nearest = nearest.trim_end_matches('?').to_owned();
        let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        UnknownName { name: name.to_owned(), nearest, known }
    })
}

/// One line of text for people: it goes into logs and terminals, so no control characters.
pub(crate) fn line(field: &'static str, text: &str, longest: usize) -> Result<String, BadLine> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BadLine::Empty(field));
    }
    if text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(BadLine::Long(field, longest));
    }
    Ok(text.to_owned())
}
