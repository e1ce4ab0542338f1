//! Weighing outcomes of a model that carries traffic: towards degraded and open, and back.

use std::time::Duration;

use super::{Claim, Health, Phase, Step, Streaks, Transition, phase::FORGIVENESS};
use crate::{
    evidence::{Class, Source},
    policy::{DEGRADE_AT, OPEN_AT},
    ramp::failed_halves,
    score::Tally,
};

/// Under suspicion of its provider this part of the score opens.
const SUSPECT_PART: f64 = 0.6;
/// The score alone opens only with so many failures in its window: the model's three, and one for chance.
const LEAST_FAILURES: f64 = 4.0;
/// While the window is this young, failures are seen before answers, for they come sooner: so what is still
/// under way counts as answered, and of every so many one more failure in a row is borne.
const YOUNG: Duration = Duration::from_secs(60);
const BORNE_BY: u32 = 20;
/// So many connections in a row that could not be made open at once.
const CONNECTS_IN_A_ROW: u32 = 3;
/// So many failed probes in a row open, unless users were answered just now.
const PROBES_IN_A_ROW: u32 = 3;
const ANSWERED_JUST_NOW: Duration = Duration::from_secs(30);
/// A failed probe weighs twice, for it was known to be valid; beside users who are answered it weighs once,
/// or three unlucky outcomes in a minute would open a quiet model.
const PROBE_FAILURE_WEIGHT: f64 = 2.0;

// === impl Health ===

impl Health {
    pub(super) fn weigh(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        self.note(claim, step);
        if claim.source == Source::LastResort {
            return None;
        }
        if (claim.class.is_failure() || claim.class == Class::Slow)
            && let Some(why) = self.reason_to_open(claim, step)
        {
            return Some(self.trip(step, &why));
        }
        match self.phase {
            Phase::Ramping(_) => self.settle_ramp(claim, step),
            Phase::Healthy => self.degrade(claim, step),
            _ => {
                self.watch_calm(step);
                None
            }
        }
    }

    /// Takes a claim into score, window, streaks and baseline. What is neither an answer nor a failure
    /// touches none of them.
    fn note(&mut self, claim: &Claim, step: &Step<'_>) {
        let (class, now) = (claim.class, step.now);
        if class == Class::Overload
            && let Some(wait) = claim.retry_after
        {
            self.asked_until = self.asked_until.max(now + wait.min(step.policy.max_cooldown()));
        }
        if claim.source == Source::LastResort || !(class.is_answer() || class.is_failure()) {
            return;
        }
        self.score.add(self.worth(claim, step), now);
        if matches!(claim.source, Source::Peer | Source::Operator) {
            return;
        }
        // Slowness counts for users only: a probe says what a probe takes.
        let live = claim.source.is_live();
        let halves = if class == Class::Slow && !live { 0 } else { failed_halves(class) };
        if self.score.at(now) > 0.0 {
            self.onset.failed += f64::from(halves) / 2.0;
            self.onset.total += 1;
        } else {
            self.onset = Tally::default();
        }
        self.outcomes.note(halves as u8, live, now);
        if live && matches!(self.phase, Phase::Healthy) {
            self.baseline.note(f64::from(halves) / 2.0, now);
        }
        self.count(claim, step);
    }

    /// w·l: a live outcome weighs 1, a failed probe up to 2, a slow answer half a failure. Success is worth a tenth
    /// of a failure, so passing probes cannot hide failing users.
    fn worth(&self, claim: &Claim, step: &Step<'_>) -> f64 {
        let weights = self.rates(step).weights();
        let live = claim.source.is_live();
        match claim.class {
            Class::Slow if live => 0.5 * weights.failure,
            Class::Ok | Class::Slow => weights.success,
            _ if claim.source.is_probe() && !self.answered_just_now(step) => {
                PROBE_FAILURE_WEIGHT * weights.failure
            }
            _ => weights.failure,
        }
    }

    fn count(&mut self, claim: &Claim, step: &Step<'_>) {
        let (live, failed) = (claim.source.is_live(), claim.class.is_failure());
        if live && claim.class == Class::Slow {
            // Half a failure: it neither is one in a row nor an answer that ends the row.
            return;
        }
        let streaks = &mut self.streaks;
        if failed {
            let connect = matches!(claim.class, Class::Hard(fault) if fault.is_connect_level());
            let (user, probe) = (u32::from(live), u32::from(!live));
            streaks.users += user;
            streaks.unanswered_probes += probe;
            streaks.probes += probe;
            streaks.connects = if connect { streaks.connects + 1 } else { 0 };
        } else {
            streaks.unanswered_probes = 0;
            streaks.connects = 0;
            if live {
                streaks.users = 0;
                streaks.last_live_answer = Some(step.now);
            } else {
                streaks.probes = 0;
            }
        }
    }

    fn reason_to_open(&self, claim: &Claim, step: &Step<'_>) -> Option<String> {
        let last = claim.class.describe();
        let Streaks { connects, probes, .. } = self.streaks;
        let failures = self.streaks.failures();
        let pending = self.pending(step);
        let brisk = u32::from(self.outcomes.is_brisk(step.now));
        let in_a_row = step.policy.consecutive_failures() + brisk + pending / BORNE_BY;
        if failures >= in_a_row {
            return Some(format!("{failures} consecutive failures (last: {last})"));
        }
        if connects >= CONNECTS_IN_A_ROW {
            return Some(format!("{connects} consecutive connections failed (last: {last})"));
        }
        if probes >= PROBES_IN_A_ROW && !self.answered_just_now(step) {
            return Some(format!("{probes} consecutive probes failed (last: {last})"));
        }
        let open_at = if step.suspect { SUSPECT_PART * OPEN_AT } else { OPEN_AT };
        if self.score.at(step.now) < open_at {
            return None;
        }
        let mut tally = self.outcomes.tally();
        tally.total += pending as usize;
        let proven = tally.failed >= LEAST_FAILURES && tally.proven() >= step.policy.proven_ratio();
        proven.then(|| {
            let percent = 100.0 * tally.ratio().unwrap_or_default();
            format!("{percent:.0} % of the last {} answers failed (last: {last})", tally.total)
        })
    }

    fn answered_just_now(&self, step: &Step<'_>) -> bool {
        let last = self.streaks.last_live_answer;
        last.is_some_and(|at| step.now.saturating_since(at) < ANSWERED_JUST_NOW)
    }

    fn pending(&self, step: &Step<'_>) -> u32 {
        if step.now.saturating_since(self.outcomes.begun()) < YOUNG { step.in_flight } else { 0 }
    }

    fn degrade(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        let score = self.score.at(step.now);
        let why = if score >= DEGRADE_AT {
            let tally = self.outcomes.tally();
            let (failed, total, last) = (tally.failed, tally.total, claim.class.describe());
            format!("{failed} of the last {total} answers failed (last: {last})")
        } else if self.quality.is_alarmed() {
            "its probes were answered wrongly".to_owned()
        } else {
            return None;
        };
        Some(self.enter(Phase::Degraded { calm_since: None }, step, why))
    }

    fn watch_calm(&mut self, step: &Step<'_>) {
        let calm = self.is_calm(step.now);
        if let Phase::Degraded { calm_since } = &mut self.phase {
            *calm_since = if calm { calm_since.or(Some(step.now)) } else { None };
        }
    }

    /// Degraded to healthy, after half a slow start in calm.
    pub(super) fn calm_down(&mut self, step: &Step<'_>) -> Option<Transition> {
        self.watch_calm(step);
        let Phase::Degraded { calm_since: Some(since) } = self.phase else { return None };
        let calm = step.now.saturating_since(since);
        if calm < step.policy.calm_time() {
            return None;
        }
        // A spell of mere degradation neither earns credit nor loses what was earned.
        self.credit_from = self.credit_from + step.now.saturating_since(self.since);
        Some(self.enter(Phase::Healthy, step, format!("calm for {} s", calm.as_secs())))
    }

    /// One doubling less for each ten minutes in health.
    pub(super) fn forgive(&mut self, step: &Step<'_>) {
        while self.trips > 0 && self.credit_from + FORGIVENESS <= step.now {
            self.trips -= 1;
            self.credit_from = self.credit_from + FORGIVENESS;
        }
    }
}
