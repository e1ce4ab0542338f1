//! One outage of one model: how ill it is, and what speaks for its being well again.
//!
//! The test for health is the mirror of the test that opens: a CUSUM (Page 1954) whose hypotheses are exchanged. Each
//! probe that passes adds ln((1−p₀)/(1−r)), each that fails takes ln(r/p₀), never below zero: r is the failure ratio of
//! this outage, p₀ that of good times. So a total outage is disproved by a handful of passes, and one of a
//! quarter of all requests, which passes three probes in a row two times in five, only by dozens.

use std::time::Duration;

use crate::{
    moment::Moment,
    policy::Rates,
    score::{Fading, Tally, lower_bound},
};

/// An outage's severity is that of about this long.
const ILLNESS_FADES: Duration = Duration::from_secs(1800);
/// A model that is still ill is believed to be well once in so many of its probes, in the mean: in four hours of them,
/// 5 s apart. So an outage of an hour is hardly ever believed to be over twice.
const PROBES_PER_MISTAKE: f64 = 3_000.0;
/// One standard error: of five failures in a row no total outage is inferred yet.
const CAUTION: f64 = 1.0;
/// No outage is taken for worse: else one passed probe would do.
const WORST: f64 = 0.95;
/// From here on the next probes come faster. A CUSUM's tail is exponential in its own units, so a model that is still as
/// ill as it was spends e^(−½) of its probes there at most, which bounds what the haste costs; half as many probes again
/// is what a simulation finds.
const MENDING_AT: f64 = 0.5;

/// What is known of the outage in force, or of the last one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Illness {
    failed: Fading,
    total: Fading,
    /// Passes since the last failure: counted when the next failure shows that they were not yet the cure.
    run: u32,
    /// A milder ratio than this has been mistaken for health before.
    ceiling: f64,
    proof: f64,
    last_pass: Option<Moment>,
    last_heard: Option<Moment>,
}

// === impl Illness ===

impl Illness {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            failed: Fading::new(now, ILLNESS_FADES),
            total: Fading::new(now, ILLNESS_FADES),
            run: 0,
            ceiling: WORST,
            proof: 0.0,
            last_pass: None,
            last_heard: None,
        }
    }

    /// The model has just opened; `onset` counts since the trouble began.
    pub(super) fn begin(&mut self, onset: Tally, now: Moment) {
        *self = Self::new(now);
        self.failed.add(onset.failed, now);
        self.total.add(onset.total as f64, now);
    }

    /// As [`begin`](Self::begin), soon after it was believed to be well. From here on the ratio to be disproved is p₁
    /// at most: then the test for health leans towards it only at ratios at which the score that opens falls.
    pub(super) fn relapse(&mut self, onset: Tally, rates: Rates, now: Moment) {
        let ceiling = self.ratio(rates, now).min(rates.failing);
        self.begin(onset, now);
        self.ceiling = ceiling;
    }

    /// A probe failed.
    pub(super) fn failed(&mut self, rates: Rates, now: Moment) {
        self.proof = (self.proof - (self.ratio(rates, now) / rates.good).ln()).max(0.0);
        self.failed.add(1.0, now);
        self.total.add(1.0 + f64::from(self.run), now);
        (self.run, self.last_pass, self.last_heard) = (0, None, Some(now));
    }

    /// A probe passed; it counts when it is `gap` after the last one.
    pub(super) fn passed(&mut self, rates: Rates, gap: Duration, now: Moment) {
        self.last_heard = Some(now);
        if self.last_pass.is_none_or(|at| now.saturating_since(at) >= gap) {
            self.proof += self.pass(rates, now);
            self.run += 1;
            self.last_pass = Some(now);
        }
    }

    /// Its probes have proven that it is well again.
    pub(super) fn is_over(&self, rates: Rates, now: Moment) -> bool {
        let ratio = self.ratio(rates, now);
        // The mean number of probes until a CUSUM errs is about eʰ/D, with D what it loses a probe in the mean while it
        // is right (Siegmund 1985): here the divergence of r from p₀.
        let divergence =
            ratio * (ratio / rates.good).ln() + (1.0 - ratio) * ((1.0 - ratio) / (1.0 - rates.good)).ln();
        let wanted = (PROBES_PER_MISTAKE * divergence).ln();
        self.proof >= wanted
    }

    /// Its probes have begun to pass: more of them soon tell whether for good.
    pub(super) fn is_mending(&self) -> bool {
        self.proof >= MENDING_AT
    }

    pub(super) fn last_heard(&self) -> Option<Moment> {
        self.last_heard
    }

    /// The failure ratio that has to be disproved: what is proven of this outage, and at least that at which the model
    /// would open again.
    fn ratio(&self, rates: Rates, now: Moment) -> f64 {
        let proven = lower_bound(self.failed.at(now), self.total.at(now), CAUTION);
        let least = rates.tipping();
        proven.min(self.ceiling).clamp(least, WORST.max(least))
    }

    fn pass(&self, rates: Rates, now: Moment) -> f64 {
        ((1.0 - rates.good) / (1.0 - self.ratio(rates, now))).ln()
    }
}
