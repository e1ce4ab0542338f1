//! What came of the incident, for people and for scripts.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Course;
use super::load::Tally;
use crate::journal::Entry;

/// The outcome of a demo. As JSON it is one object; durations are in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Calls that the application made.
    pub requests: u64,
    /// Of them, streamed.
    pub streams: u64,
    /// Calls that got an error, no answer, or not what was asked for.
    pub failed: u64,
    /// Why, by reason.
    pub failures: std::collections::BTreeMap<String, u64>,
    /// Answers that ended early.
    pub truncated: u64,
    /// Answers that another model than the first choice gave.
    pub rerouted: u64,
    /// Exchanges with providers for all of them.
    pub attempts: u64,
    /// From the first fault until Sidestep opened the model that fell ill.
    pub detected_after_ms: Option<u64>,
    /// From the lifting of the last fault until traffic was back with its first choice, for good.
    pub restored_after_ms: Option<u64>,
    /// How late rerouted calls were sent to the model that answered: the 99th percentile of
    /// `sidestep_reroute_delay_seconds`, interpolated as Prometheus' `histogram_quantile` does.
    pub switch_latency_p99_ms: Option<f64>,
    /// Decisions that Sidestep took.
    pub decisions: usize,
    /// The whole demo.
    pub duration_ms: u64,
}

impl Summary {
    /// Sums up.
    #[must_use]
    pub(super) fn new(course: &Course, tally: &Tally, entries: &[Entry], metrics: &str) -> Summary {
        let between = |from: Option<Duration>, to: Option<Duration>| Some(millis(to?.checked_sub(from?)?));
        Summary {
            requests: tally.requests,
            streams: tally.streams,
            failed: tally.failures(),
            failures: tally.failed.clone(),
            truncated: tally.truncated,
            rerouted: tally.rerouted,
            attempts: tally.attempts,
            detected_after_ms: between(course.fell_ill, course.detected),
            restored_after_ms: between(course.healed, course.restored),
            switch_latency_p99_ms: quantile(metrics, "sidestep_reroute_delay_seconds", 0.99)
                .map(|seconds| (seconds * 1e5).round() / 100.0),
            decisions: entries.len(),
            duration_ms: millis(course.lasted),
        }
    }

    /// True when no call failed or was truncated, the incident was noticed, and traffic returned.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let unharmed = self.failed == 0 && self.truncated == 0;
        unharmed && self.detected_after_ms.is_some() && self.restored_after_ms.is_some()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |millis: Option<u64>| match millis {
            Some(millis) => format!("{:.1} s", millis as f64 / 1000.0),
            None => "never".to_owned(),
        };
        writeln!(f, "calls                 {} ({} streamed)", self.requests, self.streams)?;
        writeln!(f, "failed                {}", self.failed)?;
        for (reason, times) in &self.failures {
            writeln!(f, "  {times} × {reason}")?;
        }
        writeln!(f, "truncated             {}", self.truncated)?;
        writeln!(f, "rerouted              {}", self.rerouted)?;
        writeln!(f, "attempts              {}", self.attempts)?;
        writeln!(f, "incident detected     {} after the first fault", seconds(self.detected_after_ms))?;
        writeln!(f, "traffic restored      {} after the last fault", seconds(self.restored_after_ms))?;
        match self.switch_latency_p99_ms {
            Some(p99) => writeln!(f, "a reroute cost        {p99} ms (p99)"),
            None => writeln!(f, "a reroute cost        nothing: none was needed"),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A quantile of a histogram over all its label sets, by linear interpolation inside the bucket.
fn quantile(scrape: &str, family: &str, quantile: f64) -> Option<f64> {
    let prefix = format!("{family}_bucket{{");
    let mut buckets: Vec<(f64, f64)> = Vec::new();
    for line in scrape.lines().filter(|line| line.starts_with(&prefix)) {
        let bound = line.split("le=\"").nth(1)?.split('"').next()?;
        let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
        let count: f64 = line.rsplit(' ').next()?.parse().ok()?;
        match buckets.iter_mut().find(|bucket| bucket.0 == bound) {
            Some(bucket) => bucket.1 += count,
            None => buckets.push((bound, count)),
        }
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rank = buckets.last().map(|last| last.1).filter(|total| *total > 0.0)? * quantile;
    let mut below = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= rank {
            let inside = if count > below.1 { (rank - below.1) / (count - below.1) } else { 1.0 };
            return Some(if bound.is_finite() { below.0 + (bound - below.0) * inside } else { below.0 });
        }
        below = (bound, count);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_interpolated_over_all_series() {
        let scrape = "# HELP x y\n\
            x_bucket{route=\"a\",le=\"0.1\"} 50\nx_bucket{route=\"a\",le=\"0.2\"} 90\nx_bucket{route=\"a\",le=\"+Inf\"} 90\n\
            x_bucket{route=\"b\",le=\"0.1\"} 0\nx_bucket{route=\"b\",le=\"0.2\"} 10\nx_bucket{route=\"b\",le=\"+Inf\"} 10\n";
        assert_eq!(quantile(scrape, "x", 0.5), Some(0.1));
        assert!((quantile(scrape, "x", 0.75).unwrap() - 0.15).abs() < 1e-9);
        assert_eq!(quantile(scrape, "y", 0.5), None);
    }

    #[test]
    fn a_demo_is_good_only_when_nothing_was_lost_and_traffic_came_home() {
        let course = Course {
            fell_ill: Some(Duration::from_secs(6)),
            detected: Some(Duration::from_secs(9)),
            healed: Some(Duration::from_secs(27)),
            restored: Some(Duration::from_secs(47)),
            lasted: Duration::from_secs(50),
        };
        let mut tally = Tally { requests: 10, ..Tally::default() };
        let good = Summary::new(&course, &tally, &[], "");
        assert_eq!((good.detected_after_ms, good.restored_after_ms), (Some(3000), Some(20000)));
        assert!(good.is_good());
        tally.truncated = 1;
        assert!(!Summary::new(&course, &tally, &[], "").is_good());
        let never = Course { restored: None, ..course };
        assert!(!Summary::new(&never, &Tally::default(), &[], "").is_good());
    }
}
