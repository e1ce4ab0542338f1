//! What is planned for one model.

use std::cmp::Reverse;
use std::time::Duration;

use rand::Rng;
use rand::rngs::SmallRng;
use sidestep_table::{ModelId, Moment, Verdict};

use super::{Cadence, Sight};
use crate::budget::Errand;

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) sight: Sight,
    pub(super) pace: Pace,
    pub(super) due: Moment,
    pub(super) started: Option<Moment>,
    pub(super) flying: bool,
    pub(super) hurried: bool,
    pub(super) replaced: u32,
    pub(super) trials: u32,
}

/// Slowest first: a later variant is more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    Never,
    Idle,
    Healthy,
    Frugal,
    Unwell,
    Mending,
    Trial,
}

// === impl Sight ===

impl Sight {
    pub(super) fn pace(&self, cadence: &Cadence, now: Moment) -> Pace {
        match self.verdict {
            // An operator's word binds probes too: nothing is sent to what was switched off.
            Verdict::Disabled if self.switched => Pace::Never,
            // Unknown to its provider: asking costs nothing, and only an answer brings it back.
            Verdict::Disabled => Pace::Healthy,
            Verdict::HalfOpen => Pace::Trial,
            Verdict::Open if self.mending => Pace::Mending,
            Verdict::Degraded | Verdict::Open | Verdict::Ramping => Pace::Unwell,
            Verdict::Healthy if self.suspect => Pace::Unwell,
            Verdict::Healthy if within(self.last_traffic, cadence.idle_after, now) => Pace::Healthy,
            Verdict::Healthy => Pace::Idle,
        }
    }
}

// === impl Plan ===

impl Plan {
    pub(super) fn new(sight: Sight, pace: Pace, due: Moment) -> Self {
        Self { sight, pace, due, started: None, flying: false, hurried: false, replaced: 0, trials: 0 }
    }

    pub(super) fn update(&mut self, sight: Sight, pace: Pace) {
        // Half-open is decided by probes, so the first goes out at once; a new suspicion wants to be settled.
        let on_trial = pace == Pace::Trial && self.pace != Pace::Trial;
        let suspected = sight.suspect && !self.sight.suspect && pace != Pace::Never;
        self.hurried |= on_trial || (suspected && self.trials == 0);
        if pace != Pace::Trial {
            self.trials = 0;
        }
        self.sight = sight;
        self.pace = pace;
    }

    /// `wait` after the last start, or now when that is past.
    pub(super) fn after(&self, wait: Duration, now: Moment) -> Moment {
        self.started.map_or(now, |started| (started + wait).max(now))
    }

    pub(super) fn quiet_until(&self, cadence: &Cadence, now: Moment) -> Moment {
        let Some(until) = self.sight.limited_until else { return now };
        // A limiter can be closed for hours; one question per idle interval finds out that it need not be.
        until.min(self.started.map_or(now, |started| started + cadence.idle))
    }

    pub(super) fn stood_in_for(&self, cadence: &Cadence, now: Moment) -> bool {
        self.sight.verdict == Verdict::Healthy
            && self.pace == Pace::Healthy
            && !self.hurried
            && self.replaced < cadence.replaced
            && within(self.sight.last_success, cadence.fresh, now)
    }

    pub(super) fn errand(&self, hurried: bool) -> Errand {
        match self.sight.verdict {
            // Without its probes an open model comes back by the clock, well or not.
            Verdict::Open | Verdict::HalfOpen | Verdict::Ramping => Errand::Recovery,
            _ if hurried || self.pace >= Pace::Unwell => Errand::Alert,
            _ => Errand::Calm,
        }
    }

    /// Smallest first: urgency, then who waited longest, then the name, so that turns are reproducible.
    pub(super) fn rank(&self) -> (Reverse<(bool, Pace)>, Moment, ModelId) {
        (Reverse((self.hurried, self.pace)), self.due, self.sight.model.clone())
    }
}

fn within(at: Option<Moment>, window: Duration, now: Moment) -> bool {
    at.is_some_and(|at| now.saturating_since(at) <= window)
}

pub(super) fn jittered(cadence: &Cadence, pace: Pace, draw: &mut SmallRng) -> Duration {
    let jitter = cadence.jitter.clamp(0.0, 0.9);
    // Never early where the table counts probes only when they are a full interval apart.
    let low = if pace >= Pace::Mending { 0.0 } else { -jitter };
    let factor = if jitter > 0.0 { draw.random_range(low..=jitter) } else { 0.0 };
    cadence.interval(pace).mul_f64(1.0 + factor)
}
