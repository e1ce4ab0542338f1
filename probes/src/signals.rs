//! What the rest of the process tells the prober: that traffic went well, and that a question cannot wait.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sidestep_table::{Class, Evidence, ModelId, Moment, Source};
use tokio::sync::Notify;

/// A handle to a running prober, cheap to clone. The single writer of verdicts feeds it; it never waits.
#[derive(Clone, Debug, Default)]
pub struct Signals(Arc<Board>);

/// When a model's traffic last ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When an answer last ended well and in time.
    pub success: Option<Moment>,
    /// When an answer last ended at all.
    pub traffic: Option<Moment>,
}

#[derive(Debug, Default)]
struct Board {
    pulses: Mutex<HashMap<ModelId, Pulse>>,
    hurried: Mutex<BTreeSet<ModelId>>,
    wake: Notify,
}

// === impl Signals ===

impl Signals {
    /// Notes one piece of evidence. Only traffic's leaves a trace: it stands in for probes.
    pub fn observe(&self, evidence: &Evidence, at: Moment) {
        if !matches!(evidence.source, Source::Traffic | Source::Canary | Source::LastResort) {
            return;
        }
        let mut pulses = held(&self.0.pulses);
        let pulse = pulses.entry(evidence.model.clone()).or_default();
        pulse.traffic = Some(at);
        if evidence.class == Class::Ok {
            pulse.success = Some(at);
        }
    }

    /// Asks for a probe of `model` now, as when its provider is suspect or its errors smell of more than
    /// the application's own mistakes. The floor between two probes and the budget still hold.
    pub fn probe_now(&self, model: &ModelId) {
        held(&self.0.hurried).insert(model.clone());
        self.0.wake.notify_one();
    }

    pub(crate) fn pulse(&self, model: &ModelId) -> Pulse {
        held(&self.0.pulses).get(model).copied().unwrap_or_default()
    }

    pub(crate) fn hurried(&self) -> BTreeSet<ModelId> {
        std::mem::take(&mut *held(&self.0.hurried))
    }

    pub(crate) fn keep(&self, known: impl Fn(&ModelId) -> bool) {
        held(&self.0.pulses).retain(|model, _| known(model));
    }

    pub(crate) async fn woken(&self) {
        self.0.wake.notified().await;
    }
}

/// A panic elsewhere leaves these maps whole: every change is one insert.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
