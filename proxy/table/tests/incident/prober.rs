//! A prober as the health model wants it: every 15 s while healthy, else at the policy's gap, a fifth of it while an open
//! model's probes pass, jittered by 20 %, one at a time, three of four replaced by users who were answered within the
//! last 10 s.

use std::time::Duration;

use rand::{Rng, rngs::SmallRng};
use sidestep_table::{Cell, Moment, ProbeKind, Verdict};

const HEALTHY: Duration = Duration::from_secs(15);
const JUST_NOW: Duration = Duration::from_secs(10);
const ONE_IN: u32 = 4;

pub(crate) struct Prober {
    gap: Duration,
    last: Moment,
    /// When the last one's answer came; `None` while it is awaited.
    landed: Option<Moment>,
    jitter: f64,
    answered: Option<Moment>,
    replaced: u32,
}

// === impl Prober ===

impl Prober {
    pub(crate) fn new(gap: Duration) -> Self {
        let at = Moment::ORIGIN;
        Self { gap, last: at, landed: Some(at), jitter: 1.0, answered: None, replaced: 0 }
    }

    pub(crate) fn users_were_answered(&mut self, now: Moment) {
        self.answered = Some(now);
    }

    pub(crate) fn was_answered(&mut self, now: Moment) {
        self.landed = Some(now);
    }

    /// When the next probe is due; sooner as soon as something smells, or mends.
    pub(crate) fn next(&self, cell: &Cell) -> Option<Moment> {
        let landed = self.landed?;
        let (from, interval, rest) = match cell.standing().verdict {
            Verdict::HalfOpen => (landed, self.gap, self.gap / 5),
            Verdict::Open if cell.is_mending() => (self.last, self.gap / 5, Duration::ZERO),
            Verdict::Healthy if !cell.wants_attention() => (self.last, HEALTHY, self.gap / 5),
            _ => (self.last, self.gap, self.gap / 5),
        };
        Some((from + interval.mul_f64(self.jitter)).max(landed + rest))
    }

    /// What to ask now, if anything.
    pub(crate) fn due(&mut self, cell: &Cell, now: Moment, draw: &mut SmallRng) -> Option<ProbeKind> {
        if self.next(cell).is_none_or(|next| now < next) {
            return None;
        }
        self.last = now;
        self.jitter = draw.random_range(0.8..1.2);
        let users = self.answered.is_some_and(|at| now.saturating_since(at) < JUST_NOW);
        if users && cell.standing().verdict == Verdict::Healthy && self.replaced + 1 < ONE_IN {
            self.replaced += 1;
            return None;
        }
        self.replaced = 0;
        self.landed = None;
        Some(match draw.random_range(0..10) {
            0 => ProbeKind::Context,
            1 | 2 => ProbeKind::Tool,
            _ => ProbeKind::Echo,
        })
    }
}
