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

    /// A moment in seconds since 1970, by the wall clock as it stands now.
    pub fn unix(&self, moment: Moment) -> f64 {
        let distance = seconds(moment.as_millis()) - seconds(self.now().as_millis());
        self.unix_now() + distance
    }

    /// The moment of a unix time in seconds; what lies too far back or ahead, or is no number, is clamped.
    pub fn from_unix(&self, unix_seconds: f64) -> Moment {
        let distance = unix_seconds - self.unix_now();
        let ahead = Duration::try_from_secs_f64(distance.max(0.0)).unwrap_or(Duration::MAX);
        let back = Duration::try_from_secs_f64((-distance).max(0.0)).unwrap_or(Duration::MAX);
        let now = self.now().as_millis();
        Moment::from_millis(now.saturating_add(millis(ahead)).saturating_sub(millis(back)))
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

    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_round_trips_within_a_moment() {
        let clock = Clock::start();
        for distance in [-86_400.0, -1.0, 0.0, 0.5, 1800.0] {
            let unix = clock.unix_now() + distance;
            let back = clock.unix(clock.from_unix(unix));
            assert!((back - unix).abs() < 0.5, "{unix} came back as {back}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn absurd_times_are_clamped() {
        let clock = Clock::start();
        assert_eq!(clock.from_unix(f64::NEG_INFINITY), Moment::from_millis(0));
        assert_eq!(clock.from_unix(0.0), Moment::from_millis(0));
        assert_eq!(clock.from_unix(f64::INFINITY), Moment::from_millis(u64::MAX));
        assert!(clock.instant(Moment::from_millis(u64::MAX)) > Instant::now());
        assert!(clock.from_unix(f64::NAN) <= clock.now());
    }
}
