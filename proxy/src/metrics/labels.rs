//! The closed sets that label values come from. A label is never free text, so the number of series
//! is known from the configuration alone.

use sidestep_dialect::Dialect;
use sidestep_table::{Class, Priority, ProbeKind, Verdict};

/// A label whose values are all known beforehand.
pub trait Label: Copy {
    /// Every value, in a fixed order.
    const NAMES: &'static [&'static str];

    /// This value's text; one of [`Label::NAMES`].
    fn name(self) -> &'static str;
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {

            /// The value as it stands in metrics, headers and logs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl Label for $name {
            const NAMES: &'static [&'static str] = &[$($text,)+];

            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

label! {
    /// How a call ended, as the application saw it.
    Outcome {
        /// Answered whole by the target that routing preferred.
        Answered = "answered",
        /// Answered whole, by another target than the preferred one.
        Rerouted = "rerouted",
        /// Answered whole, though the target that began broke off: another one went on.
        Rescued = "rescued",
        /// Begun and not finished; the application was told.
        Cut = "cut",
        /// No target could answer.
        Failed = "failed",
        /// Refused by Sidestep without asking anyone: bad input, shed, or nothing eligible.
        Refused = "refused",
        /// The application's own mistake, handed back to it.
        Rejected = "rejected",
        /// The application went away first.
        Cancelled = "cancelled",
    }
}

/// Why a call did not go to, or did not stay at, its preferred target: a state that kept it away, or the
/// class of the attempt that failed there. `other` is anything that this list does not know.
#[derive(Clone, Copy)]
pub(super) struct RerouteReason<'a>(pub(super) &'a str);

/// Why a call was refused before any attempt. `other` is anything that this list does not know.
#[derive(Clone, Copy)]
pub(super) struct ShedReason<'a>(pub(super) &'a str);

label! {
    /// What ended a stream after the application had begun to read it.
    CutCause {
        /// Nothing came for longer than the stall limit.
        Stall = "stall",
        /// The upstream ended without its terminal event.
        Truncated = "truncated",
        /// The connection broke, or an event could not be read.
        Broken = "broken",
        /// The upstream sent an error inside the stream.
        InBand = "in_band",
        /// One event was over the size limit.
        Oversize = "oversize",
    }
}

label! {
    /// Who answered a hedged call.
    HedgeWinner {
        /// The target that was asked first.
        First = "first",
        /// The one that was asked because the first was late.
        Second = "second",
    }
}

label! {
    /// What a token was spent on.
    TokenKind {
        /// Read by the model, and not from its cache.
        Input = "input",
        /// Written by the model, reasoning included.
        Output = "output",
        /// Read by the model from its prompt cache.
        Cached = "cached",
    }
}

label! {
    /// What a probe found.
    ProbeOutcome {
        /// Answered, and the answer checked.
        Right = "right",
        /// Answered, with a wrong answer.
        Wrong = "wrong",
        /// Answered, but cut short by length: neither right nor wrong.
        Unproven = "unproven",
        /// Failed, like a call would have.
        Failed = "failed",
        /// Refused with a rate limit or a spent quota: says nothing of health.
        Limited = "limited",
    }
}

label! {
    /// What became of a changed configuration.
    ReloadResult {
        /// In force.
        Applied = "applied",
        /// Refused; the old one stays in force.
        Rejected = "rejected",
    }
}

label! {
    /// Which of our listeners a connection came in by.
    Listener {
        /// The application's side.
        App = "app",
        /// The operator's side.
        Admin = "admin",
    }
}

impl Label for RerouteReason<'_> {
    const NAMES: &'static [&'static str] = &[
        "disabled",
        "provider_open",
        "open",
        "half_open",
        "ramping",
        "degraded",
        "rate_limited",
        "full",
        "capability",
        "context_length",
        "late",
        "hard",
        "overload",
        "rate",
        "quota",
        "auth",
        "model_missing",
        "other",
    ];

    fn name(self) -> &'static str {
        known(Self::NAMES, self.0)
    }
}

impl Label for ShedReason<'_> {
    const NAMES: &'static [&'static str] =
        &["disabled", "nothing_eligible", "capability", "over_limit", "other"];

    fn name(self) -> &'static str {
        known(Self::NAMES, self.0)
    }
}

impl Label for Class {
    const NAMES: &'static [&'static str] = &[
        "ok",
        "slow",
        "hard",
        "overload",
        "rate",
        "quota",
        "auth",
        "model_missing",
        "client",
        "cancel",
        "local",
    ];

    fn name(self) -> &'static str {
        self.as_str()
    }
}

impl Label for ProbeKind {
    const NAMES: &'static [&'static str] = &["echo", "tool", "context"];

    fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Tool => "tool",
            Self::Context => "context",
        }
    }
}

impl Label for Verdict {
    const NAMES: &'static [&'static str] =
        &["healthy", "degraded", "open", "half_open", "ramping", "disabled"];

    fn name(self) -> &'static str {
        self.as_str()
    }
}

impl Label for Priority {
    const NAMES: &'static [&'static str] = &["interactive", "batch"];

    fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Batch => "batch",
        }
    }
}

/// The dialect of a call; `none` for a path that belongs to no dialect.
impl Label for Option<Dialect> {
    const NAMES: &'static [&'static str] = &["anthropic", "openai", "responses", "none"];

    fn name(self) -> &'static str {
        self.map_or("none", Dialect::as_str)
    }
}

impl Label for bool {
    const NAMES: &'static [&'static str] = &["false", "true"];

    fn name(self) -> &'static str {
        if self { "true" } else { "false" }
    }
}

pub(super) fn known(names: &'static [&'static str], name: &str) -> &'static str {
    names.iter().find(|known| **known == name).copied().unwrap_or("other")
}
