//! How long a model usually takes to its first token: a decaying histogram without locks.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// Logarithmic buckets: 10 ms × 1.08ⁿ, up to about 190 s, so a quantile is at most 8 % too high.
const BUCKETS: usize = 128;
const LOWEST_MILLIS: f64 = 10.0;
const GROWTH: f64 = 1.08;
/// Fewer samples than this say nothing about a tail.
const MIN_SAMPLES: u32 = 20;
/// At this many samples all counts are halved, so old behaviour fades with use, not with time.
const HALVE_AT: u32 = 512;

/// One model's history of times to the first token.
///
/// Written by every request that sees a first token, read by hedges and by the slow bound. Counts may
/// be off by a few while another thread halves them, which moves no quantile noticeably.
#[derive(Debug)]
pub struct FirstTokenHistory {
    counts: [AtomicU32; BUCKETS],
    total: AtomicU32,
    halving: AtomicBool,
}

/// What a [`FirstTokenHistory`] held at one time, to tell later what has come since.
#[derive(Clone, Debug)]
pub struct FirstTokenMark([u32; BUCKETS]);

impl FirstTokenHistory {
    pub(crate) fn new() -> Self {
        Self {
            counts: [const { AtomicU32::new(0) }; BUCKETS],
            total: AtomicU32::new(0),
            halving: AtomicBool::new(false),
        }
    }

    /// Takes one sample in.
    pub fn record(&self, elapsed: Duration) {
        self.counts[bucket(elapsed)].fetch_add(1, Relaxed);
        if self.total.fetch_add(1, Relaxed) + 1 >= HALVE_AT {
            self.halve();
        }
    }

    /// The 95th percentile; `None` under 20 samples.
    #[must_use]
    pub fn p95(&self) -> Option<Duration> {
        self.quantile(0.95)
    }

    /// The median; `None` under 20 samples.
    #[must_use]
    pub fn p50(&self) -> Option<Duration> {
        self.quantile(0.50)
    }

    /// What is held now.
    #[must_use]
    pub fn mark(&self) -> FirstTokenMark {
        FirstTokenMark(std::array::from_fn(|index| self.counts[index].load(Relaxed)))
    }

    /// The median of what came after `mark`; `None` when nothing did. If samples have been halved away since, it is
    /// the median of all, which are then mostly new ones.
    #[must_use]
    pub fn p50_since(&self, mark: &FirstTokenMark) -> Option<Duration> {
        let FirstTokenMark(now) = self.mark();
        let new: Option<Vec<u32>> =
            now.iter().zip(&mark.0).map(|(now, then)| now.checked_sub(*then)).collect();
        new.map_or_else(|| self.p50(), |new| quantile(&new, 0.50))
    }

    fn quantile(&self, q: f64) -> Option<Duration> {
        let FirstTokenMark(counts) = self.mark();
        if counts.iter().sum::<u32>() < MIN_SAMPLES {
            return None;
        }
        quantile(&counts, q)
    }

    fn halve(&self) {
        if self.halving.swap(true, Relaxed) {
            return;
        }
        let mut kept = 0;
        for count in &self.counts {
            let drop = count.load(Relaxed).div_ceil(2);
            kept += count.fetch_sub(drop, Relaxed) - drop;
        }
        self.total.store(kept, Relaxed);
        self.halving.store(false, Relaxed);
    }
}

fn bucket(elapsed: Duration) -> usize {
    let steps = (elapsed.as_secs_f64() * 1000.0 / LOWEST_MILLIS).max(1.0).ln() / GROWTH.ln();
    (steps.ceil() as usize).min(BUCKETS - 1)
}

/// The upper edge of the bucket that holds the quantile; `None` without a sample.
fn quantile(counts: &[u32], q: f64) -> Option<Duration> {
    let rank = (f64::from(counts.iter().sum::<u32>()) * q).ceil() as u32;
    let mut seen = 0;
    let index = counts.iter().position(|count| {
        seen += count;
        seen >= rank.max(1)
    });
    index.map(upper_edge)
}

fn upper_edge(index: usize) -> Duration {
    Duration::from_secs_f64(LOWEST_MILLIS * GROWTH.powi(index as i32) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_need_samples_and_stay_within_a_bucket() {
        let history = FirstTokenHistory::new();
        for millis in 1..=19 {
            history.record(Duration::from_millis(millis * 100));
        }
        assert_eq!(history.p95(), None);
        for millis in 20..=100 {
            history.record(Duration::from_millis(millis * 100));
        }
        for (found, exact) in [(history.p50(), 5.0), (history.p95(), 9.5)] {
            let found = found.expect("enough samples").as_secs_f64();
            assert!((exact..exact * 1.081).contains(&found), "{found} for {exact}");
        }
    }

    #[test]
    fn old_samples_fade() {
        let history = FirstTokenHistory::new();
        for _ in 0..400 {
            history.record(Duration::from_secs(30));
        }
        for _ in 0..2000 {
            history.record(Duration::from_millis(500));
        }
        assert!(history.p95().expect("enough samples") < Duration::from_millis(600));
    }

    #[test]
    fn what_came_since_a_mark_has_a_median_of_its_own() {
        let history = FirstTokenHistory::new();
        for _ in 0..30 {
            history.record(Duration::from_millis(300));
        }
        let mark = history.mark();
        assert_eq!(history.p50_since(&mark), None);
        history.record(Duration::from_secs(4));
        let found = history.p50_since(&mark).expect("one sample is enough").as_secs_f64();
        assert!((4.0..4.33).contains(&found), "{found}");
        for _ in 0..600 {
            history.record(Duration::from_secs(2));
        }
        let found = history.p50_since(&mark).expect("halved since").as_secs_f64();
        assert!((2.0..2.17).contains(&found), "{found}");
    }

    #[test]
    fn absurd_samples_are_clamped() {
        let history = FirstTokenHistory::new();
        for _ in 0..20 {
            history.record(Duration::ZERO);
            history.record(Duration::MAX);
        }
        assert_eq!(history.p50(), Some(Duration::from_millis(10)));
    }
}
