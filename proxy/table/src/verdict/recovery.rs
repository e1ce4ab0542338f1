//! The way back: probes decide a half-open model, and its ramp lets users in by stages.

use super::{Claim, Health, Phase, Step, Streaks, Transition};
use crate::{
    evidence::{Quality, Source},
    moment::Moment,
    policy::{DEGRADE_AT, Policy},
    ramp::Ramp,
    score::{Outcomes, Score, Tally},
};

/// Different probes that must pass in a row.
const PASSES: u32 = 3;
/// So many answers in a row that the model is unknown disable it.
const MISSING_IN_A_ROW: u32 = 2;

// === impl Health ===

impl Health {
    /// A half-open model hears probes alone: three passed ones, spaced, or one that failed.
    ///
    /// A wrong answer proves life but is no pass, unless the model was known to answer wrongly before: then
    /// it says nothing about this outage, and the alarm keeps the model degraded afterwards.
    pub(super) fn judge_probe(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        let Source::Probe { quality, .. } = claim.source else { return None };
        let alarmed = self.quality.is_alarmed();
        let Phase::HalfOpen { passed, last_pass, last_probe } = &mut self.phase else { return None };
        *last_probe = step.now;
        if claim.class.is_failure() {
            let why = format!("a probe failed ({})", claim.class.describe());
            return Some(self.trip(step, &why));
        }
        let spaced =
            last_pass.is_none_or(|at| step.now.saturating_since(at) >= step.policy.least_probe_gap());
        if !claim.class.is_answer() || !spaced || (quality == Quality::Wrong && !alarmed) {
            return None;
        }
        *passed += 1;
        *last_pass = Some(step.now);
        (*passed >= PASSES).then(|| self.ramp(step, "3 probes passed"))
    }

    /// Probes go on while the model is open. They do not open the door, but they decide when the trial may begin.
    pub(super) fn hear_in_cooldown(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        let Source::Probe { quality, .. } = claim.source else { return None };
        let rates = self.rates(step);
        if claim.class.is_failure() {
            self.illness.failed(rates, step.now);
        } else if claim.class.is_answer() && (quality != Quality::Wrong || self.quality.is_alarmed()) {
            self.illness.passed(rates, step.policy.least_mending_gap(), step.now);
        }
        self.end_cooldown(step)
    }

    /// Time for the trial: half of the cooldown is over and probes have proven the outage over; or all of it is, and
    /// there are no probes that could.
    pub(super) fn end_cooldown(&mut self, step: &Step<'_>) -> Option<Transition> {
        let Phase::Open { until, earliest } = self.phase else { return None };
        if self.trial_due((earliest, until), step.policy, step.now) > step.now {
            return None;
        }
        let over = self.illness.is_over(self.rates(step), step.now);
        let why = if over { "its probes pass again" } else { "cooldown is over" };
        Some(self.enter(Phase::half_open(step.now), step, why))
    }

    /// When the trial may begin if no probe is heard from now on.
    pub(super) fn trial_due(
        &self,
        (earliest, until): (Moment, Moment),
        policy: &Policy,
        now: Moment,
    ) -> Moment {
        if self.illness.is_over(self.baseline.rates(policy, now), now) {
            return earliest.min(until);
        }
        let heard = self.illness.last_heard().map_or(self.since, |at| at.max(self.since));
        until.max(heard + policy.probe_silence())
    }

    /// No probe at all came, for longer than the longest cooldown: the prober is off or out of money. Rather
    /// than stay shut for ever, 1 % of the users go first, under the ramp's rules.
    pub(super) fn lose_patience(&mut self, last_probe: Moment, step: &Step<'_>) -> Option<Transition> {
        let silence = step.now.saturating_since(last_probe);
        let why = || format!("no probe for {} s", silence.as_secs());
        (silence >= step.policy.probe_patience()).then(|| self.ramp(step, &why()))
    }

    /// Twice in a row unknown to its provider: a matter of configuration, not of health.
    pub(super) fn note_missing(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        if matches!(claim.source, Source::Peer | Source::Operator) || matches!(self.phase, Phase::Missing) {
            return None;
        }
        self.streaks.missing += 1;
        if self.streaks.missing < MISSING_IN_A_ROW {
            return None;
        }
        self.streaks.missing = 0;
        self.epoch = self.epoch.wrapping_add(1);
        Some(self.enter(Phase::Missing, step, "its provider does not know this model"))
    }

    /// A probe got through to a model that was unknown.
    pub(super) fn reappear(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        let found = claim.source.is_probe() && claim.class.is_answer();
        found.then(|| self.recheck(step, "its provider knows it now"))
    }

    /// A new configuration may have mended the name: let probes find out.
    pub(crate) fn reconfigured(&mut self, step: &Step<'_>) -> Option<Transition> {
        matches!(self.phase, Phase::Missing).then(|| self.recheck(step, "reconfigured"))
    }

    fn recheck(&mut self, step: &Step<'_>, why: &str) -> Transition {
        self.enter(Phase::half_open(step.now), step, why)
    }

    /// Begins the ramp, with a clean slate.
    fn ramp(&mut self, step: &Step<'_>, why: &str) -> Transition {
        self.score = Score::new(step.now);
        self.onset = Tally::default();
        self.outcomes = Outcomes::new(step.now);
        self.streaks = Streaks::default();
        let ramp = Ramp::new(step.now);
        let why = format!("{why}; 1 % of its traffic");
        self.enter(Phase::Ramping(ramp), step, why)
    }

    /// Comes out from under its provider's mask: nobody knows how much it can bear now.
    pub(crate) fn unmasked(&mut self, step: &Step<'_>, why: &str) -> Option<Transition> {
        self.carries().then(|| self.ramp(step, why))
    }

    pub(super) fn settle_ramp(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        let Phase::Ramping(ramp) = &mut self.phase else { return None };
        if claim.source.is_live() {
            ramp.note_live(claim.class, step.now);
        } else if claim.source.is_probe() && claim.class.is_answer() {
            ramp.note_probe();
        }
        if claim.class.is_failure() && self.score.at(step.now) >= DEGRADE_AT {
            return self.step_back(claim, step);
        }
        self.climb(step)
    }

    /// Back one stage. Half the score stays, so the next failures count from there; at the first stage all of
    /// it stays, and goes on to open.
    fn step_back(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        let Phase::Ramping(mut ramp) = self.phase else { return None };
        let moved = ramp.step_back(step.now);
        self.phase = Phase::Ramping(ramp);
        if !moved {
            return None;
        }
        self.score.set(0.5 * DEGRADE_AT, step.now);
        let why = format!("back to {} % (last: {})", ramp.share() / 10, claim.class.describe());
        Some(self.enter(Phase::Ramping(ramp), step, why))
    }

    /// The next stage, or health, once there is proof enough.
    pub(super) fn climb(&mut self, step: &Step<'_>) -> Option<Transition> {
        let Phase::Ramping(mut ramp) = self.phase else { return None };
        if self.score.at(step.now) >= DEGRADE_AT || !ramp.may_advance(step.policy, step.now) {
            return None;
        }
        if ramp.advance(step.now) {
            let why = format!("on to {} %", ramp.share() / 10);
            return Some(self.enter(Phase::Ramping(ramp), step, why));
        }
        self.credit_from = step.now;
        let ending = Phase::Degraded { calm_since: None };
        if self.quality.is_alarmed() {
            return Some(self.enter(ending, step, "ramp complete, but its probes are answered wrongly"));
        }
        Some(self.enter(Phase::Healthy, step, "ramp complete"))
    }
}
