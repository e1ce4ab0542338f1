//! The way back: growing shares, under a limit that grows with success.

use crate::{
    evidence::Class,
    moment::Moment,
    policy::{Policy, STAGES},
};

/// Outcomes that a busy stage needs.
const ENOUGH: u32 = 8;
/// The canary limit begins here.
const FIRST_LIMIT: u32 = 2;
/// No limit needs to grow past this.
const LIMIT_CAP: u32 = 1 << 20;

/// Where a ramping model stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ramp {
    stage: usize,
    since: Moment,
    settled: u32,
    failed_halves: u32,
    probed: u32,
    canary_limit: u32,
}

// === impl Ramp ===

impl Ramp {
    pub(crate) fn new(now: Moment) -> Self {
        Self { stage: 0, since: now, settled: 0, failed_halves: 0, probed: 0, canary_limit: FIRST_LIMIT }
    }

    pub(crate) fn share(&self) -> u16 {
        STAGES[self.stage]
    }

    pub(crate) fn canary_limit(&self) -> u32 {
        self.canary_limit
    }

    /// Takes in one settled canary.
    pub(crate) fn note_live(&mut self, class: Class, now: Moment) {
        match class {
            Class::Ok | Class::Slow => self.canary_limit = (self.canary_limit + 1).min(LIMIT_CAP),
            Class::Overload | Class::Rate => self.canary_limit = (self.canary_limit / 2).max(1),
            _ => {}
        }
        if class == Class::Rate {
            // Too fast for its limits, not ill: stay at this stage for another round.
            self.begin(self.stage, now);
        } else if class.is_answer() || class.is_failure() {
            self.settled += 1;
            self.failed_halves += failed_halves(class);
        }
    }

    /// Takes in one passed probe.
    pub(crate) fn note_probe(&mut self) {
        self.probed += 1;
    }

    /// Whether the next stage may begin: after the stage's time with eight settled requests of which at most
    /// one in eight failed, or after the longer idle time with two answers of any kind.
    pub(crate) fn may_advance(&self, policy: &Policy, now: Moment) -> bool {
        let age = now.saturating_since(self.since);
        let busy = age >= policy.stage_time()
            && self.settled >= ENOUGH
            && self.failed_halves * ENOUGH <= self.settled * 2;
        let answered = self.probed + self.settled - (self.failed_halves / 2).min(self.settled);
        let idle = age >= policy.idle_stage_time() && answered >= policy.idle_answers();
        busy || idle
    }

    /// Goes to the next stage; `false` when the last is complete.
    pub(crate) fn advance(&mut self, now: Moment) -> bool {
        let next = self.stage + 1;
        if next < STAGES.len() {
            self.begin(next, now);
        }
        next < STAGES.len()
    }

    /// Goes back one stage; `false` when it is at the first already.
    pub(crate) fn step_back(&mut self, now: Moment) -> bool {
        let moved = self.stage > 0;
        self.begin(self.stage.saturating_sub(1), now);
        moved
    }

    /// When time alone may next change something, as seen at `now`.
    pub(crate) fn due(&self, policy: &Policy, now: Moment) -> Option<Moment> {
        let edges = [self.since + policy.stage_time(), self.since + policy.idle_stage_time()];
        edges.into_iter().filter(|edge| *edge > now).min()
    }

    fn begin(&mut self, stage: usize, now: Moment) {
        *self = Self { canary_limit: self.canary_limit, stage, ..Self::new(now) };
    }
}

/// What an outcome counts as, in halves of a failure.
pub(crate) const fn failed_halves(class: Class) -> u32 {
    match class {
        Class::Slow => 1,
        Class::Hard(_) | Class::Overload => 2,
        _ => 0,
    }
}
