//! Validated thresholds: when a model is given up, left alone, and taken back.

use std::time::Duration;

/// The score at which weight begins to shift: two failures out of three, or a probe's and half a user's.
pub(crate) const DEGRADE_AT: f64 = 3.8;
/// The score that opens: evidence of about 10 000 : 1 (ln 9900) for the failing rate over the good one.
pub(crate) const OPEN_AT: f64 = 9.2;
/// At or below this score a degraded model is calm.
pub(crate) const CALM_AT: f64 = 1.0;
/// The ramp's stages, in permille.
pub(crate) const STAGES: [u16; 6] = [10, 50, 100, 250, 500, 1000];

const DEFAULT_THRESHOLD: f64 = 0.20;

/// When a model is given up, left alone, and taken back. `Policy::default()` holds the reference values.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    failure_rate_threshold: f64,
    consecutive_failures: u32,
    cooldown: Duration,
    max_cooldown: Duration,
    slow_start: Duration,
    probe_gap: Duration,
}

/// The knobs that operators know; whatever is `None` keeps its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Knobs {
    /// The failure ratio that must open a model, 0.05..=0.9; default 0.20.
    pub failure_rate_threshold: Option<f64>,
    /// So many failures in a row open at once, 1..=100; default 5.
    pub consecutive_failures: Option<u32>,
    /// How long an open model is left alone the first time, 100 ms..=1 h; default 10 s.
    pub cooldown: Option<Duration>,
    /// How long at most, after doubling, and what a Retry-After is cut to; up to 1 h, default 300 s.
    pub max_cooldown: Option<Duration>,
    /// How long the way back to the full share takes, 1 s..=1 h; default 60 s.
    pub slow_start: Option<Duration>,
    /// How far apart the probes of a model that is not healthy are, 100 ms..=60 s; default 5 s.
    pub probe_gap: Option<Duration>,
}

/// A knob that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// The threshold is no usable ratio.
    #[error("failure_rate_threshold is {0}, but must lie between 0.05 and 0.9 (write 0.25 for 25 %)")]
    FailureRate(f64),
    /// The count is zero or pointless.
    #[error("consecutive_failures is {0}, but must lie between 1 and 100")]
    ConsecutiveFailures(u32),
    /// A duration is out of its range.
    #[error("{knob} is {given:?}, but must lie between {least:?} and {most:?}")]
    Duration {
        /// The knob's name.
        knob: &'static str,
        /// What was given.
        given: Duration,
        /// The least that makes sense.
        least: Duration,
        /// The most that makes sense.
        most: Duration,
    },
    /// The first cooldown is longer than the longest.
    #[error("cooldown ({cooldown:?}) is longer than max_cooldown ({max_cooldown:?})")]
    CooldownAboveMax {
        /// The first cooldown.
        cooldown: Duration,
        /// The longest cooldown.
        max_cooldown: Duration,
    },
}

/// The failure rates between which evidence decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// p₀: what is tolerated.
    pub(crate) good: f64,
    /// p₁: what must be found.
    pub(crate) failing: f64,
}

/// What one outcome adds to the score: log-likelihood ratios of "failing" against "good".
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weights {
    pub(crate) failure: f64,
    pub(crate) success: f64,
}

// === impl Policy ===

impl Default for Policy {
    fn default() -> Self {
        Self {
            failure_rate_threshold: DEFAULT_THRESHOLD,
            consecutive_failures: 5,
            cooldown: Duration::from_secs(10),
            max_cooldown: Duration::from_secs(300),
            slow_start: Duration::from_secs(60),
            probe_gap: Duration::from_secs(5),
        }
    }
}

impl Policy {
    /// Maps the operators' knobs onto the score.
    ///
    /// `failure_rate_threshold` is p₁ of the likelihood ratio: the failure rate that must be found. The
    /// rate that is tolerated, p₀, follows from it and from the model's own long-run baseline, and the
    /// Wilson bound asks for half of it. So at two requests a second a rate at the threshold opens within a
    /// minute or two, one at half of it takes several, and one far below hardly ever does. With `slow_start`,
    /// all the ramp's times scale.
    ///
    /// # Errors
    /// [`PolicyError`] for a knob that makes no sense, with its range.
    pub fn from_knobs(knobs: &Knobs) -> Result<Self, PolicyError> {
        let usual = Self::default();
        let cooldown = knobs.cooldown.unwrap_or(usual.cooldown);
        let policy = Self {
            failure_rate_threshold: knobs.failure_rate_threshold.unwrap_or(usual.failure_rate_threshold),
            consecutive_failures: knobs.consecutive_failures.unwrap_or(usual.consecutive_failures),
            cooldown,
            // A long cooldown alone is a clear wish; it need not be said twice.
            max_cooldown: knobs.max_cooldown.unwrap_or(usual.max_cooldown.max(cooldown)),
            slow_start: knobs.slow_start.unwrap_or(usual.slow_start),
            probe_gap: knobs.probe_gap.unwrap_or(usual.probe_gap),
        };
        policy.validated()
    }

    fn validated(self) -> Result<Self, PolicyError> {
        const TENTH: Duration = Duration::from_millis(100);
        const SECOND: Duration = Duration::from_secs(1);
        const HOUR: Duration = Duration::from_secs(3600);
        const MINUTE: Duration = Duration::from_secs(60);
        if !(0.05..=0.9).contains(&self.failure_rate_threshold) {
            return Err(PolicyError::FailureRate(self.failure_rate_threshold));
        }
        if !(1..=100).contains(&self.consecutive_failures) {
            return Err(PolicyError::ConsecutiveFailures(self.consecutive_failures));
        }
        for (knob, given, least, most) in [
            ("cooldown", self.cooldown, TENTH, HOUR),
            ("max_cooldown", self.max_cooldown, TENTH, HOUR),
            ("slow_start", self.slow_start, SECOND, HOUR),
            ("probe_gap", self.probe_gap, TENTH, MINUTE),
        ] {
            if !(least..=most).contains(&given) {
                return Err(PolicyError::Duration { knob, given, least, most });
            }
        }
        let (cooldown, max_cooldown) = (self.cooldown, self.max_cooldown);
        if cooldown > max_cooldown {
            return Err(PolicyError::CooldownAboveMax { cooldown, max_cooldown });
        }
        Ok(self)
    }

    /// The failure ratio that must open a model.
    #[must_use]
    pub fn failure_rate_threshold(&self) -> f64 {
        self.failure_rate_threshold
    }

    /// So many failures in a row open at once.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures
    }

    /// The first cooldown.
    #[must_use]
    pub fn cooldown(&self) -> Duration {
        self.cooldown
    }

    /// The longest cooldown.
    #[must_use]
    pub fn max_cooldown(&self) -> Duration {
        self.max_cooldown
    }

    /// How long the way back to the full share takes when there is traffic enough.
    #[must_use]
    pub fn slow_start(&self) -> Duration {
        self.slow_start
    }

    /// How far apart probes of a model that is not healthy are; the prober may jitter it by ±20 %.
    #[must_use]
    pub fn probe_gap(&self) -> Duration {
        self.probe_gap
    }

    /// The rates for a model whose own long-run failure rate is `baseline`: p₀ = clamp(1.5 × baseline, 0.15 p, 0.5 p)
    /// and p₁ = max(p, 4 p₀) for the threshold p.
    pub(crate) fn rates(&self, baseline: f64) -> Rates {
        let threshold = self.failure_rate_threshold;
        let good = (1.5 * baseline).clamp(0.15 * threshold, (0.5 * threshold).min(0.225));
        Rates { good, failing: threshold.max(4.0 * good) }
    }

    /// What is taken for a model's long-run failure rate before it has shown its own: published 1.4–2 %.
    pub(crate) fn expected_baseline(&self) -> f64 {
        (0.1 * self.failure_rate_threshold).min(0.02)
    }

    /// The failure ratio that the Wilson bound must prove before the score may open.
    pub(crate) fn proven_ratio(&self) -> f64 {
        0.5 * self.failure_rate_threshold
    }

    /// How often the cooldown can double before it reaches its maximum.
    pub(crate) fn most_trips(&self) -> u32 {
        let mut trips = 1;
        while self.doubled(trips) < self.max_cooldown {
            trips += 1;
        }
        trips
    }

    /// T of the k-th trip in a row: cooldown × 2ᵏ⁻¹, at most the longest.
    pub(crate) fn cooldown_of(&self, trips: u32) -> Duration {
        self.doubled(trips).min(self.max_cooldown)
    }

    fn doubled(&self, trips: u32) -> Duration {
        self.cooldown.saturating_mul(1 << trips.saturating_sub(1).min(30))
    }

    /// The least time at one stage of the ramp: six stages fill the slow start.
    pub(crate) fn stage_time(&self) -> Duration {
        self.slow_start / STAGES.len() as u32
    }

    /// The least time at one stage when there is too little traffic to judge by: that in which two probes are sure to
    /// fall, jitter included. The reference's 30 s would make an idle ramp three minutes long; with the defaults it is
    /// 12 s, and never more than a quarter of the slow start.
    pub(crate) fn idle_stage_time(&self) -> Duration {
        (self.slow_start / 4).min(self.stage_time().max(self.probe_gap * 12 / 5))
    }

    /// How many answers an idle stage needs: two, or one where two probes do not fit into it.
    pub(crate) fn idle_answers(&self) -> u32 {
        if self.probe_gap * 2 <= self.idle_stage_time() { 2 } else { 1 }
    }

    /// How long a degraded model must be calm.
    pub(crate) fn calm_time(&self) -> Duration {
        self.slow_start / 2
    }

    /// Probes nearer to each other than this count once; the prober's jitter of 20 % is allowed for.
    pub(crate) fn least_probe_gap(&self) -> Duration {
        self.probe_gap * 4 / 5
    }

    /// How near to each other probes may be that speak for the end of an outage: a fifth of the gap, less a tolerance as
    /// in [`least_probe_gap`](Self::least_probe_gap). Dozens of them are needed where part of all requests fails, and what
    /// they tell must be independent, not sparse.
    pub(crate) fn least_mending_gap(&self) -> Duration {
        self.probe_gap / 5 * 4 / 5
    }

    /// After so long without a probe nobody waits for the next: the prober is off or out of money. One that saves
    /// asks every eight gaps, and may then wait for an answer.
    pub(crate) fn probe_silence(&self) -> Duration {
        self.probe_gap * 18
    }

    /// How long a half-open model waits for a first probe at all before 1 % of its users may show the way.
    pub(crate) fn probe_patience(&self) -> Duration {
        self.max_cooldown.max(self.probe_silence())
    }
}

// === impl Rates ===

impl Rates {
    /// The log-likelihood ratios; with the default threshold of 0.20 these are the model's ln(p₁/p₀) = +1.897 and
    /// ln((1-p₁)/(1-p₀)) = -0.193.
    pub(crate) fn weights(self) -> Weights {
        let Self { good, failing } = self;
        Weights { failure: (failing / good).ln(), success: ((1.0 - failing) / (1.0 - good)).ln() }
    }

    /// The failure rate at which the score neither rises nor falls in the mean; 0.092 by default.
    pub(crate) fn tipping(self) -> f64 {
        let Weights { failure, success } = self.weights();
        -success / (failure - success)
    }
}

#[cfg(test)]
mod tests;
