//! The numbers behind a verdict: a decayed likelihood score, a window of outcomes, a long-run baseline.

use std::{collections::VecDeque, time::Duration};

use crate::{
    moment::Moment,
    policy::{OPEN_AT, Policy, Rates},
};

/// Evidence fades with this time constant.
const SCORE_FADES: Duration = Duration::from_secs(600);
/// A score never grows past this, so that a good model's way back is short however bad it was.
const SCORE_CAP: f64 = 2.0 * OPEN_AT;
/// The window of the failure ratio: this long, this many, and never fewer than `KEPT`.
const WINDOW: Duration = Duration::from_secs(60);
const WINDOW_SIZE: usize = 200;
const KEPT: usize = 5;
/// Traffic is brisk from 10 a second: this many in that time.
const BRISK: (usize, Duration) = (50, Duration::from_secs(5));
/// The baseline is that of about a day, and is believed from about this many outcomes.
const BASELINE_FADES: Duration = Duration::from_secs(24 * 3600);
const BASELINE_PRIOR: f64 = 500.0;

/// A number that fades exponentially.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fading {
    value: f64,
    at: Moment,
    over: Duration,
}

/// The decayed CUSUM score (Page 1954): D ← max(0, D·e^(−Δt/600 s) + w·l).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score(Fading);

/// A model's own failure rate in good times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline {
    failed: Fading,
    total: Fading,
}

/// The last outcomes; failures in halves, for slow answers count half.
#[derive(Clone, Debug)]
pub(crate) struct Outcomes {
    begun: Moment,
    recent: VecDeque<Outcome>,
}

#[derive(Clone, Copy, Debug)]
struct Outcome {
    at: Moment,
    failed_halves: u8,
    live: bool,
}

/// A sum over the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) failed: f64,
    pub(crate) total: usize,
}

// === impl Fading ===

impl Fading {
    pub(crate) fn new(now: Moment, over: Duration) -> Self {
        Self { value: 0.0, at: now, over }
    }

    pub(crate) fn at(&self, now: Moment) -> f64 {
        let age = now.saturating_since(self.at);
        if age.is_zero() {
            self.value
        } else {
            self.value * (-age.as_secs_f64() / self.over.as_secs_f64()).exp()
        }
    }

    pub(crate) fn add(&mut self, amount: f64, now: Moment) {
        self.set(self.at(now) + amount, now);
    }

    fn set(&mut self, value: f64, now: Moment) {
        self.value = value;
        self.at = self.at.max(now);
    }
}

// === impl Score ===

impl Score {
    pub(crate) fn new(now: Moment) -> Self {
        Self(Fading::new(now, SCORE_FADES))
    }

    pub(crate) fn at(&self, now: Moment) -> f64 {
        self.0.at(now)
    }

    pub(crate) fn add(&mut self, amount: f64, now: Moment) {
        self.set(self.0.at(now) + amount, now);
    }

    pub(crate) fn set(&mut self, value: f64, now: Moment) {
        self.0.set(value.clamp(0.0, SCORE_CAP), now);
    }
}

// === impl Baseline ===

impl Baseline {
    pub(crate) fn new(now: Moment) -> Self {
        Self { failed: Fading::new(now, BASELINE_FADES), total: Fading::new(now, BASELINE_FADES) }
    }

    pub(crate) fn note(&mut self, failed: f64, now: Moment) {
        self.failed.add(failed, now);
        self.total.add(1.0, now);
    }

    pub(crate) fn rates(&self, policy: &Policy, now: Moment) -> Rates {
        let expected = policy.expected_baseline() * BASELINE_PRIOR;
        policy.rates((self.failed.at(now) + expected) / (self.total.at(now) + BASELINE_PRIOR))
    }
}

// === impl Outcomes ===

impl Outcomes {
    pub(crate) fn new(now: Moment) -> Self {
        Self { begun: now, recent: VecDeque::new() }
    }

    pub(crate) fn note(&mut self, failed_halves: u8, live: bool, now: Moment) {
        self.recent.push_back(Outcome { at: now, failed_halves, live });
        let horizon = now.saturating_back(WINDOW);
        while self.recent.len() > WINDOW_SIZE
            || (self.recent.len() > KEPT && self.recent.front().is_some_and(|first| first.at < horizon))
        {
            self.recent.pop_front();
        }
    }

    /// Since when outcomes are gathered.
    pub(crate) fn begun(&self) -> Moment {
        self.begun
    }

    /// The outcomes of the last minute, or the last five when there were fewer.
    pub(crate) fn tally(&self) -> Tally {
        let halves: u32 = self.recent.iter().map(|outcome| u32::from(outcome.failed_halves)).sum();
        Tally { failed: f64::from(halves) / 2.0, total: self.recent.len() }
    }

    /// The outcomes of the last minute alone.
    pub(crate) fn last_minute(&self, now: Moment) -> Tally {
        let horizon = now.saturating_back(WINDOW);
        let fresh = self.recent.iter().filter(|outcome| outcome.at >= horizon);
        fresh.fold(Tally::default(), |sum, outcome| Tally {
            failed: sum.failed + f64::from(outcome.failed_halves) / 2.0,
            total: sum.total + 1,
        })
    }

    pub(crate) fn is_brisk(&self, now: Moment) -> bool {
        let (count, time) = BRISK;
        let horizon = now.saturating_back(time);
        self.recent.iter().rev().take_while(|outcome| outcome.at >= horizon).filter(|one| one.live).count()
            >= count
    }
}

// === impl Tally ===

impl Tally {
    pub(crate) fn ratio(self) -> Option<f64> {
        (self.total > 0).then(|| self.failed / self.total as f64)
    }

    /// The ratio that is proven at z = 1.64.
    pub(crate) fn proven(self) -> f64 {
        lower_bound(self.failed, self.total as f64, 1.64)
    }
}

/// The lower end of the Wilson score interval (Wilson 1927) for `failed` of `total`, `z` standard errors below; 0 of
/// nothing.
pub(crate) fn lower_bound(failed: f64, total: f64, z: f64) -> f64 {
    if total <= 0.0 {
        return 0.0;
    }
    let ratio = (failed / total).clamp(0.0, 1.0);
    let spread = z * (ratio * (1.0 - ratio) / total + z * z / (4.0 * total * total)).sqrt();
    ((ratio + z * z / (2.0 * total) - spread) / (1.0 + z * z / total)).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_wilson_bound_matches_published_values() {
        for (failed, total, lower) in [(3.0, 12, 0.105), (20.0, 100, 0.143), (5.0, 5, 0.650), (0.0, 9, 0.0)] {
            let found = Tally { failed, total }.proven();
            assert!((found - lower).abs() < 2e-3, "{failed}/{total}: {found}");
        }
    }

    #[test]
    fn old_outcomes_leave_the_window_but_five_stay() {
        let mut outcomes = Outcomes::new(Moment::ORIGIN);
        for second in 0..10 {
            outcomes.note(2, true, Moment::from_millis(second * 1000));
        }
        outcomes.note(0, true, Moment::from_millis(3_600_000));
        assert_eq!(outcomes.tally(), Tally { failed: 4.0, total: 5 });
        assert_eq!(outcomes.last_minute(Moment::from_millis(3_600_000)).total, 1);
    }

    proptest! {
        #[test]
        fn a_score_stays_in_its_range(steps in prop::collection::vec((-2.0_f64..4.0, 0_u64..100_000), 1..200)) {
            let mut now = Moment::ORIGIN;
            let mut score = Score::new(now);
            for (amount, gap) in steps {
                now = now + Duration::from_millis(gap);
                score.add(amount, now);
                prop_assert!((0.0..=SCORE_CAP).contains(&score.at(now)));
                prop_assert!(score.at(now + Duration::from_secs(60)) <= score.at(now));
            }
        }
    }
}
