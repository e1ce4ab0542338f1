//! Errors: a vendor's error becomes a class that the state table understands; an error of our own becomes
//! a body, headers and status in the caller's dialect.

mod classify;
mod retry_after;
mod write;

use std::time::Duration;

pub use classify::classify;
pub use retry_after::{MAX_RETRY_AFTER, retry_after};
pub use write::{write_error, write_stream_error};

/// What an upstream's error means for the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The upstream failed: 5xx, 408, a redirect, an unknown error inside a 200.
    Hard,
    /// The upstream says that it has too much to do: 529, `overloaded_error`, 503 with Retry-After.
    Overload,
    /// Our account asks too often: 429.
    Rate,
    /// Our account is out of credit or over a spending limit.
    Quota,
    /// Our credential was refused: 401, 403.
    Auth,
    /// The upstream does not know the model.
    ModelMissing,
    /// The prompt does not fit into the model's context.
    ContextLength,
    /// The provider's filter refused the prompt.
    ContentFilter,
    /// The body is over the provider's limit: 413.
    TooLarge,
    /// The request itself is at fault; every provider would say so.
    Client,
    /// Reasoning in the history was not issued by this model; the request works without it.
    HistorySignature,
    /// The model does not continue a message of the assistant's; the request works with a user's turn at its end.
    Prefill,
}

/// An upstream's error, without anything of its text: messages may quote the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub class: ErrorClass,
    /// The HTTP status, `None` when the error came inside a stream.
    pub status: Option<u16>,
    /// How long the upstream asks to be left alone, at most [`MAX_RETRY_AFTER`].
    pub retry_after: Option<Duration>,
    /// The vendor's machine-readable type or code, such as `overloaded_error`.
    pub code: Option<String>,
}

/// The kinds of error that Sidestep itself tells the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is malformed, or asks what no target can do.
    InvalidRequest,
    /// No such model, route or path.
    NotFound,
    /// The body is over the limit.
    TooLarge,
    /// Every target is rate limited.
    RateLimit,
    /// Every target, or Sidestep itself, has too much to do.
    Overloaded,
    /// No target can answer now.
    Unavailable,
    /// The deadline passed.
    Timeout,
    /// Our fault, or an upstream's that has no better name.
    Internal,
}

/// An error for the application, before it takes the form of a dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorForm {
    /// The HTTP status. [`ErrorKind::Overloaded`] leaves as 529 to Anthropic's and as 503 to OpenAI's
    /// clients, whichever of the two stands here.
    pub status: u16,
    /// What happened.
    pub kind: ErrorKind,
    /// For a person; never contains prompts, completions or keys.
    pub message: String,
    /// OpenAI's `code`; a fitting one is chosen when absent.
    pub code: Option<&'static str>,
    /// OpenAI's `param`: the request field that is at fault.
    pub param: Option<String>,
    /// How long the client should wait, written as whole seconds, rounded up.
    pub retry_after: Option<Duration>,
    /// `x-should-retry`, which the official SDKs obey before they look at the status.
    pub should_retry: Option<bool>,
    /// Our id of the request: `request-id` or `x-request-id`.
    pub request_id: String,
}
