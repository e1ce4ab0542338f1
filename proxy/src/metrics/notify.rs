//! Families with one series for each target of `notify:`.

use std::collections::BTreeSet;
use std::sync::Arc;

use prometheus::{IntCounter, IntCounterVec, IntGauge, Result};

use super::Metrics;
use super::labels::Label;
use super::register::{Register, Slots};
use crate::config::NotifyEvent;

/// What became of something that was to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyOutcome {
    /// The target took it.
    Sent,
    /// It was given up.
    Failed,
    /// There was no room for it, or no time at the end.
    Dropped,
    /// What was told later includes it.
    Merged,
}

/// The handles of one target.
pub struct TargetMetrics {
    finished: Vec<Slots<IntCounter>>,
    failed: IntCounter,
    waiting: IntGauge,
}

// === impl NotifyOutcome ===

impl Label for NotifyOutcome {
    const NAMES: &'static [&'static str] = &["sent", "failed", "dropped", "merged"];

    fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Merged => "merged",
        }
    }
}

// === impl TargetMetrics ===

impl TargetMetrics {
    pub(super) fn new(to: &Register<'_>) -> Result<Self> {
        let family: IntCounterVec = to.counter_family(
            "sidestep_notifications_total",
            "Notifications, by what became of them.",
            &["event", "outcome"],
        )?;
        let of = |event: &NotifyEvent| {
            Slots::resolve::<NotifyOutcome>(|outcome| family.with_label_values(&[event.as_str(), outcome]))
        };
        Ok(Self {
            finished: NotifyEvent::ALL.iter().map(of).collect(),
            failed: to.counter(
                "sidestep_notification_attempts_failed_total",
                "Attempts to send a notification that failed.",
            )?,
            waiting: to.gauge("sidestep_notifications_waiting", "Notifications that wait to be sent.")?,
        })
    }

    /// Counts one notification that was sent or will not be.
    pub fn finished(&self, event: NotifyEvent, outcome: NotifyOutcome) {
        let at = NotifyEvent::ALL.iter().position(|known| *known == event);
        if let Some(slots) = at.and_then(|at| self.finished.get(at)) {
            slots.add(outcome, 1);
        }
    }

    /// Counts one attempt that failed.
    pub fn attempt_failed(&self) {
        self.failed.inc();
    }

    /// Publishes how many wait.
    pub fn waiting(&self, letters: usize) {
        self.waiting.set(i64::try_from(letters).unwrap_or(i64::MAX));
    }
}

// === impl Metrics ===

impl Metrics {
    /// The handles of a target by its name; the same ones until it is retired.
    pub fn target(&self, name: &str) -> Option<Arc<TargetMetrics>> {
        self.owned(&mut self.owners().targets, name.to_owned(), &[("target", name)], TargetMetrics::new)
    }

    /// Forgets every target but those of these names.
    pub fn retire_targets(&self, names: &BTreeSet<String>) {
        self.keep(&mut self.owners().targets, names);
    }
}
