//! Why the application gets an error, and which.

use std::time::Duration;

use sidestep_dialect::{AskError, ErrorForm, ErrorKind};
use sidestep_table::Class;

use crate::miss::VendorAnswer;
use crate::story::Chapters;

/// A switch is lifted by a person, or lapses after minutes.
const SWITCH_WAIT: Duration = Duration::from_secs(30);

/// Why the application gets an error. Bubbles up to [`crate::layers::RespondLayer`], the only place that
/// turns it into bytes.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No endpoint has this path.
    #[error(
        "no such endpoint: {method} {path}; Sidestep serves POST /v1/messages, /v1/chat/completions, \
         /v1/responses, /v1/embeddings, /v1/messages/count_tokens and GET /v1/models"
    )]
    UnknownPath {
        /// As asked.
        method: http::Method,
        /// As asked, without the query.
        path: String,
    },
    /// The request target is too long.
    #[error("the request target is longer than {limit} bytes (limits.uri_bytes)")]
    UriTooLong {
        /// In bytes.
        limit: usize,
    },
    /// The head is too large.
    #[error("the request's headers are larger than {limit} bytes (limits.header_bytes)")]
    HeadTooLarge {
        /// In bytes.
        limit: usize,
    },
    /// The body is too large.
    #[error("the request body is larger than {limit} bytes (limits.body_bytes)")]
    BodyTooLarge {
        /// In bytes.
        limit: usize,
    },
    /// The body did not come in time, or its connection broke.
    #[error("the request body did not arrive: {0}")]
    BodyLost(&'static str),
    /// The body is not what the dialect wants.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A header of ours has a value that we do not know.
    #[error("header {header} must be one of: {allowed}")]
    Header {
        /// The header's name.
        header: &'static str,
        /// Its values.
        allowed: &'static str,
    },
    /// No route serves this model.
    #[error("no route serves model {model:?}{hint}")]
    UnknownModel {
        /// As asked, cut to a bounded length.
        model: String,
        /// Names the nearest route.
        hint: String,
    },
    /// Nobody that could serve this path is configured.
    #[error("no configured provider can serve {0}")]
    NoProvider(&'static str),
    /// The provider of a request that cannot go elsewhere is not to be reached.
    #[error("the provider that this request belongs to cannot be reached")]
    Unreachable,
    /// The keys of all targets are missing from the configuration.
    #[error("no target of this route has a key; `sidestep check` names the providers whose key is missing")]
    NoKey,
    /// An operator switched every target off.
    #[error("every target of this route is switched off")]
    SwitchedOff,
    /// Every target that could take it is as busy as it may be.
    #[error("every target of this route has as many calls in flight as it may have{}", batch_hint(*.batch))]
    Full {
        /// Interactive calls may still have room.
        batch: bool,
    },
    /// Every target is ill.
    #[error("no target of this route is well enough to be asked")]
    NothingEligible {
        /// When the first may be again.
        retry_after: Duration,
    },
    /// No target can do what is asked.
    #[error("no target of this route can do what the request asks for: {}", features.join(", "))]
    Incapable {
        /// Features that stand in the way.
        features: Vec<&'static str>,
    },
    /// The deadline passed before an answer began.
    #[error("no target answered before the route's deadline")]
    Deadline,
    /// Targets were asked, none answered.
    #[error("no target of this route answered; the last one failed with: {}", class.as_str())]
    Exhausted {
        /// How the last one failed.
        class: Class,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// A vendor found fault with the request itself. Its own words go to the application.
    #[error("the provider found fault with the request")]
    Vendor(Box<VendorAnswer>),
}

/// A refusal on its way to the application, with what had happened to the call by then; nothing for a request
/// that never became a call.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// Whom it took how many attempts.
    pub chapters: Option<Box<Chapters>>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused { refusal, chapters: None }
    }
}

impl Refusal {
    /// The value of the metrics' `reason` label.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Refusal::UnknownPath { .. } => "unknown_path",
            Refusal::UriTooLong { .. } => "uri_too_long",
            Refusal::HeadTooLarge { .. } => "head_too_large",
            Refusal::BodyTooLarge { .. } => "body_too_large",
            Refusal::BodyLost(_) => "body_lost",
            Refusal::Ask(_) => "invalid_request",
            Refusal::Header { .. } => "invalid_header",
            Refusal::UnknownModel { .. } => "unknown_model",
            Refusal::NoProvider(_) => "no_provider",
            Refusal::Unreachable => "unreachable",
            Refusal::NoKey => "no_key",
            Refusal::SwitchedOff => "disabled",
            Refusal::Full { .. } => "over_limit",
            Refusal::NothingEligible { .. } => "nothing_eligible",
            Refusal::Incapable { .. } => "capability",
            Refusal::Deadline => "deadline",
            Refusal::Exhausted { .. } => "exhausted",
            Refusal::Vendor(_) => "vendor",
        }
    }

    /// True when the application must change its request; false when the same request may succeed later.
    #[must_use]
    pub const fn is_the_callers(&self) -> bool {
        matches!(
            self,
            Refusal::UnknownPath { .. }
                | Refusal::UriTooLong { .. }
                | Refusal::HeadTooLarge { .. }
                | Refusal::BodyTooLarge { .. }
                | Refusal::BodyLost(_)
                | Refusal::Ask(_)
                | Refusal::Header { .. }
                | Refusal::UnknownModel { .. }
                | Refusal::Incapable { .. }
                | Refusal::Exhausted { class: Class::Client, .. }
                | Refusal::Vendor(_)
        )
    }

    /// The error in no dialect yet. The SDKs retry by status; after a whole route was tried that would only
    /// multiply the load, so they are told not to.
    #[must_use]
    pub fn form(&self, request_id: &str) -> ErrorForm {
        let (status, kind) = self.kind();
        ErrorForm {
            status,
            kind,
            message: self.to_string(),
            code: matches!(self, Refusal::UnknownPath { .. }).then_some("unknown_url"),
            param: matches!(self, Refusal::UnknownModel { .. }).then(|| "model".to_owned()),
            retry_after: self.retry_after(),
            should_retry: (!self.is_the_callers()).then_some(false),
            request_id: request_id.to_owned(),
        }
    }

    /// The status that the application is sent.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Refusal::Vendor(answer) => answer.status.as_u16(),
            _ => self.kind().0,
        }
    }

    const fn kind(&self) -> (u16, ErrorKind) {
        match self {
            Refusal::UnknownPath { .. } | Refusal::UnknownModel { .. } | Refusal::NoProvider(_) => {
                (404, ErrorKind::NotFound)
            }
            Refusal::UriTooLong { .. } => (414, ErrorKind::InvalidRequest),
            Refusal::HeadTooLarge { .. } => (431, ErrorKind::InvalidRequest),
            Refusal::BodyTooLarge { .. } => (413, ErrorKind::TooLarge),
            Refusal::BodyLost(_) => (408, ErrorKind::Timeout),
            Refusal::Ask(_) | Refusal::Header { .. } | Refusal::Incapable { .. } | Refusal::Vendor(_) => {
                (400, ErrorKind::InvalidRequest)
            }
            Refusal::NoKey | Refusal::SwitchedOff | Refusal::NothingEligible { .. } => {
                (503, ErrorKind::Unavailable)
            }
            Refusal::Full { .. } => (529, ErrorKind::Overloaded),
            Refusal::Unreachable => (502, ErrorKind::Unavailable),
            Refusal::Deadline => (504, ErrorKind::Timeout),
            Refusal::Exhausted { class, .. } => match class {
                Class::Rate => (429, ErrorKind::RateLimit),
                Class::Overload => (529, ErrorKind::Overloaded),
                // Said inside a 200, without words that could be passed on.
                Class::Client => (400, ErrorKind::InvalidRequest),
                _ => (503, ErrorKind::Unavailable),
            },
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Refusal::NothingEligible { retry_after } => Some(*retry_after),
            Refusal::Exhausted { retry_after, .. } => *retry_after,
            Refusal::Full { .. } => Some(Duration::from_secs(1)),
            Refusal::SwitchedOff => Some(SWITCH_WAIT),
            _ => None,
        }
    }
}

fn batch_hint(batch: bool) -> &'static str {
    if batch { "; batch calls are shed before interactive ones" } else { "" }
}
