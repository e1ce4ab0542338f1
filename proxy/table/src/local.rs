//! Whether this very host is the one that fails: independent providers do not break in the same breath.

use std::time::Duration;

use crate::{identity::ProviderIndex, moment::Moment};

/// Two providers failing so close together make this host suspect.
const TOGETHER: Duration = Duration::from_secs(5);
/// Suspicion is short: two providers may be down at once after all.
const FREEZE: Duration = Duration::from_secs(15);
/// No new suspicion so soon after the last, or a lasting outage would never be acted upon.
const REST: Duration = Duration::from_secs(60);

/// Suspicion against this host.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalSuspicion {
    last: Option<(ProviderIndex, Moment)>,
    frozen_until: Option<Moment>,
    rested_from: Moment,
}

// === impl LocalSuspicion ===

impl LocalSuspicion {
    /// A failure that this host may have caused; `true` when that begins a freeze.
    pub(crate) fn failed(&mut self, provider: ProviderIndex, now: Moment) -> bool {
        let other = self.last.filter(|(other, _)| *other != provider);
        let together = other.is_some_and(|(_, at)| now.saturating_since(at) <= TOGETHER);
        self.last = Some((provider, now));
        let begins = together && now >= self.rested_from;
        if begins {
            self.frozen_until = Some(now + FREEZE);
            self.rested_from = now + FREEZE + REST;
            self.last = None;
        }
        begins
    }

    /// Until when failures that this host may have caused are not counted.
    pub(crate) fn frozen_until(&self, now: Moment) -> Option<Moment> {
        self.frozen_until.filter(|until| *until > now)
    }

    /// Positions mean something else in a new topology.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_providers_within_five_seconds_freeze_once_and_then_rest() {
        let (one, two) = (ProviderIndex::new(0), ProviderIndex::new(1));
        let mut local = LocalSuspicion::default();
        let at = Moment::from_millis;
        assert!(!local.failed(one, at(0)) && !local.failed(one, at(4000)));
        assert!(!local.failed(two, at(10_000)));
        assert!(local.failed(one, at(14_000)));
        assert_eq!(local.frozen_until(at(28_999)), Some(at(29_000)));
        assert_eq!(local.frozen_until(at(29_000)), None);
        assert!(!local.failed(two, at(30_000)) && !local.failed(one, at(31_000)));
        assert!(!local.failed(two, at(90_000)) && local.failed(one, at(91_000)));
    }
}
