//! Whom to ask next. Pure: time and what the table says come in, turns go out.
//!
//! A model with traffic is asked every 15 s and three of four of those questions are answered by live
//! successes; anything that is not well, or whose siblings are not, is asked every 5 s, and every second while an open
//! model's probes pass: where part of all requests fails, dozens of passes tell an end from luck. One that stays open until
//! the purse has little left is asked every 40 s. A standby model
//! without traffic is asked every five minutes: a question costs up to 0.4 cents, and one in 15 s around the clock
//! would make that 650 dollars a month for every pod. Every interval is jittered by a fifth so that
//! sidecars do not ask in step.

mod plan;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sidestep_table::{ModelId, Moment, Verdict};

use self::plan::{Pace, Plan, jittered};
use crate::budget::Errand;

/// No interval is shorter, whatever is configured: a turn that is refused must not come again at once.
const LEAST: Duration = Duration::from_millis(20);

/// How often models are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Cadence {
    /// Between two probes of a healthy model that serves traffic.
    pub healthy: Duration,
    /// Between two probes of a model in any other state, or with a sibling in trouble.
    pub unwell: Duration,
    /// Between two probes of an open model whose probes have begun to pass, but never before the last is answered.
    pub mending: Duration,
    /// Between two probes of any other open model when the purse has little left.
    pub frugal: Duration,
    /// Between two probes of a healthy model that serves no traffic, and of one whose limiter is closed.
    pub idle: Duration,
    /// A model without traffic for this long is idle.
    pub idle_after: Duration,
    /// A live success this young replaces a probe.
    pub fresh: Duration,
    /// No two probes of one model start closer together than this, whoever asks for them.
    pub floor: Duration,
    /// Share by which an interval is drawn longer or shorter, 0..1.
    pub jitter: f64,
    /// After so many replaced probes in a row, one runs.
    pub replaced: u32,
}

/// What the schedule needs to know of one model.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Which model.
    pub model: ModelId,
    /// What the table says of it.
    pub verdict: Verdict,
    /// Whether an operator's switch made that verdict.
    pub switched: bool,
    /// Whether something smells that the verdict does not show yet, at the model or at its provider.
    pub suspect: bool,
    /// Whether it is open and its probes have begun to pass.
    pub mending: bool,
    /// Until when the vendor asked not to be called.
    pub limited_until: Option<Moment>,
    /// When traffic last succeeded.
    pub last_success: Option<Moment>,
    /// When traffic last ended, however it ended.
    pub last_traffic: Option<Moment>,
}

/// Leave to send one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whom to ask.
    pub model: ModelId,
    /// How much the answer matters.
    pub errand: Errand,
    /// How many probes ran since the model became half-open; `None` in every other state.
    pub trial: Option<u32>,
}

/// When each model is asked next.
#[derive(Debug)]
pub struct Schedule {
    cadence: Cadence,
    /// In the order of names: each may take a draw.
    plans: BTreeMap<ModelId, Plan>,
    /// The purse has little left.
    frugal: bool,
    draw: SmallRng,
}

// === impl Cadence ===

impl Default for Cadence {
    fn default() -> Self {
        Self::of(Duration::from_secs(15), Duration::from_secs(5))
    }
}

impl Cadence {
    /// The rhythm that follows from two intervals: that of a healthy model with traffic, and that of any
    /// other state. Everything else keeps its proportion, so that a demonstration can be quick throughout.
    #[must_use]
    pub fn of(healthy: Duration, unwell: Duration) -> Self {
        Self {
            healthy,
            unwell,
            mending: unwell / 5,
            frugal: unwell.saturating_mul(8),
            idle: healthy.saturating_mul(20),
            idle_after: healthy.saturating_mul(8),
            fresh: healthy.saturating_mul(2) / 3,
            floor: unwell / 5,
            jitter: 0.2,
            replaced: 3,
        }
    }

    fn interval(&self, pace: Pace) -> Duration {
        match pace {
            Pace::Never | Pace::Idle => self.idle,
            Pace::Healthy => self.healthy.min(self.idle),
            Pace::Unwell | Pace::Trial => self.unwell,
            Pace::Mending => self.mending,
            Pace::Frugal => self.frugal,
        }
        .max(LEAST)
    }
}

// === impl Schedule ===

impl Schedule {
    /// An empty schedule. The same seed and the same inputs give the same turns.
    #[must_use]
    pub fn new(cadence: Cadence, seed: u64) -> Self {
        Self { cadence, plans: BTreeMap::new(), frugal: false, draw: SmallRng::seed_from_u64(seed) }
    }

    /// Another rhythm from the next turn of each model on.
    pub fn set_cadence(&mut self, cadence: Cadence) {
        self.cadence = cadence;
    }

    /// Whether open models are asked more seldom, from the next turn of each on.
    pub fn set_frugal(&mut self, frugal: bool) {
        self.frugal = frugal;
    }

    /// Takes the present sights: forgets models that are gone, plans new ones, and tightens those that turned worse.
    pub fn see(&mut self, sights: &[Sight], now: Moment) {
        self.plans.retain(|model, _| sights.iter().any(|sight| sight.model == *model));
        for sight in sights {
            let pace = match sight.pace(&self.cadence, now) {
                Pace::Unwell if self.frugal && sight.verdict == Verdict::Open => Pace::Frugal,
                pace => pace,
            };
            match self.plans.get_mut(&sight.model) {
                Some(plan) => plan.update(sight.clone(), pace),
                None => {
                    // Spread, so that a fleet that starts together does not ask together.
                    let spread = self.cadence.unwell.mul_f64(self.draw.random_range(0.0..1.0));
                    self.plans.insert(sight.model.clone(), Plan::new(sight.clone(), pace, now + spread));
                    continue;
                }
            }
            self.tighten(&sight.model, now);
        }
    }

    /// Asks for a probe of `model` as soon as the floor between two probes allows.
    pub fn hurry(&mut self, model: &ModelId, now: Moment) {
        let floor = self.cadence.floor;
        // A trial has its own rhythm: questions closer together would cost money and count for nothing.
        if let Some(plan) = self.plans.get_mut(model).filter(|plan| plan.trials == 0) {
            plan.hurried = true;
            plan.due = plan.due.min(plan.after(floor, now));
        }
    }

    /// The most urgent turn that is due, if any. The model is in flight until [`Schedule::finish`].
    pub fn take(&mut self, now: Moment) -> Option<Turn> {
        self.postpone(now);
        let ready = |plan: &&mut Plan| !plan.flying && plan.pace != Pace::Never && plan.due <= now;
        let plan = self.plans.values_mut().filter(ready).min_by(|a, b| a.rank().cmp(&b.rank()))?;
        plan.flying = true;
        plan.started = Some(now);
        plan.replaced = 0;
        let hurried = std::mem::take(&mut plan.hurried);
        let trial = (plan.pace == Pace::Trial).then_some(plan.trials);
        plan.trials += u32::from(trial.is_some());
        let errand = plan.errand(hurried);
        Some(Turn { model: plan.sight.model.clone(), errand, trial })
    }

    /// Ends a turn, sent or not, and plans the next.
    pub fn finish(&mut self, model: &ModelId, now: Moment) {
        let Some(pace) = self.plans.get(model).map(|plan| plan.pace) else { return };
        let interval = self.interval(pace);
        let floor = self.cadence.floor;
        let Some(plan) = self.plans.get_mut(model) else { return };
        plan.flying = false;
        // Trial probes count only when they are a full interval apart, however slow the last answer was.
        let from = if pace == Pace::Trial { now } else { plan.started.unwrap_or(now) };
        let planned = if plan.hurried { now } else { from + interval };
        // Never straight after an answer: what that changes in the table has to be seen by the next. One that speeds
        // up or slows down no more than that need not wait for it.
        let rest = if pace == Pace::Mending { LEAST } else { floor };
        plan.due = planned.max(now + rest);
    }

    /// When the next turn can be due, models in flight left out.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        self.plans.values().filter(|plan| !plan.flying && plan.pace != Pace::Never).map(|plan| plan.due).min()
    }

    fn tighten(&mut self, model: &ModelId, now: Moment) {
        let Some(pace) = self.plans.get(model).filter(|plan| !plan.flying).map(|plan| plan.pace) else {
            return;
        };
        // The longest wait that this pace can draw; only what waits longer is planned anew.
        let longest = self.cadence.interval(pace).mul_f64(1.0 + self.cadence.jitter);
        let interval = self.interval(pace);
        let floor = self.cadence.floor;
        let Some(plan) = self.plans.get_mut(model) else { return };
        if plan.hurried {
            plan.due = plan.due.min(plan.after(floor, now));
        } else if plan.due > now + longest {
            plan.due = plan.after(interval, now);
        }
    }

    /// Moves turns that are due but need not run: a live success stands in, or the vendor asked for quiet.
    fn postpone(&mut self, now: Moment) {
        let Self { cadence, plans, draw, .. } = self;
        for plan in plans.values_mut().filter(|plan| !plan.flying && plan.due <= now) {
            let quiet = plan.quiet_until(cadence, now);
            if quiet > now {
                plan.due = quiet;
            } else if plan.stood_in_for(cadence, now) {
                plan.replaced += 1;
                plan.due = now + jittered(cadence, plan.pace, draw);
            }
        }
    }

    fn interval(&mut self, pace: Pace) -> Duration {
        jittered(&self.cadence, pace, &mut self.draw)
    }
}

#[cfg(test)]
mod tests;
