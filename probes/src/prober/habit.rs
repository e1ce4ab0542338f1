//! What was learnt of one model from its probes.

use sidestep_table::ProbeKind;

use crate::budget::Amount;
use crate::prompt::Room;
use crate::score::Score;

/// What was learnt of one model.
#[derive(Clone, Copy, Default)]
pub(super) struct Habit {
    pub(super) room: Room,
    /// The most that a probe of each kind ever cost: estimates are not lower.
    pub(super) dearest: [Amount; 3],
}

// === impl Habit ===

impl Habit {
    pub(super) fn dearest(&self, kind: ProbeKind) -> Amount {
        self.dearest[slot(kind)]
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
