//! Random incidents, one after the other: what must hold in each, whatever it is.

use std::sync::Mutex;

use crate::caller::Heard;
use crate::chance::{Chance, chance};
use crate::hearing::Ending;
use crate::in_parallel;
use crate::invariants::broken;
use crate::measures::quantile;
use crate::replay::{Job, Seen, replayed};
use crate::targets::VISIBLE;

/// Without a wish.
const USUAL: u64 = 2;
/// Failures are printed in full for so many incidents.
const PRINTED: usize = 3;

/// What a soak comes to.
#[derive(Default)]
struct Sum {
    incidents: usize,
    requests: usize,
    hours: f64,
    told: usize,
    /// Of them, those in plain text, which another model might have gone on with.
    told_in_text: usize,
    rescued: usize,
    opened: usize,
    /// Seconds to the return, of those that had to return.
    returns: Vec<f64>,
    failures: Vec<String>,
}

#[test]
fn random_incidents_break_nothing() {
    let wish = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match wish("SIDESTEP_SOAK_SEED") {
        Some(seed) => vec![seed],
        None => (0..wish("SIDESTEP_SOAK").unwrap_or(USUAL)).collect(),
    };
    let sum = Mutex::new(Sum::default());
    in_parallel(seeds, |seed| {
        let Chance { incident, rate, seed } = chance(seed);
        let seen = replayed(Job { incident, rate, shortened: false, seed });
        sum.lock().unwrap().add(&seen);
    });
    let mut sum = sum.into_inner().unwrap();
    sum.returns.sort_by(f64::total_cmp);
    let visible = sum.told as f64 / sum.requests.max(1) as f64;
    println!(
        "{} random incidents, {:.0} hours, {} requests: {} rescued, {} told of a break ({:.3} %; {} in text), {} opens, \
         back after {:.0} s in the median and {:.0} s in the 95th percentile, {} incidents with failures",
        sum.incidents,
        sum.hours,
        sum.requests,
        sum.rescued,
        sum.told,
        100.0 * visible,
        sum.told_in_text,
        sum.opened,
        quantile(&sum.returns, 0.5).unwrap_or_default(),
        quantile(&sum.returns, 0.95).unwrap_or_default(),
        sum.failures.len(),
    );
    assert!(sum.incidents > 0 && sum.requests > 0, "nothing was played");
    sum.failures.sort();
    let shown: Vec<&str> = sum.failures.iter().take(PRINTED).map(String::as_str).collect();
    assert!(sum.failures.is_empty(), "{} incidents:\n\n{}", sum.failures.len(), shown.join("\n\n"));
    // A handful may have met the worst of luck.
    assert!(sum.incidents < 100 || visible < VISIBLE, "a share of {visible:.5} failed visibly");
}

impl Sum {
    fn add(&mut self, seen: &Seen) {
        self.incidents += 1;
        self.requests += seen.heard.len();
        self.hours += seen.played.until.as_secs_f64() / 3600.0;
        self.told += seen.count(|ending| *ending == Ending::Told);
        let in_text = |heard: &&Heard| heard.ending == Ending::Told && !heard.tools;
        self.told_in_text += seen.heard.iter().filter(in_text).count();
        self.rescued += seen.heard.iter().filter(|heard| heard.rescued_by.is_some()).count();
        self.opened += seen.opened().count();
        self.returns.extend(seen.returned());
        let broken = broken(seen);
        if !broken.is_empty() {
            self.failures.push(printed(&seen.played.job, &broken));
        }
    }
}

/// What broke, and how to see it again.
fn printed(job: &Job, broken: &[String]) -> String {
    let yaml = serde_yaml::to_string(&job.incident).unwrap();
    format!(
        "seed {}: {}\nplay it alone with SIDESTEP_SOAK_SEED={} or, from a file, with SIDESTEP_REPLAY_FILE=… \
         SIDESTEP_REPLAY_RATE={} SIDESTEP_REPLAY_SEED={}:\n{yaml}",
        job.seed,
        broken.join("; "),
        job.seed,
        job.rate,
        job.seed,
    )
}
