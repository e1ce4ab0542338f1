//! Published incidents, replayed against the whole of Sidestep in paused time: hours take seconds.
//!
//! By default a short matrix runs. `SIDESTEP_REPLAY=wide` plays every incident at every rate, shortened where the
//! full length adds nothing; `SIDESTEP_REPLAY=full` the same, in full length up to 2 requests a second.
//! `SIDESTEP_REPLAY_ONLY=NAME` plays one incident. The report goes to standard output and to
//! `target/replay-report.json`.

#![cfg(test)]

mod cable;
mod figures;
mod hearing;
mod incident;
mod replay;
mod report;
mod request;
mod scene;

use std::collections::VecDeque;
use std::sync::Mutex;

use figures::Figures;
use incident::Incident;
use replay::{Seen, play};

/// Requests a second.
const RATES: [f64; 3] = [2.0, 20.0, 0.2];
/// What the short matrix plays at 2 requests a second as well.
const BUSY: [&str; 2] = ["healthy", "notion-2026-06-07"];

/// One replay of the matrix.
struct Job {
    incident: Incident,
    rate: f64,
    shortened: bool,
}

#[test]
fn incidents_pass_unnoticed() {
    let jobs = Mutex::new(VecDeque::from(matrix()));
    let figures = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = { jobs.lock().unwrap().pop_front() } {
                    let measured = run(job);
                    report::print_one(&measured);
                    figures.lock().unwrap().push(measured);
                }
            });
        }
    });
    let mut figures = figures.into_inner().unwrap();
    figures.sort_by(|one, other| one.incident.cmp(&other.incident).then(one.rate.total_cmp(&other.rate)));
    report::print(&figures);
    report::write(&figures);
    let broken: Vec<String> = figures
        .iter()
        .flat_map(|line| {
            line.broken.iter().map(|what| format!("{} at {}/s: {what}", line.incident, line.rate))
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// With every kind of draw in it: faults at a rate, callers who leave, pauses, jitter, probes.
#[test]
fn a_seed_repeats_a_replay_to_the_byte() {
    let incident = || Incident::all().into_iter().find(|one| one.name == "openai-2025-06-10").unwrap();
    let told = |rate| {
        let seen = replayed(incident(), rate, true);
        let decisions: Vec<_> =
            seen.decisions.iter().map(|(at, entry)| (at, &entry.subject, &entry.to, &entry.why)).collect();
        let told = format!("{:?} {decisions:?} {:?} {:?}", seen.heard, seen.attempts, seen.spent);
        (serde_json::to_string(&Figures::of(&seen)).unwrap(), told)
    };
    let first = told(0.5);
    assert!(first == told(0.5), "two runs with one seed differ");
    assert!(first.1 != told(0.6).1);
}

fn run(job: Job) -> Figures {
    Figures::of(&replayed(job.incident, job.rate, job.shortened))
}

fn replayed(incident: Incident, rate: f64, shortened: bool) -> Seen {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play(incident, rate, shortened))
}

/// Longer replays before the shortest, so that none is left over at the end for one worker alone.
fn matrix() -> Vec<Job> {
    let wish = std::env::var("SIDESTEP_REPLAY").unwrap_or_default();
    let full = wish == "full";
    let wide = full || wish == "wide";
    let only = std::env::var("SIDESTEP_REPLAY_ONLY").ok();
    let mut jobs = Vec::new();
    for rate in RATES {
        for incident in Incident::all() {
            let brief = rate < 2.0 || (rate < 20.0 && BUSY.contains(&&*incident.name));
            if only.as_ref().is_none_or(|only| *only == incident.name) && (wide || brief) {
                jobs.push(Job { incident, rate, shortened: !full || rate > 2.0 });
            }
        }
    }
    jobs
}
