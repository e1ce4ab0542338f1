//! Published incidents, and random ones, replayed against the whole of Sidestep in paused time: hours take seconds.
//!
//! By default a short matrix of the published ones runs. `SIDESTEP_REPLAY=wide` plays every one at every rate,
//! shortened; `SIDESTEP_REPLAY=full` the same in full length up to 2 requests a second. The report goes to standard
//! output, `target/replay-report.json` and `target/replay-report.html`.
//!
//! `SIDESTEP_REPLAY_ONLY=NAME` plays one of them, `SIDESTEP_REPLAY_RATE=N` only at that rate.
//! `SIDESTEP_REPLAY_FILE=PATH`, with that and `SIDESTEP_REPLAY_SEED`, plays an incident of one's own.
//! `SIDESTEP_SOAK=N` is the number of random incidents, and `SIDESTEP_SOAK_SEED=N` plays the one of that seed.

#![cfg(test)]

mod cable;
mod caller;
mod chance;
mod course;
mod figures;
mod hearing;
mod incident;
mod invariants;
mod measures;
mod page;
mod record;
mod replay;
mod report;
mod request;
mod said;
mod scene;
mod soak;
mod targets;

use std::collections::VecDeque;
use std::sync::Mutex;

use figures::Figures;
use incident::Incident;
use replay::{Job, replayed};

/// Requests a second.
const RATES: [f64; 3] = [0.2, 2.0, 20.0];
/// What the short matrix plays at 2 requests a second as well.
const BUSY: [&str; 2] = ["healthy", "notion-2026-06-07"];

#[test]
fn incidents_pass_unnoticed() {
    let figures = Mutex::new(Vec::new());
    in_parallel(matrix(), |job| {
        let measured = Figures::of(&replayed(job));
        report::print_one(&measured);
        figures.lock().unwrap().push(measured);
    });
    let mut figures = figures.into_inner().unwrap();
    figures.sort_by(|one, other| {
        let (one, other) = (&one.setting, &other.setting);
        one.incident.cmp(&other.incident).then(one.rate.total_cmp(&other.rate))
    });
    report::print(&figures);
    report::write(&figures);
    let missed = targets::missed(&figures);
    assert!(missed.is_empty(), "\n{}", missed.join("\n"));
}

/// With every kind of draw in it: faults at a rate, callers who leave, pauses, jitter, probes.
#[test]
fn a_seed_repeats_a_replay_to_the_byte() {
    let told = |rate, seed| {
        let incident = Incident::read(include_str!("incidents/short.yaml"));
        let seen = replayed(Job { incident, rate, shortened: true, seed });
        let decisions: Vec<_> =
            seen.decisions.iter().map(|(at, entry)| (at, &entry.subject, &entry.to, &entry.why)).collect();
        let told = format!("{:?} {decisions:?} {:?} {:?}", seen.heard, seen.attempts, seen.spent);
        (serde_json::to_string(&Figures::of(&seen)).unwrap(), told)
    };
    let first = told(1.0, 3);
    assert!(first == told(1.0, 3), "two runs with one seed differ");
    assert!(first.1 != told(1.0, 4).1);
}

/// Runs `work` on every job, on as many threads as there are processors.
fn in_parallel<J: Send>(jobs: Vec<J>, work: impl Fn(J) + Sync) {
    let jobs = Mutex::new(VecDeque::from(jobs));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = { jobs.lock().unwrap().pop_front() } {
                    work(job);
                }
            });
        }
    });
}

/// The longest first, so that none is left over at the end for one worker alone.
fn matrix() -> Vec<Job> {
    if let Ok(file) = std::env::var("SIDESTEP_REPLAY_FILE") {
        return vec![own(&file)];
    }
    let wish = std::env::var("SIDESTEP_REPLAY").unwrap_or_default();
    let full = wish == "full";
    let wide = full || wish == "wide";
    let only = std::env::var("SIDESTEP_REPLAY_ONLY").ok();
    let wished = std::env::var("SIDESTEP_REPLAY_RATE").ok().map(|rate| rate.parse::<f64>().unwrap());
    let mut jobs = Vec::new();
    for rate in RATES.into_iter().filter(|rate| wished.is_none_or(|wished| wished == *rate)) {
        for incident in Incident::all() {
            let brief = rate < 2.0 || (rate < 20.0 && BUSY.contains(&&*incident.name));
            if only.as_ref().is_none_or(|only| *only == incident.name) && (wide || brief) {
                jobs.push(Job::published(incident, rate, !full || rate > 2.0));
            }
        }
    }
    jobs.sort_by(|one, other| other.requests().total_cmp(&one.requests()));
    jobs
}

fn own(file: &str) -> Job {
    let number = |name: &str, usual: f64| {
        std::env::var(name).map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name}: {value}")))
    };
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (rate, seed) = (number("SIDESTEP_REPLAY_RATE", 2.0), number("SIDESTEP_REPLAY_SEED", 1.0));
    Job { incident: Incident::read(&text), rate, shortened: false, seed: seed as u64 }
}
