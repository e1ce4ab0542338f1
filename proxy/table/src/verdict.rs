//! The pure step of one model: policy, state and a claim (or mere time) give the next state.

mod illness;
mod phase;
mod recovery;
mod weighing;

use std::time::Duration;

use crate::{
    evidence::{Class, Source},
    moment::Moment,
    policy::{Policy, Rates},
    quality::AnswerQuality,
    score::{Baseline, Outcomes, Score, Tally},
    standing::{FULL_SHARE, Verdict},
};
use illness::Illness;
pub(crate) use phase::Phase;

/// A claim that has been found to be about this epoch, with its class adjudicated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) source: Source,
    pub(crate) class: Class,
    pub(crate) retry_after: Option<Duration>,
}

/// What surrounds one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: Moment,
    /// In [0, 1): where in its range a cooldown falls.
    pub(crate) draw: f64,
    /// Requests under way.
    pub(crate) in_flight: u32,
    /// Its siblings fail: less evidence is needed.
    pub(crate) suspect: bool,
}

/// A verdict, or a stage of the ramp, that changed.
#[derive(Clone, Debug)]
pub(crate) struct Transition {
    pub(crate) from: Verdict,
    pub(crate) to: Verdict,
    pub(crate) why: String,
}

/// All that is known of one model.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    phase: Phase,
    since: Moment,
    why: String,
    epoch: u32,
    trips: u32,
    opened: u64,
    /// From here ten healthy minutes are counted.
    credit_from: Moment,
    /// The weight at the last step while degraded, and when that was.
    weighed: (f64, Moment),
    score: Score,
    quality: AnswerQuality,
    baseline: Baseline,
    outcomes: Outcomes,
    streaks: Streaks,
    /// Failures and outcomes since the score last left zero: since the trouble began, as far as it can tell.
    onset: Tally,
    illness: Illness,
    asked_until: Moment,
}

/// Counts in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Streaks {
    /// Users' failures since a user was last answered.
    users: u32,
    /// Failed probes since anybody was last answered.
    unanswered_probes: u32,
    /// Failed probes since a probe last passed.
    probes: u32,
    /// Connections that could not be made since one last could.
    connects: u32,
    missing: u32,
    last_live_answer: Option<Moment>,
}

// === impl Streaks ===

impl Streaks {
    /// Failures in a row. A passed probe ends only the probes' part: it must not hide failing users.
    fn failures(&self) -> u32 {
        self.users + self.unanswered_probes
    }
}

// === impl Health ===

impl Health {
    pub(crate) fn new(epoch: u32, now: Moment) -> Self {
        Self {
            phase: Phase::Healthy,
            since: now,
            why: "nothing is known against it".to_owned(),
            epoch,
            trips: 0,
            opened: 0,
            credit_from: now,
            weighed: (1.0, now),
            score: Score::new(now),
            quality: AnswerQuality::default(),
            baseline: Baseline::new(now),
            outcomes: Outcomes::new(now),
            streaks: Streaks::default(),
            onset: Tally::default(),
            illness: Illness::new(now),
            asked_until: now,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.phase.verdict()
    }

    pub(crate) fn since(&self) -> Moment {
        self.since
    }

    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) fn trips(&self) -> u32 {
        self.trips
    }

    pub(crate) fn opened(&self) -> u64 {
        self.opened
    }

    pub(crate) fn score(&self, now: Moment) -> f64 {
        self.score.at(now)
    }

    pub(crate) fn last_minute(&self, now: Moment) -> Tally {
        self.outcomes.last_minute(now)
    }

    pub(crate) fn answers_wrong(&self) -> bool {
        self.quality.is_alarmed()
    }

    pub(crate) fn held_until(&self) -> Option<Moment> {
        match self.phase {
            Phase::Open { until, .. } => Some(until),
            _ => None,
        }
    }

    pub(crate) fn canary_limit(&self) -> Option<u32> {
        match &self.phase {
            Phase::Ramping(ramp) => Some(ramp.canary_limit()),
            _ => None,
        }
    }

    /// Something smells, though no verdict says so yet.
    pub(crate) fn smells(&self) -> bool {
        self.streaks.probes > 0 || self.streaks.failures() > 1 || self.streaks.missing > 0
    }

    /// Takes traffic, all or some.
    pub(crate) fn carries(&self) -> bool {
        matches!(self.phase, Phase::Healthy | Phase::Degraded { .. } | Phase::Ramping(_))
    }

    /// Judges one claim.
    pub(crate) fn settle(&mut self, claim: &Claim, step: &Step<'_>) -> Option<Transition> {
        self.roll(step);
        if let Source::Probe { quality, .. } = claim.source
            && claim.class.is_answer()
        {
            self.quality.note(quality);
        }
        if claim.class == Class::ModelMissing {
            return self.note_missing(claim, step);
        }
        if claim.class.is_answer() {
            self.streaks.missing = 0;
        }
        match self.phase {
            Phase::Healthy | Phase::Degraded { .. } | Phase::Ramping(_) => self.weigh(claim, step),
            Phase::HalfOpen { .. } => self.judge_probe(claim, step),
            Phase::Missing => self.reappear(claim, step),
            Phase::Open { .. } => self.hear_in_cooldown(claim, step),
        }
    }

    /// Lets time pass.
    pub(crate) fn elapse(&mut self, step: &Step<'_>) -> Option<Transition> {
        self.roll(step);
        match self.phase {
            Phase::Healthy => {
                self.forgive(step);
                None
            }
            Phase::Degraded { .. } => self.calm_down(step),
            Phase::Open { .. } => self.end_cooldown(step),
            Phase::HalfOpen { last_probe, .. } => self.lose_patience(last_probe, step),
            Phase::Ramping(_) => self.climb(step),
            Phase::Missing => None,
        }
    }

    /// Its probes have begun to pass while it is open: they are wanted faster.
    pub(crate) fn is_mending(&self) -> bool {
        matches!(self.phase, Phase::Open { .. }) && self.illness.is_mending()
    }

    fn rates(&self, step: &Step<'_>) -> Rates {
        self.baseline.rates(step.policy, step.now)
    }

    fn roll(&mut self, step: &Step<'_>) {
        let weight = match self.phase {
            Phase::Degraded { .. } => self.weight(step.policy, step.now),
            _ => f64::from(self.share(step.policy, step.now)) / f64::from(FULL_SHARE),
        };
        self.weighed = (weight, step.now);
    }

    fn enter(&mut self, phase: Phase, step: &Step<'_>, why: impl Into<String>) -> Transition {
        let from = self.verdict();
        self.phase = phase;
        self.why = why.into();
        if from != self.verdict() {
            self.since = step.now;
        }
        Transition { from, to: self.verdict(), why: self.why.clone() }
    }

    /// Opens: a new epoch, and a cooldown that doubles with every trip.
    ///
    /// T = cooldown × 2ᵏ⁻¹, dwell = T/2 + U(0, T/2): equal jitter, as Finagle's failure accrual. From T/2 on, probes
    /// that prove the outage over end it; without them it lasts, for a trial of the ill would only fail. The
    /// upstream's own Retry-After is honoured up to the longest cooldown.
    fn trip(&mut self, step: &Step<'_>, why: &str) -> Transition {
        self.fall_ill(step);
        self.epoch = self.epoch.wrapping_add(1);
        self.opened += 1;
        self.trips = (self.trips + 1).min(step.policy.most_trips());
        let full = step.policy.cooldown_of(self.trips);
        let dwell = full.mul_f64(0.5 + 0.5 * step.draw.clamp(0.0, 1.0));
        let until = (step.now + dwell).max(self.asked_until);
        let earliest = (step.now + full / 2).max(self.asked_until);
        self.streaks = Streaks { missing: self.streaks.missing, ..Streaks::default() };
        let why =
            format!("{why}; left alone for {:.1} s at least", until.saturating_since(step.now).as_secs_f64());
        self.enter(Phase::Open { until, earliest }, step, why)
    }

    /// A new outage, a relapse in the one before, or a trial that failed.
    fn fall_ill(&mut self, step: &Step<'_>) {
        let (onset, rates) = (std::mem::take(&mut self.onset), self.rates(step));
        match (self.carries(), self.trips) {
            (true, 0) => self.illness.begin(onset, step.now),
            (true, _) => self.illness.relapse(onset, rates, step.now),
            (false, _) => self.illness.failed(rates, step.now),
        }
    }

    /// Opens from outside, e.g. because no credential of its provider is accepted any more.
    pub(crate) fn give_up(&mut self, step: &Step<'_>, why: &str) -> Option<Transition> {
        self.carries().then(|| {
            // Nothing can succeed there: it is as ill as a row of failures would show.
            let failures = step.policy.consecutive_failures();
            self.onset = Tally { failed: failures.into(), total: failures as usize };
            self.trip(step, why)
        })
    }
}
