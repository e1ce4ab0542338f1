//! A prober as the health model wants it: every 15 s while healthy, else at the policy's gap, jittered by
//! 20 %, three of four replaced by users who were answered within the last 10 s.

use std::time::Duration;

use rand::{Rng, rngs::SmallRng};
use sidestep_table::{Cell, Moment, ProbeKind, Verdict};

const HEALTHY: Duration = Duration::from_secs(15);
const JUST_NOW: Duration = Duration::from_secs(10);
const ONE_IN: u32 = 4;

pub(crate) struct Prober {
    gap: Duration,
    last: Moment,
    jitter: f64,
    answered: Option<Moment>,
    replaced: u32,
}

// === impl Prober ===

impl Prober {
    pub(crate) fn new(gap: Duration) -> Self {
        Self { gap, last: Moment::ORIGIN, jitter: 1.0, answered: None, replaced: 0 }
    }

    pub(crate) fn users_were_answered(&mut self, now: Moment) {
        self.answered = Some(now);
    }

    /// When the next probe is due; sooner as soon as something smells.
    pub(crate) fn next(&self, cell: &Cell) -> Moment {
        let calm = cell.standing().verdict == Verdict::Healthy && !cell.wants_attention();
        let interval = if calm { HEALTHY } else { self.gap };
        self.last + interval.mul_f64(self.jitter)
    }

    /// What to ask now, if anything.
    pub(crate) fn due(&mut self, cell: &Cell, now: Moment, draw: &mut SmallRng) -> Option<ProbeKind> {
        if now < self.next(cell) {
            return None;
        }
        self.last = now;
        self.jitter = draw.random_range(0.8..1.2);
        let users = self.answered.is_some_and(|at| now.saturating_since(at) < JUST_NOW);
        if users && self.replaced + 1 < ONE_IN {
            self.replaced += 1;
            return None;
        }
        self.replaced = 0;
        Some(match draw.random_range(0..10) {
            0 => ProbeKind::Context,
            1 | 2 => ProbeKind::Tool,
            _ => ProbeKind::Echo,
        })
    }
}
