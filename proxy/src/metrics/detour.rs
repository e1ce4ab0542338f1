//! Calls of one route that did not stay with their first choice, for whoever samples them. Not scraped:
//! `sidestep_requests_total` says the same.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sidestep_table::ModelIndex;

use super::labels::Outcome;

/// Both models of a detour fit into one word with this many bits each, and leave the rest for the generation.
const BITS: u32 = 16;
const MASK: u64 = (1 << BITS) - 1;

/// One route's counters.
#[derive(Default)]
pub struct Detours {
    rerouted: AtomicU64,
    rescued: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    latest: AtomicU64,
}

/// How many detours there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetourCounts {
    /// Calls that another target answered.
    pub rerouted: u64,
    /// Answers that another target finished.
    pub rescued: u64,
    /// Calls that Sidestep refused.
    pub refused: u64,
    /// Calls that failed or were cut.
    pub lost: u64,
}

// === impl Detours ===

impl Detours {
    /// Counts one call that `from` would have answered; `to` did it instead, if anybody did. Both are positions in the
    /// topology of this `generation`.
    pub fn take(&self, outcome: Outcome, from: ModelIndex, to: Option<ModelIndex>, generation: u64) {
        // Before the count, so that whoever sees the count sees the names.
        self.latest.store(pack(generation) | place(Some(from)) << BITS | place(to), Relaxed);
        match outcome {
            Outcome::Rerouted => self.rerouted.fetch_add(1, Relaxed),
            Outcome::Rescued => self.rescued.fetch_add(1, Relaxed),
            Outcome::Refused => self.refused.fetch_add(1, Relaxed),
            _ => self.lost.fetch_add(1, Relaxed),
        };
    }

    /// So far.
    pub fn counts(&self) -> DetourCounts {
        DetourCounts {
            rerouted: self.rerouted.load(Relaxed),
            rescued: self.rescued.load(Relaxed),
            refused: self.refused.load(Relaxed),
            lost: self.lost.load(Relaxed),
        }
    }

    /// Who did not answer the latest such call and who did, in the topology of `generation`; nothing when the latest is
    /// of another one.
    pub fn latest(&self, generation: u64) -> (Option<ModelIndex>, Option<ModelIndex>) {
        let word = self.latest.load(Relaxed);
        if word & !(MASK << BITS | MASK) != pack(generation) {
            return (None, None);
        }
        (model(word >> BITS), model(word))
    }
}

fn pack(generation: u64) -> u64 {
    generation << (2 * BITS)
}

/// One up, so that 0 is nobody; whoever does not fit is nobody too.
fn place(model: Option<ModelIndex>) -> u64 {
    model.map_or(0, |model| model.get() as u64 + 1) & MASK
}

fn model(word: u64) -> Option<ModelIndex> {
    let place = usize::try_from(word & MASK).ok()?;
    place.checked_sub(1).map(ModelIndex::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_detour_is_named_within_its_generation() {
        let (detours, at) = (Detours::default(), ModelIndex::new);
        assert_eq!(detours.latest(0), (None, None));
        detours.take(Outcome::Rerouted, at(0), Some(at(700)), 3);
        assert_eq!(detours.latest(3), (Some(at(0)), Some(at(700))));
        assert_eq!(detours.latest(4), (None, None));
        detours.take(Outcome::Refused, at(2), None, 4);
        assert_eq!(detours.latest(4), (Some(at(2)), None));
        assert_eq!(detours.counts(), DetourCounts { rerouted: 1, rescued: 0, refused: 1, lost: 0 });
    }
}
