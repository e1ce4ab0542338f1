//! The neutral request.

use serde_json::value::RawValue;

/// JSON as the application wrote it.
pub(super) type Raw = Box<RawValue>;

/// A request without a dialect.
#[derive(Default)]
pub(super) struct Request {
    pub(super) turns: Vec<Turn>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Option<Choice>,
    /// At most one tool call at a time.
    pub(super) serial: bool,
    pub(super) stop: Vec<String>,
    pub(super) sampling: Sampling,
    pub(super) format: Option<Format>,
    /// The application's own name for its user.
    pub(super) user: Option<String>,
    pub(super) verbosity: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

/// One or several messages in a row of the same side. Tool results are the user's.
pub(super) struct Turn {
    pub(super) role: Role,
    pub(super) parts: Vec<Part>,
}

pub(super) enum Part {
    Text(String),
    Image(Media),
    Document(Media),
    Call(Call),
    Result(Outcome),
}

/// An image or a document.
pub(super) struct Media {
    pub(super) source: Source,
    /// OpenAI's `detail`.
    pub(super) detail: Option<String>,
    /// A document's file name or title.
    pub(super) name: Option<String>,
}

pub(super) enum Source {
    Base64 { media_type: String, data: String },
    Url(String),
}

pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// The arguments as JSON text, as far as the model kept to JSON.
    pub(super) arguments: String,
}

/// What a tool gave back.
pub(super) struct Outcome {
    pub(super) id: String,
    pub(super) parts: Vec<Part>,
    pub(super) failed: bool,
}

pub(super) struct Tool {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) schema: Option<Raw>,
    pub(super) strict: Option<bool>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Auto,
    Never,
    Any,
    Named(String),
}

#[derive(Default)]
pub(super) struct Sampling {
    pub(super) temperature: Option<Raw>,
    pub(super) top_p: Option<Raw>,
    pub(super) top_k: Option<Raw>,
    pub(super) presence_penalty: Option<Raw>,
    pub(super) frequency_penalty: Option<Raw>,
    pub(super) seed: Option<Raw>,
}

pub(super) enum Format {
    Object,
    Schema { name: Option<String>, description: Option<String>, schema: Raw, strict: Option<bool> },
}

impl Request {
    /// Keeps only the named tools: OpenAI's `allowed_tools`, which no other API has.
    pub(super) fn allow(&mut self, names: &[String], mode: Option<&str>) {
        self.tools.retain(|tool| names.contains(&tool.name));
        self.choice = Some(if mode == Some("required") { Choice::Any } else { Choice::Auto });
    }
}

impl Turn {
    pub(super) fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }
}

impl Part {
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}
