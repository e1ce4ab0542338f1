//! Time as the table sees it: milliseconds that only ever grow.

use std::{ops::Add, time::Duration};

use serde::Serialize;

/// A point in time: whole milliseconds since an origin that the caller chooses.
///
/// Callers derive it from a monotonic clock, so a step of the wall clock cannot shorten or stretch a
/// cooldown. All arithmetic saturates: no duration, however absurd, can make it wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    /// The origin itself.
    pub const ORIGIN: Self = Self(0);

    /// The moment `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the origin.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The moment `duration` before this one, not before the origin.
    #[must_use]
    pub fn saturating_back(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(duration)))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let late = Moment::from_millis(u64::MAX - 1) + Duration::MAX;
        assert_eq!(late.as_millis(), u64::MAX);
        assert_eq!(Moment::ORIGIN.saturating_since(late), Duration::ZERO);
        assert_eq!(Moment::from_millis(5).saturating_back(Duration::from_secs(1)), Moment::ORIGIN);
    }
}
