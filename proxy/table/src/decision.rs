//! What the ledger decided, and why, in words for people.

use serde::Serialize;

use crate::{moment::Moment, standing::Verdict, switches::Subject};

/// What sort of thing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// A verdict changed.
    Verdict,
    /// A ramping model moved to another stage; its verdict stays.
    Stage,
    /// A provider's verdict changed, and with it what its models may take.
    Provider,
    /// A credential was given up or taken back.
    Credential,
    /// An operator's switch was set, lifted or has lapsed.
    Switch,
    /// This host is suspected, so failures that it may have caused itself are not counted for a while.
    Freeze,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// When.
    pub at: Moment,
    /// About whom.
    pub subject: Subject,
    /// The verdict before.
    pub from: Verdict,
    /// The verdict after; equal to `from` when something else changed.
    pub to: Verdict,
    /// For people: figures and classes, never content.
    pub why: String,
    /// The operator behind it, if any.
    pub actor: Option<String>,
    /// The share after, in permille of its rightful traffic.
    pub share: u16,
    /// What sort of thing was decided.
    pub kind: DecisionKind,
}
