//! Our own rates and quotas at a provider: they close a limiter and never touch health.

use std::time::Duration;

use crate::{cell::MAX_CREDENTIALS, evidence::Class, moment::Moment};

/// An absurd Retry-After on a 429 is cut to this.
const LONGEST_RATE: Duration = Duration::from_secs(300);
/// Quotas come back slowly, but nobody should have to restart a proxy for them.
const LONGEST_QUOTA: Duration = Duration::from_secs(3600);
/// Without a Retry-After: the first wait, doubling up to the second.
const RATE_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
const QUOTA_WAITS: (Duration, Duration) = (Duration::from_secs(300), LONGEST_QUOTA);

/// The limiters of one model, one for each credential.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limiters {
    each: [Limiter; MAX_CREDENTIALS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Limiter {
    until: Option<Moment>,
    doublings: u32,
    quota: bool,
}

// === impl Limiters ===

impl Limiters {
    /// Closes the limiter of one credential, or of all when it is not known which was used.
    pub(crate) fn close(
        &mut self,
        credential: Option<u32>,
        class: Class,
        retry_after: Option<Duration>,
        now: Moment,
    ) {
        for limiter in self.chosen(credential) {
            limiter.close(class, retry_after, now);
        }
    }

    /// The upstream asks to be left alone by everybody.
    pub(crate) fn hold(&mut self, until: Moment) {
        for limiter in &mut self.each {
            limiter.until = limiter.until.max(Some(until));
        }
    }

    /// An answer came: waits start anew, and a quota is back. `true` when that opens a limiter.
    pub(crate) fn answered(&mut self, credential: Option<u32>) -> bool {
        self.chosen(credential).iter_mut().fold(false, |opened, limiter| limiter.answered() | opened)
    }

    /// Until when each is closed, by credential; may have passed.
    pub(crate) fn until(&self) -> impl Iterator<Item = (u32, Option<Moment>)> {
        (0..).zip(self.each.iter().map(|limiter| limiter.until))
    }

    fn chosen(&mut self, credential: Option<u32>) -> &mut [Limiter] {
        match credential {
            Some(index) => self.each.get_mut(index as usize).map_or(&mut [], std::slice::from_mut),
            None => &mut self.each,
        }
    }
}

// === impl Limiter ===

impl Limiter {
    fn close(&mut self, class: Class, retry_after: Option<Duration>, now: Moment) {
        let quota = class == Class::Quota;
        let (longest, waits) = if quota { (LONGEST_QUOTA, QUOTA_WAITS) } else { (LONGEST_RATE, RATE_WAITS) };
        // A crowd of answers to one and the same overstepping is one occasion.
        if self.until.is_none_or(|until| until <= now) {
            self.doublings = (self.doublings + 1).min(16);
        }
        let doubled = waits.0.saturating_mul(1 << self.doublings.saturating_sub(1)).min(waits.1);
        let until = now + retry_after.map_or(doubled, |asked| asked.min(longest));
        self.until = self.until.max(Some(until));
        self.quota |= quota;
    }

    fn answered(&mut self) -> bool {
        let reopens = self.quota && self.until.is_some();
        self.doublings = 0;
        self.quota = false;
        if reopens {
            self.until = None;
        }
        reopens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(limiters: &Limiters) -> Option<Moment> {
        limiters.each[0].until
    }

    #[test]
    fn waits_double_per_occasion_and_absurd_ones_are_cut() {
        let mut limiters = Limiters::default();
        let mut now = Moment::ORIGIN;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            let until = now + Duration::from_secs(seconds);
            for _ in 0..3 {
                limiters.close(Some(0), Class::Rate, None, now);
                assert_eq!(first(&limiters), Some(until));
            }
            now = until;
        }
        limiters.close(None, Class::Rate, Some(Duration::from_secs(1_000_000_000)), now);
        assert_eq!(first(&limiters), Some(now + LONGEST_RATE));
    }

    #[test]
    fn an_answer_proves_a_quota_but_not_a_rate() {
        let mut limiters = Limiters::default();
        limiters.close(Some(0), Class::Rate, None, Moment::ORIGIN);
        assert!(!limiters.answered(Some(0)));
        limiters.close(Some(0), Class::Quota, None, Moment::ORIGIN);
        assert!(limiters.answered(None));
        assert_eq!(first(&limiters), None);
    }
}
