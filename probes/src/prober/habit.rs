//! What was learnt of one model from its probes.

use sidestep_table::ProbeKind;

use crate::budget::{Amount, Tokens};
use crate::prompt::Room;
use crate::score::Score;

/// What was learnt of one model.
#[derive(Clone, Copy, Default)]
pub(super) struct Habit {
    pub(super) room: Room,
    /// The most that a probe of each kind ever cost: estimates are not lower.
    dearest: [Amount; 3],
    /// The most that the vendor said a probe of each kind cost.
    told: [Option<Tokens>; 3],
}

// === impl Habit ===

impl Habit {
    pub(super) fn dearest(&self, kind: ProbeKind) -> Amount {
        self.dearest[slot(kind)]
    }

    /// What a probe cost that broke off before its vendor told: as much as the dearest of its kind that was told, or
    /// all that it may have cost if none was. An outage is full of such probes, most of which cost nothing.
    pub(super) fn untold(&self, kind: ProbeKind, bound: Tokens) -> Tokens {
        self.told[slot(kind)].unwrap_or(bound)
    }

    /// The vendor told what a probe cost.
    pub(super) fn tell(&mut self, kind: ProbeKind, cost: Tokens) {
        let before = self.told[slot(kind)].unwrap_or_default();
        let told = Tokens { input: cost.input.max(before.input), output: cost.output.max(before.output) };
        self.told[slot(kind)] = Some(told);
    }

    pub(super) fn learn(&mut self, kind: ProbeKind, score: &Score, actual: Amount) {
        let dearest = &mut self.dearest[slot(kind)];
        *dearest = actual.max(*dearest);
        if score.cut {
            self.room = Room::Ample;
        }
    }
}

fn slot(kind: ProbeKind) -> usize {
    match kind {
        ProbeKind::Echo => 0,
        ProbeKind::Tool => 1,
        ProbeKind::Context => 2,
    }
}
