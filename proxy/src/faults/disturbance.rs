//! What a rehearsal does to an attempt that it hits.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::metrics::Label;

/// The longest delay before a head, in milliseconds: far over any sensible timeout.
const LONGEST_DELAY: u64 = 300_000;
/// The longest pause between two pieces of a body, in milliseconds.
const LONGEST_PAUSE: u64 = 60_000;
/// The longest Retry-After, in seconds.
const LONGEST_RETRY_AFTER: u32 = 3600;
/// Statuses below 500 that are the provider's trouble. Any other would be handed to the application as its own
/// mistake, which is nothing to rehearse.
const TROUBLES: [u16; 6] = [401, 402, 403, 404, 408, 429];

/// What becomes of an attempt that is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Disturbance {
    /// An error answer in the provider's own words; the provider is not asked.
    Status {
        /// 401, 402, 403, 404, 408, 429 or 500 to 599.
        status: u16,
        /// What its Retry-After says, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
    },
    /// The provider is asked late.
    Delay {
        /// How late, in milliseconds.
        delay_ms: u64,
    },
    /// No answer for as long as the rehearsal lasts; the provider is not asked.
    Hang {},
    /// The connection is refused.
    Reset {},
    /// The provider's answer breaks off.
    Cut {
        /// After so many events of a stream. A whole answer breaks off at once.
        after_events: u32,
    },
    /// The provider's answer comes in slowly.
    Slow {
        /// The pause before each piece that arrives, in milliseconds.
        pause_ms: u64,
    },
}

impl Disturbance {
    /// Why this cannot be rehearsed; `None` when it can.
    pub(super) fn objection(self) -> Option<String> {
        match self {
            Self::Status { status, .. } if !TROUBLES.contains(&status) && !(500..600).contains(&status) => {
                Some(format!("a provider in trouble answers {TROUBLES:?} or 500 to 599, not {status}"))
            }
            Self::Status { retry_after_seconds: Some(seconds), .. } if seconds > LONGEST_RETRY_AFTER => {
                Some(format!("a Retry-After is {LONGEST_RETRY_AFTER} s at most"))
            }
            Self::Delay { delay_ms } if !(1..=LONGEST_DELAY).contains(&delay_ms) => {
                Some(format!("a delay is 1 to {LONGEST_DELAY} ms"))
            }
            Self::Slow { pause_ms } if !(1..=LONGEST_PAUSE).contains(&pause_ms) => {
                Some(format!("a pause is 1 to {LONGEST_PAUSE} ms"))
            }
            _ => None,
        }
    }
}

impl Label for Disturbance {
    const NAMES: &'static [&'static str] = &["status", "delay", "hang", "reset", "cut", "slow"];

    fn name(self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Delay { .. } => "delay",
            Self::Hang {} => "hang",
            Self::Reset {} => "reset",
            Self::Cut { .. } => "cut",
            Self::Slow { .. } => "slow",
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, retry_after_seconds: None } => write!(f, "status {status}"),
            Self::Status { status, retry_after_seconds: Some(seconds) } => {
                write!(f, "status {status} with Retry-After {seconds} s")
            }
            Self::Delay { delay_ms } => write!(f, "a delay of {:?}", Duration::from_millis(*delay_ms)),
            Self::Hang {} => f.write_str("no answer"),
            Self::Reset {} => f.write_str("connection refused"),
            Self::Cut { after_events } => write!(f, "cut after {after_events} events"),
            Self::Slow { pause_ms } => {
                write!(f, "{:?} before each piece", Duration::from_millis(*pause_ms))
            }
        }
    }
}
