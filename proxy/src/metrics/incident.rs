//! Families about the incident record.

use prometheus::{IntCounter, IntGauge, Result};

use super::Metrics;
use super::labels::Label;
use super::register::{Register, Slots};
use crate::incidents::Scope;

pub(super) struct IncidentMetrics {
    began: Slots<IntCounter>,
    open: IntGauge,
    file_errors: IntCounter,
}

impl IncidentMetrics {
    pub(super) fn new(to: &Register<'_>) -> Result<Self> {
        Ok(Self {
            began: to.counters::<Scope>(
                "sidestep_incidents_total",
                "Incidents that began, by how far they reached then.",
                "scope",
            )?,
            open: to.gauge("sidestep_incidents_open", "Incidents under way.")?,
            file_errors: to.counter(
                "sidestep_incident_file_errors_total",
                "Times that incidents could not be written to disk or read from it.",
            )?,
        })
    }
}

impl Metrics {
    /// Counts one incident that began.
    pub fn incident(&self, scope: Scope) {
        self.instance.incidents.began.add(scope, 1);
    }

    /// Publishes how many incidents are under way.
    pub fn incidents_open(&self, amount: usize) {
        self.instance.incidents.open.set(i64::try_from(amount).unwrap_or(i64::MAX));
    }

    /// Counts one failure to write incidents to disk or to read one from it.
    pub fn incident_file_failed(&self) {
        self.instance.incidents.file_errors.inc();
    }
}

impl Label for Scope {
    const NAMES: &'static [&'static str] = &["operator", "route", "model", "credential", "provider"];

    fn name(self) -> &'static str {
        self.as_str()
    }
}
