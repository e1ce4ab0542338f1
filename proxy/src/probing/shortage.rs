//! Notes in the journal that probes are withheld, for their budget is spent, and that it suffices again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::journal::{BEGUN, Journal, Kind, OVER};
use crate::metrics::Metrics;

/// The budget comes back drop by drop: it suffices again when no probe was withheld for so long.
const QUIET: Duration = Duration::from_secs(600);

/// Whether the probe budget suffices.
pub(super) struct Shortage {
    journal: Arc<Journal>,
    metrics: Arc<Metrics>,
    /// When a probe was withheld last, while it does not suffice.
    withheld: Mutex<Option<Instant>>,
}

// === impl Shortage ===

impl Shortage {
    pub(super) fn new(journal: &Arc<Journal>, metrics: &Arc<Metrics>) -> Shortage {
        Shortage { journal: journal.clone(), metrics: metrics.clone(), withheld: Mutex::default() }
    }

    /// A probe was due, and was not sent.
    pub(super) fn withheld(&self) {
        let before = self.locked().replace(Instant::now());
        if before.is_none() {
            let spent = self.spent();
            let why =
                format!("the probe budget is spent, {spent}; models that are out of service come back late");
            tracing::warn!("{why}");
            self.journal.note_state(Kind::Probes, "probes.budget", Some(BEGUN), &why);
        }
    }

    /// A probe was sent.
    pub(super) fn sent(&self) {
        let mut withheld = self.locked();
        if withheld.is_some_and(|at| at.elapsed() >= QUIET) {
            *withheld = None;
            let why = format!("the probe budget suffices again, {}", self.spent());
            tracing::info!("{why}");
            self.journal.note_state(Kind::Probes, "probes.budget", Some(OVER), &why);
        }
    }

    fn spent(&self) -> String {
        let (usd, tokens) = self.metrics.probe_spend();
        format!("{tokens} tokens and {usd:.4} USD since the start")
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        // Nothing that can panic runs under this lock.
        self.withheld.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test(start_paused = true)]
    async fn each_shortage_is_noted_once_and_so_is_its_end() {
        let journal = Arc::new(Journal::new(Clock::start()));
        let shortage = Shortage::new(&journal, &Metrics::new().unwrap());
        shortage.sent();
        for _ in 0..100 {
            shortage.withheld();
            shortage.sent();
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(journal.recent(9).len(), 1, "one that is cheap enough now and then does not end it");
        tokio::time::sleep(QUIET).await;
        shortage.sent();
        shortage.sent();
        shortage.withheld();
        let noted = journal.recent(9);
        let states: Vec<_> = noted.iter().map(|entry| entry.to.as_deref().unwrap()).collect();
        assert_eq!(states, [BEGUN, OVER, BEGUN]);
        assert!(noted[0].why.contains("0 tokens and 0.0000 USD"), "{}", noted[0].why);
    }
}
