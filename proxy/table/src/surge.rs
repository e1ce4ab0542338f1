//! A sudden share of refused requests: mostly an application's bug, sometimes an upstream's. A probe tells.

use std::time::Duration;

use crate::{moment::Moment, score::Fading};

const SHORT: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(3600);
/// Fewer outcomes, lately or before, say nothing.
const ENOUGH: f64 = 20.0;
/// So many times its own hour's share is a surge; a share below this floor never is.
const TIMES: f64 = 5.0;
const FLOOR: f64 = 0.05;

/// The share of client errors among live outcomes, lately and over the last hour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surge {
    refused: (Fading, Fading),
    all: (Fading, Fading),
}

// === impl Surge ===

impl Surge {
    pub(crate) fn new(now: Moment) -> Self {
        let pair = (Fading::new(now, SHORT), Fading::new(now, LONG));
        Self { refused: pair, all: pair }
    }

    pub(crate) fn note(&mut self, refused: bool, now: Moment) {
        self.all.0.add(1.0, now);
        self.all.1.add(1.0, now);
        if refused {
            self.refused.0.add(1.0, now);
            self.refused.1.add(1.0, now);
        }
    }

    /// The last minute's share is far over the hour's.
    pub(crate) fn is_on(&self, now: Moment) -> bool {
        let (lately, hour) = (self.all.0.at(now), self.all.1.at(now));
        let (refused_lately, refused_hour) = (self.refused.0.at(now), self.refused.1.at(now));
        // The surge itself is no part of what is usual.
        let before = hour - lately;
        if lately < ENOUGH || before < ENOUGH {
            return false;
        }
        let usual = (refused_hour - refused_lately).max(0.0) / before;
        refused_lately / lately > (TIMES * usual).max(FLOOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sudden_share_is_a_surge_and_a_steady_one_is_not() {
        let mut surge = Surge::new(Moment::ORIGIN);
        let mut now = Moment::ORIGIN;
        let mut seen = [false; 2];
        for second in 0..4000 {
            now = now + Duration::from_secs(1);
            surge.note(second >= 3600 || second % 20 == 0, now);
            seen[usize::from(second >= 3600)] |= surge.is_on(now);
        }
        assert_eq!(seen, [false, true]);
    }
}
