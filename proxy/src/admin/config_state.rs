//! Which configuration is in force, since when, and what became of the last attempt to change it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::clock::Clock;
use crate::journal::{Journal, Kind};
use crate::metrics::{Metrics, ReloadResult};

/// Told by whoever loads configurations; shown on the status page, in the journal and in metrics.
pub struct ConfigState {
    clock: Clock,
    metrics: Arc<Metrics>,
    journal: Arc<Journal>,
    report: Mutex<ConfigReport>,
}

/// What the status page says of the configuration.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigReport {
    /// The file, or `environment`.
    pub source: String,
    /// Counts up with every configuration put in force.
    pub generation: u64,
    /// Seconds since 1970: when the present one came into force.
    pub applied_at: f64,
    /// The last attempt to change it, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reload: Option<Reload>,
}

/// One attempt to change the configuration.
#[derive(Clone, Debug, Serialize)]
pub struct Reload {
    /// Seconds since 1970.
    pub at: f64,
    /// `applied` or `rejected`.
    pub result: &'static str,
    /// Why it was rejected: the error as `sidestep check` would print it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ConfigState {
    /// The first configuration, from `source`, is in force.
    pub fn new(clock: Clock, metrics: Arc<Metrics>, journal: Arc<Journal>, source: &str) -> Self {
        let applied_at = clock.unix_now();
        let report = ConfigReport { source: source.to_owned(), generation: 1, applied_at, last_reload: None };
        metrics.config_in_force(1, applied_at);
        Self { clock, metrics, journal, report: Mutex::new(report) }
    }

    /// A changed configuration came into force.
    pub fn applied(&self, generation: u64) {
        let at = self.clock.unix_now();
        let mut report = self.report();
        report.generation = generation;
        report.applied_at = at;
        report.last_reload = Some(Reload { at, result: ReloadResult::Applied.as_str(), error: None });
        self.metrics.config_applied(generation, at);
        tracing::info!(source = report.source, generation, "a new configuration is in force");
        let why = format!("generation {generation} is in force");
        self.journal.note_state(Kind::Config, &report.source, Some(ReloadResult::Applied.as_str()), &why);
    }

    /// A changed configuration was refused; the old one stays. `error` must not hold secrets.
    pub fn rejected(&self, error: &str) {
        let at = self.clock.unix_now();
        let mut report = self.report();
        report.last_reload =
            Some(Reload { at, result: ReloadResult::Rejected.as_str(), error: Some(error.to_owned()) });
        self.metrics.config_rejected();
        tracing::error!(source = report.source, error, "a new configuration is refused; the old one stays");
        let line = error.lines().next().unwrap_or("no reason given");
        let why = format!("refused, the old one stays: {line}");
        self.journal.note_state(Kind::Config, &report.source, Some(ReloadResult::Rejected.as_str()), &why);
    }

    /// A copy for the status page.
    pub fn now(&self) -> ConfigReport {
        self.report().clone()
    }

    fn report(&self) -> MutexGuard<'_, ConfigReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
