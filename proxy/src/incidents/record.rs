//! One incident as it is shown, told and kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::journal::Entry;

/// The first decisions of an incident are kept, however many follow.
const FIRST_DECISIONS: usize = 20;
/// Decisions kept of one incident.
const DECISIONS: usize = 60;
/// Models kept of one incident.
const MODELS: usize = 64;

/// Trouble at one provider, from its first sign to the return of all that was in it. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// When it began and where, e.g. `2026-11-20T14-03-09Z-anthropic`; unique over restarts.
    pub id: String,
    /// In one line, for people.
    pub title: String,
    /// How far it reaches.
    pub scope: Scope,
    /// When Sidestep first acted on it.
    pub started: f64,
    /// When everything was back at its full share; `None` while it lasts.
    #[serde(default)]
    pub ended: Option<f64>,
    /// When this record last changed.
    pub updated: f64,
    /// Whose trouble it is.
    pub providers: BTreeSet<String>,
    /// The models in it, in the order in which they fell.
    pub models: Vec<ModelPart>,
    /// Models beyond those that are kept here.
    #[serde(default)]
    pub models_omitted: u64,
    /// What Sidestep and its operators decided, oldest first: the first ones and the latest ones.
    pub decisions: Vec<Entry>,
    /// Decisions between those two that are not kept.
    #[serde(default)]
    pub omitted: u64,
    /// What callers noticed of it, or would have.
    pub calls: Calls,
    /// What it cost beyond what the same calls would have cost without it.
    pub extra: Extra,
    /// Made on purpose, by an injected fault.
    #[serde(default)]
    pub rehearsal: bool,
    /// How often it came back within a minute of its end.
    #[serde(default)]
    pub relapses: u32,
    /// Sidestep was started anew while it lasted, so that what was known of the models was lost.
    #[serde(default)]
    pub interrupted: bool,
}

/// How far an incident reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Nothing failed: an operator took something out of service.
    Operator,
    /// No target of a route took calls, and no other incident says why.
    Route,
    /// One model.
    Model,
    /// The provider refuses a credential.
    Credential,
    /// Several models of one provider, or all of it.
    Provider,
}

/// One model in an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPart {
    /// Its name in the configuration.
    pub id: String,
    /// Whose it is.
    pub provider: String,
    /// The worst verdict that it had; `disabled` when only an operator's switch was on it.
    pub worst: String,
    /// Its verdict now, or at the end; `removed` when the configuration no longer has it.
    pub verdict: String,
    /// Since when it is in the incident.
    pub since: f64,
    /// Why it is in it, in words: the first reason.
    pub why: String,
    /// What speaks against it.
    pub evidence: Evidence,
}

/// What was seen of a model around and during an incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The worst failure ratio of any minute, 0 to 1; slow answers count half.
    pub failure_ratio: Option<f64>,
    /// Attempts that ended, since a minute or two before it began.
    pub calls: u64,
    /// Those of them that speak against the model.
    pub failures: u64,
    /// Attempts by class, as in `sidestep_attempts_total`; those that were well are left out.
    pub classes: BTreeMap<String, u64>,
    /// Seconds to the first token that 95 of 100 answers stay below, by its history before it began.
    pub first_token_p95_before: Option<f64>,
    /// The same at its worst since.
    pub first_token_p95_worst: Option<f64>,
}

/// Calls that would have been answered by a model in the incident. Each is counted once, by how it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Answered whole by another target.
    pub rerouted: u64,
    /// Answered whole, though the model that began broke off: another one went on.
    pub rescued: u64,
    /// Refused by Sidestep, for nobody could take them.
    pub refused: u64,
    /// Asked of others too, and answered by none.
    pub failed: u64,
    /// Begun and not finished; the application was told.
    pub cut: u64,
}

/// What an incident cost beyond the usual.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extra {
    /// Tokens of answers that were thrown away, of prompts that were read twice, and of probes.
    pub tokens: u64,
    /// US dollars for those tokens, and the difference in price where another model answered; below 0 when the others
    /// were cheaper. `None` when a price is not known.
    pub usd: Option<f64>,
}

// === impl Scope ===

impl Scope {
    /// The scope as it stands in JSON and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Route => "route",
            Self::Model => "model",
            Self::Credential => "credential",
            Self::Provider => "provider",
        }
    }
}

// === impl Incident ===

impl Incident {
    /// An incident of which nothing is known yet.
    pub(super) fn blank(now: f64) -> Incident {
        Incident {
            id: String::new(),
            title: String::new(),
            scope: Scope::Operator,
            started: now,
            ended: None,
            updated: now,
            providers: BTreeSet::new(),
            models: Vec::new(),
            models_omitted: 0,
            decisions: Vec::new(),
            omitted: 0,
            calls: Calls::default(),
            extra: Extra::NONE,
            rehearsal: false,
            relapses: 0,
            interrupted: false,
        }
    }

    /// Adds a decision; in the middle of a long row the oldest one makes room.
    pub(super) fn decide(&mut self, entry: Entry) {
        if self.decisions.len() >= DECISIONS {
            self.decisions.remove(FIRST_DECISIONS);
            self.omitted += 1;
        }
        self.decisions.push(entry);
    }

    /// Adds a model, or counts it when there are too many.
    pub(super) fn join(&mut self, part: ModelPart) {
        if self.models.len() < MODELS {
            self.models.push(part);
        } else {
            self.models_omitted += 1;
        }
    }

    /// Seconds that it has lasted by `now`, or lasted.
    #[must_use]
    pub fn seconds(&self, now: f64) -> f64 {
        (self.ended.unwrap_or(now) - self.started).max(0.0)
    }
}

// === impl Calls ===

impl Calls {
    /// Both together.
    #[must_use]
    pub(super) fn plus(self, other: Calls) -> Calls {
        Calls {
            rerouted: self.rerouted + other.rerouted,
            rescued: self.rescued + other.rescued,
            refused: self.refused + other.refused,
            failed: self.failed + other.failed,
            cut: self.cut + other.cut,
        }
    }

    /// Calls whose callers saw an error.
    #[must_use]
    pub fn noticed(&self) -> u64 {
        self.refused + self.failed + self.cut
    }
}

// === impl Extra ===

impl Extra {
    /// Nothing so far.
    pub(super) const NONE: Extra = Extra { tokens: 0, usd: Some(0.0) };

    /// Both together.
    #[must_use]
    pub(super) fn plus(self, other: Extra) -> Extra {
        let usd = self.usd.zip(other.usd).map(|(one, other)| one + other);
        Extra { tokens: self.tokens + other.tokens, usd }
    }
}

// === impl Evidence ===

impl Evidence {
    /// Both together; of ratios and times the worse.
    #[must_use]
    pub(super) fn plus(mut self, other: &Evidence) -> Evidence {
        self.failure_ratio = worse(self.failure_ratio, other.failure_ratio);
        self.first_token_p95_worst = worse(self.first_token_p95_worst, other.first_token_p95_worst);
        self.first_token_p95_before = self.first_token_p95_before.or(other.first_token_p95_before);
        self.calls += other.calls;
        self.failures += other.failures;
        for (class, count) in &other.classes {
            *self.classes.entry(class.clone()).or_default() += count;
        }
        self
    }
}

/// The larger of two figures that may not be known.
pub(super) fn worse(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.zip(other).map(|(one, other)| one.max(other)).or(one).or(other)
}
