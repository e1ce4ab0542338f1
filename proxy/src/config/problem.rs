//! What is wrong with a configuration, told so that it can be mended.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{
    nearest::suggestion,
    place::{Duplicate, Place, Position},
    schema::REFUSAL,
    snippet::{snippet, without_secrets},
};

/// Why there is no configuration. No text of it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than any configuration is.
    #[error("{}: is {size} bytes large, more than the {limit} that a configuration may have", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The largest size allowed, in bytes.
        limit: u64,
    },
    /// There is neither a file nor a provider key in the environment.
    #[error("no configuration: name a file, or set at least one of {}{}", variables.join(", "), or_in(folder.as_deref()))]
    NoKeys {
        /// The environment variables that would do.
        variables: Vec<&'static str>,
        /// The folder in which files of these names would do as well.
        folder: Option<PathBuf>,
    },
    /// The text was read but says something that cannot be.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, with the nearest known name where one is meant.
    pub message: String,
    /// The keys down to it, as in `routes[0].targets[1]`; empty if only line and column are known.
    pub path: String,
    /// The name of the file, or what stands for it.
    pub origin: String,
    /// Line of the file, from 1.
    pub line: Option<usize>,
    /// Column of the line, from 1, in characters.
    pub column: Option<usize>,
    snippet: Option<String>,
}

/// A problem before it is known where its place stands.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) place: Place,
    pub(super) message: String,
}

/// What serde says, by how it begins.
const SERDE: [&str; 7] = [
    "unknown field `",
    "unknown variant `",
    "missing field `",
    "duplicate field `",
    "invalid type: ",
    "invalid value: ",
    "invalid length ",
];

fn or_in(folder: Option<&Path>) -> String {
    folder.map(|folder| format!(", or put one as a file into {}", folder.display())).unwrap_or_default()
}

// === impl Problem ===

impl Problem {
    /// A problem of `text`, which came from `origin`, at a position known from its parsing.
    pub(super) fn at(origin: &str, text: &str, position: Option<Position>, message: &str) -> Self {
        Self {
            message: without_secrets(message),
            path: String::new(),
            origin: origin.to_owned(),
            line: position.map(|at| at.line),
            column: position.map(|at| at.column),
            snippet: position.and_then(|at| snippet(text, at)),
        }
    }

    /// The problem that `finding` is in `text`.
    pub(super) fn found(origin: &str, text: &str, finding: &Finding) -> Self {
        let path = without_secrets(&finding.place.to_string());
        Self { path, ..Self::at(origin, text, finding.place.find(text), &finding.message) }
    }

    /// A file that is no text from where `before` ends.
    pub(super) fn not_text(origin: &str, before: &str) -> Self {
        let line = before.split('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self::at(origin, "", Some(Position { line, column }), "is not UTF-8 from here")
    }

    pub(super) fn of_yaml(origin: &str, text: &str, error: &serde_yaml::Error) -> Self {
        Self::at(origin, text, Position::of(error), &explain(error))
    }

    pub(super) fn of_duplicate(origin: &str, text: &str, twin: &Duplicate) -> Self {
        Self::at(origin, text, twin.position, &format!("`{}` is already given above", twin.name))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.snippet {
            Some(snippet) => write!(f, "\n{snippet}"),
            None => Ok(()),
        }
    }
}

/// The text of an error of the YAML crate, without its path and place, without any value, and with a hint.
fn explain(error: &serde_yaml::Error) -> String {
    let shown = error.to_string();
    let shown = match error.location() {
        Some(at) => {
            let place = format!(" at line {} column {}", at.line(), at.column());
            shown.replacen(&place, "", 1)
        }
        None => shown,
    };
    if let Some((_, ours)) = shown.split_once(REFUSAL) {
        return ours.to_owned();
    }
    let start = SERDE.iter().filter_map(|start| shown.find(start)).min();
    start.map_or_else(|| shown.clone(), |start| explain_serde(&shown[start..]))
}

fn explain_serde(text: &str) -> String {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let (head, expected) = text.rsplit_once(", expected ").unwrap_or((text, ""));
    if let Some((kind, rest)) = head.split_once(" `").filter(|(kind, _)| kind.starts_with("unknown ")) {
        let word = rest.trim_end_matches('`');
        let known = quoted(expected);
        let what = if kind == "unknown field" { "unknown key" } else { "unknown value" };
        let hint = suggestion(word, known.iter().map(String::as_str));
        let hint = if hint.is_empty() { format!(", known are {}", known.join(", ")) } else { hint };
        return format!("{what} `{word}`{hint}");
    }
    if let Some(name) = head.strip_prefix("missing field ") {
        return format!("the key {name} is missing");
    }
    if let Some(found) = head.strip_prefix("invalid type: ") {
        // What follows the kind is the value, which may be a secret.
        let kind = found.split([' ', '`', '"']).next().unwrap_or_default();
        let kind = match kind {
            "unit" | "Option" => "nothing",
            "map" => "a mapping",
            "sequence" => "a list",
            "string" => "a text",
            "boolean" => "true or false",
            "floating" => "a fraction",
            _ => "a number",
        };
        return format!("expected {}, found {kind}", expected_kind(expected));
    }
    format!("expected {}", expected_kind(expected))
}

/// What serde calls an expected type, in words.
fn expected_kind(expected: &str) -> &str {
    match expected {
        "a string" | "path string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "u32" | "u64" | "usize" => "a whole number from 0",
        "f64" => "a number",
        _ if expected.starts_with("struct ") => "a mapping",
        _ => expected,
    }
}
