//! One rehearsal in force.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use sidestep_table::{ModelId, Moment, ProviderId, Subject};
use tokio_util::sync::CancellationToken;

use super::Disturbance;
use crate::clock::Reading;
use crate::config::FaultsConfig;
use crate::metrics::ProviderMetrics;

/// A fault that is set.
pub struct Rehearsal {
    pub(super) provider: ProviderId,
    pub(super) subject: Subject,
    pub(super) disturbance: Disturbance,
    pub(super) rate: f64,
    pub(super) reason: String,
    pub(super) actor: String,
    pub(super) even_all: bool,
    pub(super) since: Moment,
    pub(super) until: Moment,
    pub(super) metrics: Arc<ProviderMetrics>,
    /// Cancelled at the end: whatever hangs because of it is let go.
    pub(super) over: CancellationToken,
    pub(super) met: AtomicU64,
    pub(super) injected: AtomicU64,
}

/// A rehearsal as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct RehearsalReport {
    /// The provider's or the model's name.
    pub subject: String,
    /// `provider` or `model`.
    pub level: &'static str,
    /// The provider that it concerns.
    pub provider: String,
    /// What it does.
    pub fault: Disturbance,
    /// The same in words.
    pub what: String,
    /// The part of attempts that it hits, 0 to 1.
    pub rate: f64,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub actor: String,
    /// Seconds since 1970.
    pub since: f64,
    /// Seconds since 1970.
    pub until: f64,
    /// Seconds.
    pub left_seconds: f64,
    /// Attempts that met it, probes included.
    pub met: u64,
    /// Those of them that it hit.
    pub injected: u64,
}

/// Why a rehearsal ended.
pub(super) enum Ending<'a> {
    RanOut,
    Cleared(&'a str),
    Replaced(&'a str),
    Forbidden,
    Gone,
    Overtaken(Arc<str>),
}

impl Rehearsal {
    /// Whether it stands in the way of a request to `provider`, about `model` if it is about one.
    pub(super) fn concerns(&self, provider: &ProviderId, model: Option<&ModelId>) -> bool {
        match &self.subject {
            Subject::Provider(id) => id == provider,
            Subject::Model(id) => model == Some(id),
        }
    }

    pub(super) fn is_of_a_model(&self) -> bool {
        matches!(self.subject, Subject::Model(_))
    }

    pub(super) fn name(&self) -> &str {
        match &self.subject {
            Subject::Provider(id) => id,
            Subject::Model(id) => id,
        }
    }

    /// Counts one more attempt that comes by, and says whether it is hit. `drawn` is even in 0..1.
    pub(super) fn meet(&self, drawn: f64) -> bool {
        self.met.fetch_add(1, Ordering::Relaxed);
        let hit = drawn < self.rate;
        if hit {
            self.injected.fetch_add(1, Ordering::Relaxed);
            self.metrics.injected(self.disturbance);
        }
        hit
    }

    /// Whether one like this could be set under `allowed`.
    pub(super) fn is_allowed(&self, allowed: &FaultsConfig) -> bool {
        let length = self.until.saturating_since(self.since);
        allowed.allow && self.rate <= allowed.max_rate && length <= allowed.max_duration
    }

    pub(super) fn begun(&self) -> String {
        let length = self.until.saturating_since(self.since);
        format!(
            "rehearsal begun: {} for {:.0} % of attempts, for {length:?}, by {}: {}",
            self.disturbance,
            self.rate * 100.0,
            self.actor,
            self.reason
        )
    }

    pub(super) fn ended(&self, ending: &Ending<'_>) -> String {
        let hit = format!(
            "{} of {} attempts hit",
            self.injected.load(Ordering::Relaxed),
            self.met.load(Ordering::Relaxed)
        );
        match ending {
            Ending::RanOut => format!("rehearsal over: its time is up; {hit}"),
            Ending::Cleared(actor) => format!("rehearsal ended by {actor}; {hit}"),
            Ending::Replaced(actor) => format!("rehearsal replaced by {actor}; {hit}"),
            Ending::Forbidden => format!("rehearsal ended: the configuration no longer allows it; {hit}"),
            Ending::Gone => format!("rehearsal ended: the configuration no longer has it; {hit}"),
            Ending::Overtaken(route) => {
                format!("rehearsal ended: `{route}` has nobody else to answer, this is no rehearsal; {hit}")
            }
        }
    }
}

impl RehearsalReport {
    pub(super) fn of(one: &Rehearsal, now: Reading) -> RehearsalReport {
        let until = now.unix(one.until);
        RehearsalReport {
            subject: one.name().to_owned(),
            level: if one.is_of_a_model() { "model" } else { "provider" },
            provider: one.provider.to_string(),
            fault: one.disturbance,
            what: one.disturbance.to_string(),
            rate: one.rate,
            reason: one.reason.clone(),
            actor: one.actor.clone(),
            since: now.unix(one.since),
            until,
            left_seconds: (until - now.unix_seconds()).max(0.0),
            met: one.met.load(Ordering::Relaxed),
            injected: one.injected.load(Ordering::Relaxed),
        }
    }
}
