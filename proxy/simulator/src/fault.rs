//! What can go wrong, one variant each; the serde form is the HTTP control's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::manner::Manner;

/// One way to fail.
///
/// Those that say *modifies* change an answer that is otherwise given and combine with each other and with
/// one of the rest; of the rest, one at most hits a request. On an answer that is not streamed, a fault
/// "after n events" strikes when half of the body is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An HTTP status with the vendor's body for it.
    Status {
        /// 400 to 599.
        status: u16,
        /// `Retry-After` in seconds; absent when null.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<f64>,
        /// The vendor's machine-readable code, e.g. `insufficient_quota`; by default the status's usual one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// Nobody listens. Only for a whole vendor (`*`) at rate 1, open connections are closed too.
    Refused {},
    /// The connection is reset before any response (HTTP/2: the stream is).
    Reset {},
    /// The request is taken and never answered.
    NoAnswer {},
    /// Modifies: the first content comes late.
    LateFirstToken {
        /// The delay in milliseconds.
        ms: u64,
        /// The response head is held back as well.
        #[serde(default)]
        hold_head: bool,
    },
    /// The body ends early.
    Cut {
        /// Complete events before the cut.
        #[serde(default)]
        after: usize,
        /// The HTTP body is ended properly, as though all was said; otherwise the connection breaks.
        #[serde(default)]
        clean: bool,
        /// Half of the next event is sent before the cut.
        #[serde(default)]
        torn: bool,
    },
    /// The body falls silent for ever, connection open.
    Stall {
        /// Complete events before the silence.
        #[serde(default)]
        after: usize,
    },
    /// One event's JSON is malformed; the stream then goes on.
    BrokenEvent {
        /// Complete events before it.
        #[serde(default)]
        after: usize,
    },
    /// The stream ends cleanly without its terminal event.
    MissingTerminal {
        /// The stop reason still comes, only the last marker is missing.
        #[serde(default)]
        keep_stop: bool,
    },
    /// An error event in the vendor's form, then the end.
    InBandError {
        /// Complete events before it.
        #[serde(default)]
        after: usize,
        /// The error as though it came with this status.
        #[serde(default = "overloaded")]
        status: u16,
    },
    /// Status 200 with an error in a JSON body, also when a stream was asked for.
    ErrorBody {
        /// The error as though it came with this status.
        #[serde(default = "overloaded")]
        status: u16,
    },
    /// Status 200, proper form, and no content at all.
    Empty {},
    /// Modifies: the answer is wrong; a probe gets another sum.
    WrongContent {},
    /// Modifies: an answer that another model has begun is not simply gone on with.
    Continuation {
        /// But so.
        manner: Manner,
    },
    /// Modifies: content trickles.
    SlowTokens {
        /// Pieces of content in a second.
        per_second: f64,
    },
    /// Modifies: the vendor's rate-limit headers say that nothing is left.
    RateLimitHeaders {
        /// Until the limits are reset, in seconds.
        reset_s: u64,
    },
    /// An HTML page instead of an answer.
    Html {
        /// The page's status.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Modifies: the body is gzip-encoded whether or not the caller accepts it.
    Gzip {},
    /// The answer never ends.
    Endless {},
    /// One event (or the body) is of that size.
    Oversize {
        /// Bytes.
        bytes: u64,
    },
}

const fn overloaded() -> u16 {
    529
}

const fn ok() -> u16 {
    200
}

impl Fault {
    /// A status with the vendor's usual body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Status { status, retry_after_s: None, code: None }
    }

    /// A status with `Retry-After`.
    #[must_use]
    pub fn status_after(status: u16, retry_after: Duration) -> Self {
        Self::Status { status, retry_after_s: Some(retry_after.as_secs_f64()), code: None }
    }

    /// A connection that breaks after so many events.
    #[must_use]
    pub const fn cut(after: usize) -> Self {
        Self::Cut { after, clean: false, torn: false }
    }

    /// Lower snake name, as the serde form's `fault` and the log write it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Refused {} => "refused",
            Self::Reset {} => "reset",
            Self::NoAnswer {} => "no_answer",
            Self::LateFirstToken { .. } => "late_first_token",
            Self::Cut { .. } => "cut",
            Self::Stall { .. } => "stall",
            Self::BrokenEvent { .. } => "broken_event",
            Self::MissingTerminal { .. } => "missing_terminal",
            Self::InBandError { .. } => "in_band_error",
            Self::ErrorBody { .. } => "error_body",
            Self::Empty {} => "empty",
            Self::WrongContent {} => "wrong_content",
            Self::Continuation { .. } => "continuation",
            Self::SlowTokens { .. } => "slow_tokens",
            Self::RateLimitHeaders { .. } => "rate_limit_headers",
            Self::Html { .. } => "html",
            Self::Gzip {} => "gzip",
            Self::Endless {} => "endless",
            Self::Oversize { .. } => "oversize",
        }
    }

    /// True for a fault that changes an answer rather than replacing or ending it.
    #[must_use]
    pub const fn is_modifier(&self) -> bool {
        matches!(
            self,
            Self::LateFirstToken { .. }
                | Self::WrongContent {}
                | Self::Continuation { .. }
                | Self::SlowTokens { .. }
                | Self::RateLimitHeaders { .. }
                | Self::Gzip {}
        )
    }

    /// Every fault: its name, its JSON by example, and one line that says what it does.
    #[must_use]
    pub const fn catalogue() -> &'static [(&'static str, &'static str, &'static str)] {
        CATALOGUE
    }
}

const CATALOGUE: &[(&str, &str, &str)] = &[
    (
        "status",
        r#"{"fault":"status","status":529,"retry_after_s":2}"#,
        "answers with an HTTP status and the vendor's body for it; optional Retry-After and error code",
    ),
    ("refused", r#"{"fault":"refused"}"#, "nobody listens; only for a whole vendor (*)"),
    ("reset", r#"{"fault":"reset"}"#, "resets the connection before any response"),
    ("no_answer", r#"{"fault":"no_answer"}"#, "takes the request and never answers"),
    (
        "late_first_token",
        r#"{"fault":"late_first_token","ms":5000,"hold_head":false}"#,
        "delays the first content, with hold_head the response head too",
    ),
    (
        "cut",
        r#"{"fault":"cut","after":3,"clean":false,"torn":false}"#,
        "ends the body after n events; clean: as though complete; torn: half an event is sent first",
    ),
    ("stall", r#"{"fault":"stall","after":3}"#, "falls silent after n events, connection open"),
    (
        "broken_event",
        r#"{"fault":"broken_event","after":3}"#,
        "sends one event with malformed JSON after n events",
    ),
    (
        "missing_terminal",
        r#"{"fault":"missing_terminal","keep_stop":false}"#,
        "ends the stream cleanly without its terminal event, with keep_stop after the stop reason",
    ),
    (
        "in_band_error",
        r#"{"fault":"in_band_error","after":3,"status":529}"#,
        "sends an error event inside the stream after n events, then ends it",
    ),
    ("error_body", r#"{"fault":"error_body","status":529}"#, "answers 200 with an error in a JSON body"),
    ("empty", r#"{"fault":"empty"}"#, "answers 200 in proper form without any content"),
    ("wrong_content", r#"{"fault":"wrong_content"}"#, "answers wrongly: a probe gets another sum"),
    (
        "continuation",
        r#"{"fault":"continuation","manner":"restart"}"#,
        "goes on badly with an answer that another model has begun: restart, diverge, overlap, lean, preamble, \
         blank, circles, foreign, call",
    ),
    ("slow_tokens", r#"{"fault":"slow_tokens","per_second":2}"#, "lets the content trickle"),
    (
        "rate_limit_headers",
        r#"{"fault":"rate_limit_headers","reset_s":30}"#,
        "says in the vendor's rate-limit headers that nothing is left",
    ),
    ("html", r#"{"fault":"html","status":200}"#, "answers with an HTML page"),
    ("gzip", r#"{"fault":"gzip"}"#, "encodes the body with gzip, asked for or not"),
    ("endless", r#"{"fault":"endless"}"#, "never ends the answer"),
    ("oversize", r#"{"fault":"oversize","bytes":20000000}"#, "sends one event (or a body) of that size"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_names_every_fault_and_its_examples_parse() {
        for (name, example, _) in Fault::catalogue() {
            let fault: Fault = serde_json::from_str(example).unwrap();
            assert_eq!(fault.as_str(), *name);
            let again: Fault = serde_json::from_value(serde_json::to_value(&fault).unwrap()).unwrap();
            assert_eq!(fault, again);
        }
        // serde lists the variants that it knows in the error for one that it does not.
        let error = serde_json::from_str::<Fault>(r#"{"fault":"?"}"#).unwrap_err().to_string();
        assert_eq!(error.matches('`').count() / 2 - 1, Fault::catalogue().len(), "{error}");
    }
}
