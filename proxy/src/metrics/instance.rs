//! Families with one series, or a fixed few, per process.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Result};

use super::incident::IncidentMetrics;
use super::labels::{Listener, ReloadResult};
use super::register::{Register, Slots};

/// Distinct `field` labels at most; the rest is counted as `other`.
const FIELDS: usize = 64;

pub(super) struct Instance {
    degraded: IntCounterVec,
    degraded_known: Mutex<HashSet<String>>,
    pub(super) history_repaired: IntCounter,
    pub(super) evidence_dropped: IntCounter,
    pub(super) switches: IntGauge,
    pub(super) reloads: Slots<IntCounter>,
    pub(super) reloaded_at: Gauge,
    pub(super) generation: IntGauge,
    pub(super) draining: IntGauge,
    pub(super) connections: Slots<IntGauge>,
    pub(super) task_panics: IntCounter,
    pub(super) incidents: IncidentMetrics,
}

/// Counts one open connection for as long as it lives.
pub struct ConnectionGuard(Option<IntGauge>);

impl Instance {
    pub(super) fn new(to: &Register<'_>) -> Result<Self> {
        let build =
            to.gauge_family("sidestep_build_info", "Always 1; the version is a label.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let degraded = to.counter_family(
            "sidestep_degraded_fields_total",
            "Request fields dropped because the target cannot take them.",
            &["field"],
        )?;
        degraded.with_label_values(&["other"]);
        Ok(Self {
            degraded,
            degraded_known: Mutex::default(),
            history_repaired: to.counter(
                "sidestep_history_repaired_total",
                "Requests whose history held parts only another vendor can read, and was mended.",
            )?,
            evidence_dropped: to
                .counter("sidestep_evidence_dropped_total", "Evidence lost to a full queue.")?,
            switches: to.gauge("sidestep_switches_active", "Operators' switches in force.")?,
            reloads: to.counters::<ReloadResult>(
                "sidestep_config_reloads_total",
                "Changed configurations seen.",
                "result",
            )?,
            reloaded_at: to.ratio(
                "sidestep_config_last_success_timestamp_seconds",
                "Unix time of the last configuration put in force.",
            )?,
            generation: to
                .gauge("sidestep_config_generation", "Generation of the configuration in force.")?,
            draining: to.gauge("sidestep_draining", "1 while shutting down.")?,
            connections: to.gauges::<Listener>(
                "sidestep_connections_open",
                "Open connections.",
                "listener",
            )?,
            task_panics: to.counter("sidestep_task_panics_total", "Background tasks that panicked.")?,
            incidents: IncidentMetrics::new(to)?,
        })
    }

    /// Counts one dropped field; the number of distinct labels is bounded.
    pub(super) fn degraded(&self, field: &str) {
        let mut known = self.degraded_known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(field) && known.len() < FIELDS {
            known.insert(field.to_owned());
        }
        let label = if known.contains(field) { field } else { "other" };
        self.degraded.with_label_values(&[label]).inc();
    }
}

impl ConnectionGuard {
    pub(super) fn open(gauge: Option<&IntGauge>) -> Self {
        if let Some(gauge) = gauge {
            gauge.inc();
        }
        Self(gauge.cloned())
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if let Some(gauge) = &self.0 {
            gauge.dec();
        }
    }
}
