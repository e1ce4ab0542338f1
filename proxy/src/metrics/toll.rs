//! What a model's troubles did to the calls that would have been its own. Plain counters that the incident record
//! reads; they are not scraped, for routes and models have families that say the same by other labels.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use sidestep_table::Fault;

use super::labels::Outcome;
use crate::surplus::Surplus;

/// Every fault in words, in the order of the counters.
pub const FAULTS: [(Fault, &str); 8] = [
    (Fault::Connect, "no connection"),
    (Fault::Tls, "no secure connection"),
    (Fault::Status, "status 5xx or 408"),
    (Fault::FirstTokenTimeout, "no first token in time"),
    (Fault::Stall, "stalled"),
    (Fault::Truncated, "ended early"),
    (Fault::Broken, "unreadable answer"),
    (Fault::InBand, "error inside a 200"),
];

/// One model's counters.
#[derive(Default)]
pub struct Toll {
    rerouted: AtomicU64,
    rescued: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    cut: AtomicU64,
    tokens: AtomicU64,
    nano_usd: AtomicI64,
    unpriced: AtomicU64,
    faults: [AtomicU64; FAULTS.len()],
}

// === impl Toll ===

impl Toll {
    /// Counts one call that this model would have answered and did not, or not to its end.
    pub fn take(&self, outcome: Outcome, surplus: Surplus) {
        let counter = match outcome {
            Outcome::Rerouted => &self.rerouted,
            Outcome::Rescued => &self.rescued,
            Outcome::Refused => &self.refused,
            Outcome::Failed => &self.failed,
            Outcome::Cut => &self.cut,
            Outcome::Answered | Outcome::Rejected | Outcome::Cancelled => return,
        };
        counter.fetch_add(1, Relaxed);
        if surplus != Surplus::default() {
            self.tokens.fetch_add(surplus.tokens, Relaxed);
            self.nano_usd.fetch_add(surplus.nano_usd, Relaxed);
            self.unpriced.fetch_add(u64::from(surplus.unpriced), Relaxed);
        }
    }

    /// Calls so far: rerouted, rescued, refused, failed, cut.
    pub fn calls(&self) -> [u64; 5] {
        [&self.rerouted, &self.rescued, &self.refused, &self.failed, &self.cut]
            .map(|counter| counter.load(Relaxed))
    }

    /// Tokens and billionths of a US dollar so far, and how many calls had no price.
    pub fn surplus(&self) -> (u64, i64, u64) {
        (self.tokens.load(Relaxed), self.nano_usd.load(Relaxed), self.unpriced.load(Relaxed))
    }

    /// Failed attempts so far, in the order of [`FAULTS`].
    pub fn faults(&self) -> [u64; FAULTS.len()] {
        std::array::from_fn(|slot| self.faults[slot].load(Relaxed))
    }

    pub(super) fn fault(&self, fault: Fault) {
        let slot = FAULTS.iter().position(|(known, _)| *known == fault);
        if let Some(counter) = slot.and_then(|slot| self.faults.get(slot)) {
            counter.fetch_add(1, Relaxed);
        }
    }
}
