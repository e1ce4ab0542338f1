//! One clock for verdicts, and its relation to the wall clock for display and for files.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sidestep_table::Moment;
use tokio::time::Instant;

/// Where the process's start lies on the scale of [`Moment`]: a year in. A switch that was set before a
/// restart can then still be placed in time.
const LEAD: Duration = Duration::from_secs(366 * 24 * 3600);

/// The process's clock. Decisions use the monotone side only; a jump of the wall clock changes nothing
/// but what is displayed.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

/// One instant on both clocks; converts between them.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    moment: Moment,
    unix: f64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        self.moment(Instant::now())
    }

    /// The moment of an instant.
    pub fn moment(&self, instant: Instant) -> Moment {
        let since = instant.saturating_duration_since(self.origin);
        Moment::from_millis(millis(LEAD + since))
    }

    /// The instant of a moment, for timers; moments before the start give the start.
    pub fn instant(&self, moment: Moment) -> Instant {
        let since = Duration::from_millis(moment.as_millis()).saturating_sub(LEAD);
        self.origin.checked_add(since).unwrap_or_else(far)
    }

    /// Time since the start.
    pub fn uptime(&self) -> Duration {
        self.origin.elapsed()
    }

    /// The wall clock's present time in seconds since 1970.
    pub fn unix_now(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
    }

    /// Both clocks, read at once.
    pub fn reading(&self) -> Reading {
        Reading { moment: self.now(), unix: self.unix_now() }
    }
}

impl Reading {
    /// A reading of `unix` seconds since 1970 at `moment`.
    pub fn at(moment: Moment, unix: f64) -> Self {
        Self { moment, unix }
    }

    /// The moment at which it was read.
    pub fn now(&self) -> Moment {
        self.moment
    }

    /// The wall clock in seconds since 1970.
    pub fn unix_seconds(&self) -> f64 {
        self.unix
    }

    /// A moment in seconds since 1970.
    pub fn unix(&self, moment: Moment) -> f64 {
        self.unix + seconds(moment.as_millis()) - seconds(self.moment.as_millis())
    }

    /// The moment of a unix time in seconds; what lies too far back or ahead, or is no number, is clamped.
    pub fn moment(&self, unix: f64) -> Moment {
        let distance = ((unix - self.unix) * 1000.0).round() / 1000.0;
        let ahead = Duration::try_from_secs_f64(distance.max(0.0)).unwrap_or(Duration::MAX);
        let back = Duration::try_from_secs_f64((-distance).max(0.0)).unwrap_or(Duration::MAX);
        let here = self.moment.as_millis();
        Moment::from_millis(here.saturating_add(millis(ahead)).saturating_sub(millis(back)))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a process's life are far below 2^53")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// Thirty years on: as good as never, and inside what every platform's clock can hold.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(30 * 365 * 24 * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn moments_follow_tokios_clock_and_come_back() {
        let clock = Clock::start();
        let start = clock.now();
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(clock.now().saturating_since(start), Duration::from_millis(1500));
        assert_eq!(clock.instant(clock.now()), Instant::now());
        assert_eq!(clock.uptime(), Duration::from_millis(1500));
    }

    #[test]
    fn the_wall_clock_round_trips_to_the_millisecond() {
        let reading = Reading { moment: Moment::from_millis(40_000_000_000), unix: 1_795_000_000.125 };
        for millis in [39_913_600_000, 39_999_999_999, 40_000_000_000, 40_001_800_003] {
            let moment = Moment::from_millis(millis);
            assert_eq!(reading.moment(reading.unix(moment)), moment);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn absurd_times_are_clamped() {
        let clock = Clock::start();
        let reading = clock.reading();
        assert_eq!(reading.moment(f64::NEG_INFINITY), Moment::from_millis(0));
        assert_eq!(reading.moment(0.0), Moment::from_millis(0));
        assert_eq!(reading.moment(f64::INFINITY), Moment::from_millis(u64::MAX));
        assert_eq!(reading.moment(f64::NAN), clock.now());
        assert!(clock.instant(Moment::from_millis(u64::MAX)) > Instant::now());
    }
}
