//! The states of one model.

use std::time::Duration;

use super::Health;
use crate::{
    moment::Moment,
    policy::{CALM_AT, Policy, STAGES},
    quality::shifted,
    ramp::Ramp,
    standing::{FULL_SHARE, Verdict},
};

/// A fading share is made known anew this often.
const PACE: Duration = Duration::from_secs(5);
/// One doubling of the cooldown is forgiven after so long in health.
pub(super) const FORGIVENESS: Duration = Duration::from_secs(600);

/// Where a model stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    Healthy,
    Degraded {
        calm_since: Option<Moment>,
    },
    Open {
        /// When the cooldown is over.
        until: Moment,
        /// When probes may end it: half of it is kept whatever they say.
        earliest: Moment,
    },
    HalfOpen {
        passed: u32,
        last_pass: Option<Moment>,
        last_probe: Moment,
    },
    Ramping(Ramp),
    /// Its provider does not know it; probes find out when it does.
    Missing,
}

// === impl Phase ===

impl Phase {
    pub(super) fn half_open(now: Moment) -> Self {
        Self::HalfOpen { passed: 0, last_pass: None, last_probe: now }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Healthy => Verdict::Healthy,
            Self::Degraded { .. } => Verdict::Degraded,
            Self::Open { .. } => Verdict::Open,
            Self::HalfOpen { .. } => Verdict::HalfOpen,
            Self::Ramping(_) => Verdict::Ramping,
            Self::Missing => Verdict::Disabled,
        }
    }
}

// === impl Health ===

impl Health {
    /// What it may take, in permille.
    pub(crate) fn share(&self, policy: &Policy, now: Moment) -> u16 {
        let permille = |weight: f64| (weight * f64::from(FULL_SHARE)).round() as u16;
        match &self.phase {
            Phase::Healthy => FULL_SHARE,
            Phase::Degraded { .. } => permille(self.weight(policy, now)),
            Phase::Ramping(ramp) => ramp.share().min(permille(self.quality.weight())).max(STAGES[0]),
            Phase::Open { .. } | Phase::HalfOpen { .. } | Phase::Missing => 0,
        }
    }

    /// A degraded model's weight falls by no more than all of it in one slow start, and rises freely. Cutting it
    /// at once would starve the very evidence that is to open the model or to clear it.
    pub(super) fn weight(&self, policy: &Policy, now: Moment) -> f64 {
        let wanted = shifted(self.score.at(now)).min(self.quality.weight());
        let (last, at) = self.weighed;
        let fallen = now.saturating_since(at).as_secs_f64() / policy.slow_start().as_secs_f64();
        wanted.max(last - fallen)
    }

    /// Score and answers are both calm.
    pub(super) fn is_calm(&self, now: Moment) -> bool {
        self.score.at(now) <= CALM_AT && !self.quality.is_alarmed()
    }

    /// When time alone may next change something, as seen at `now`.
    pub(crate) fn due(&self, policy: &Policy, now: Moment) -> Option<Moment> {
        match &self.phase {
            Phase::Healthy => (self.trips > 0).then(|| self.credit_from + FORGIVENESS),
            Phase::Degraded { calm_since } => {
                let calm = calm_since.map(|since| since + policy.calm_time());
                Some(calm.map_or(now + PACE, |calm| calm.min(now + PACE)))
            }
            Phase::Open { until, earliest } => Some(self.trial_due((*earliest, *until), policy, now)),
            Phase::HalfOpen { last_probe, .. } => Some(*last_probe + policy.probe_patience()),
            Phase::Ramping(ramp) => Some(ramp.due(policy, now).unwrap_or(now + PACE)),
            Phase::Missing => None,
        }
    }
}
