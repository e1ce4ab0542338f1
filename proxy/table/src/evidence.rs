//! What may be claimed about a model, and by whom.

use std::time::Duration;

use serde::Serialize;

use crate::{identity::ModelId, permit::Permit};

/// How an exchange broke. Every kind is the upstream's failure, never the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No connection: refused, unreachable, timed out, or no such name.
    Connect,
    /// The connection could not be secured.
    Tls,
    /// A failing status: 500, 502, 503, 504, 520–530, 408.
    Status,
    /// Headers or the first meaningful event did not come in time.
    FirstTokenTimeout,
    /// The stream fell silent.
    Stall,
    /// The stream ended without its terminal event.
    Truncated,
    /// What came was no valid stream or answer.
    Broken,
    /// A success status that carried an error.
    InBand,
}

/// The class of one outcome; the first that matches wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A whole answer: its terminal event was seen, in time.
    Ok,
    /// A whole answer whose first token came far later than the model's history allows.
    Slow,
    /// The upstream failed.
    Hard(Fault),
    /// The upstream says that it is overloaded: 529, `overloaded_error`, 503 with Retry-After.
    Overload,
    /// 429: our rate, not its health.
    Rate,
    /// 402, exhausted credit or quota.
    Quota,
    /// 401 or 403 of our own credential.
    Auth,
    /// The provider does not know the model.
    ModelMissing,
    /// The request's own fault: other 400, 413, 422, context length, content filter.
    Client,
    /// The application left.
    Cancel,
    /// Our own limits, or no way out of this host.
    Local,
}

/// Who claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// An ordinary request.
    Traffic,
    /// A request admitted to a ramping model.
    Canary,
    /// A request sent because nothing better was left; it moves no verdict.
    LastResort,
    /// A synthetic prompt whose answer was checked.
    Probe {
        /// What was asked.
        kind: ProbeKind,
        /// What the answer proved.
        quality: Quality,
    },
    /// Another member of the fleet.
    Peer,
    /// A person.
    Operator,
}

/// What a probe asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// A nonce and a sum, a few tokens.
    Echo,
    /// A tool call.
    Tool,
    /// A question behind a few thousand tokens of context.
    Context,
}

/// What a probe's answer proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Nonce and sum were right.
    Right,
    /// An answer came, but not the right one.
    Wrong,
    /// Alive, yet nothing to check, e.g. cut by its length before any text.
    Unproven,
}

/// One claim about one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Whom it is about.
    pub model: ModelId,
    /// The epoch of the permit under which it was gathered. A peer's evidence is stamped on receipt.
    pub epoch: u32,
    /// Who claims it.
    pub source: Source,
    /// What happened.
    pub class: Class,
    /// How long the upstream asked to be left alone; absurd values are harmless.
    pub retry_after: Option<Duration>,
    /// Which of the provider's credentials was used, counted from 0; `None` when there is but one.
    pub credential: Option<u32>,
}

// === impl Fault ===

impl Fault {
    /// The fault's name in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Status => "status",
            Self::FirstTokenTimeout => "first_token_timeout",
            Self::Stall => "stall",
            Self::Truncated => "truncated",
            Self::Broken => "broken",
            Self::InBand => "in_band",
        }
    }

    /// The connection itself failed: nothing was answered by anybody.
    #[must_use]
    pub const fn is_connect_level(self) -> bool {
        matches!(self, Self::Connect | Self::Tls)
    }

    /// The provider itself answered, so the way to it works.
    pub(crate) const fn proves_the_way(self) -> bool {
        matches!(self, Self::Status | Self::InBand)
    }
}

// === impl Class ===

impl Class {
    /// The class's name in metrics and logs, without the fault.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Slow => "slow",
            Self::Hard(_) => "hard",
            Self::Overload => "overload",
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::ModelMissing => "model_missing",
            Self::Client => "client",
            Self::Cancel => "cancel",
            Self::Local => "local",
        }
    }

    /// The upstream failed: the classes that weigh as one whole failure.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Hard(_) | Self::Overload)
    }

    /// A whole answer arrived.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Ok | Self::Slow)
    }

    /// For people: what happened last, in the words of a decision.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Ok => "answered",
            Self::Slow => "slow first token",
            Self::Hard(Fault::Connect) => "no connection",
            Self::Hard(Fault::Tls) => "TLS failed",
            Self::Hard(Fault::Status) => "server error",
            Self::Hard(Fault::FirstTokenTimeout) => "no first token in time",
            Self::Hard(Fault::Stall) => "stream stalled",
            Self::Hard(Fault::Truncated) => "stream cut off",
            Self::Hard(Fault::Broken) => "broken answer",
            Self::Hard(Fault::InBand) => "error inside the answer",
            Self::Overload => "overloaded",
            Self::Rate => "rate limited",
            Self::Quota => "quota exhausted",
            Self::Auth => "credential refused",
            Self::ModelMissing => "model unknown to the provider",
            Self::Client => "request refused",
            Self::Cancel => "cancelled by the caller",
            Self::Local => "failed on this host",
        }
    }
}

// === impl Source ===

impl Source {
    /// A request of the application, ramping or not.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Traffic | Self::Canary)
    }

    /// A synthetic prompt.
    #[must_use]
    pub const fn is_probe(self) -> bool {
        matches!(self, Self::Probe { .. })
    }
}

// === impl Evidence ===

impl Evidence {
    /// A claim about the model that `permit` was taken for, under the permit's epoch.
    #[must_use]
    pub fn of(permit: &Permit, source: Source, class: Class) -> Self {
        Self {
            model: permit.model().clone(),
            epoch: permit.epoch(),
            source,
            class,
            retry_after: None,
            credential: None,
        }
    }
}
