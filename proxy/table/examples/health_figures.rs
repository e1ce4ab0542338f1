//! Prints what the health model promises and what a simulation in virtual time finds.
//!
//! `cargo run --release -p sidestep-table --example health_figures [SEEDS]`, 200 seeds unless told otherwise.

#[path = "../tests/incident/mod.rs"]
mod incident;

use std::{
    env,
    io::{self, Write},
    time::Duration,
};

use incident::{
    figures::{Course, HOUR, MINUTE, course, detection, opens, quantile, recovery},
    upstream::{Upstream, failing, neutral, spiteful, square_wave, two_faced},
};
use sidestep_table::{Class, Knobs, Policy};

type Behaviour = fn() -> Upstream;

fn main() -> io::Result<()> {
    let seeds = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200).max(1);
    let mut out = io::stdout().lock();
    writeln!(out, "{seeds} seeds, Poisson arrivals, 2 % background failures, probes mixed in\n")?;
    detections(&mut out, seeds)?;
    steady_states(&mut out, seeds)?;
    flapping(&mut out, seeds)?;
    courses(&mut out, seeds)?;
    recoveries(&mut out, seeds)
}

fn detections(out: &mut impl Write, seeds: u64) -> io::Result<()> {
    writeln!(out, "from 2 % to …   at … rps    opens after: median     p95   not within 1 h")?;
    for part in [0.10, 0.20, 0.25, 0.35, 1.0] {
        for rate in [0.0, 0.2, 2.0, 20.0] {
            if rate == 0.0 && part < 1.0 {
                continue;
            }
            let found: Vec<Option<Duration>> = (0..seeds).map(|seed| detection(seed, rate, part)).collect();
            let missed = found.iter().filter(|one| one.is_none()).count();
            let found: Vec<Duration> = found.into_iter().map(|one| one.unwrap_or(HOUR)).collect();
            let (median, p95) = (quantile(&found, 0.5).as_secs_f64(), quantile(&found, 0.95).as_secs_f64());
            let percent = part * 100.0;
            writeln!(out, "{percent:>11.0} %   {rate:>8}    {median:>18.1} s {p95:>6.1} s {missed:>16}")?;
        }
    }
    writeln!(out)
}

fn steady_states(out: &mut impl Write, seeds: u64) -> io::Result<()> {
    writeln!(out, "steady for 6 h                        rps    opens in all seeds together")?;
    let cases: [(&str, f64, Behaviour); 9] = [
        ("2 % failures", 0.2, || failing(0.02)),
        ("2 % failures", 2.0, || failing(0.02)),
        ("2 % failures", 20.0, || failing(0.02)),
        ("4 % failures", 2.0, || failing(0.04)),
        ("6 % failures", 2.0, || failing(0.06)),
        ("80 % 429s, of the rest 2 % fail", 2.0, || neutral(Class::Rate, 0.8)),
        ("80 % out of quota, so", 2.0, || neutral(Class::Quota, 0.8)),
        ("80 % client 400s, so", 2.0, || neutral(Class::Client, 0.8)),
        ("80 % cancelled, so", 2.0, || neutral(Class::Cancel, 0.8)),
    ];
    for (name, rate, upstream) in cases {
        let all: usize = (0..seeds).map(|seed| opens(seed, rate, upstream(), 6 * HOUR)).sum();
        writeln!(out, "{name:<36} {rate:>4}   {all:>8} in {} h", 6 * seeds)?;
    }
    writeln!(out)
}

fn flapping(out: &mut impl Write, seeds: u64) -> io::Result<()> {
    writeln!(out, "opens in the first hour, 2 rps                    median   most")?;
    let waves = [(5, 5), (30, 30), (75, 20), (120, 60), (300, 30), (900, 60)];
    let mut cases: Vec<(String, Box<dyn Fn() -> Upstream>)> = waves
        .into_iter()
        .map(|(up, down)| {
            let (up_for, down_for) = (Duration::from_secs(up), Duration::from_secs(down));
            let wave: Box<dyn Fn() -> Upstream> = Box::new(move || square_wave(up_for, down_for));
            (format!("{up} s well, {down} s down, and so on"), wave)
        })
        .collect();
    cases.push(("down for good".to_owned(), Box::new(|| failing(1.0))));
    cases.push(("half of all requests fail".to_owned(), Box::new(|| failing(0.5))));
    cases.push(("well to probes, ill to users".to_owned(), Box::new(two_faced)));
    cases.push(("well until users are let in again".to_owned(), Box::new(spiteful)));
    for (name, upstream) in cases {
        let all: Vec<usize> = (0..seeds).map(|seed| opens(seed, 2.0, upstream(), HOUR)).collect();
        writeln!(out, "{name:<48} {:>7} {:>6}", quantile(&all, 0.5), quantile(&all, 1.0))?;
    }
    writeln!(out)
}

fn courses(out: &mut impl Write, seeds: u64) -> io::Result<()> {
    writeln!(
        out,
        "one outage                       opens: p50   p95   >2    sent to it   back after: p50     p95    most   \
         probes/h"
    )?;
    let hour = [0.10, 0.15, 0.20, 0.25, 0.30, 0.50, 0.90, 1.0].map(|part| (60, part));
    for (minutes, part) in
        hour.into_iter().chain([(5, 1.0), (10, 0.30), (360, 0.15), (360, 0.25), (360, 1.0)])
    {
        for rate in [0.2, 2.0, 20.0] {
            if rate < 10.0 || minutes <= 60 {
                one_course(out, seeds, (minutes, part, rate))?;
            }
        }
    }
    writeln!(
        out,
        "sent to it: of those who came after the first opening; back: in service, after the true end\n"
    )
}

fn one_course(out: &mut impl Write, seeds: u64, (minutes, part, rate): (u32, f64, f64)) -> io::Result<()> {
    let found: Vec<Course> =
        (0..seeds).filter_map(|seed| course(seed, rate, part, minutes * MINUTE)).collect();
    let name = format!("{:.0} % for {minutes} min at {rate}/s", part * 100.0);
    if found.is_empty() {
        return writeln!(out, "{name:<32} never noticed");
    }
    let opens: Vec<usize> = found.iter().map(|one| one.opens).collect();
    let back: Vec<Duration> = found.iter().map(|one| one.back).collect();
    let many = opens.iter().filter(|one| **one > 2).count();
    let mean = |of: fn(&Course) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
    let (sent, probes) = (mean(|one| one.sent) * 100.0, mean(|one| one.probes));
    let (median, p95) = (quantile(&opens, 0.5), quantile(&opens, 0.95));
    let seconds = |part| quantile(&back, part).as_secs_f64();
    let (middle, late, last) = (seconds(0.5), seconds(0.95), seconds(1.0));
    writeln!(
        out,
        "{name:<32} {median:>10} {p95:>5} {many:>4} {sent:>11.1} % {middle:>15.0} s {late:>5.0} s {last:>5.0} s \
         {probes:>10.0}"
    )
}

fn recoveries(out: &mut impl Write, seeds: u64) -> io::Result<()> {
    writeln!(out, "healed after … down     rps   back at full share: median     p95    most   late")?;
    let short = Knobs {
        slow_start: Some(Duration::from_secs(12)),
        cooldown: Some(Duration::from_secs(2)),
        max_cooldown: Some(Duration::from_secs(6)),
        probe_gap: Some(Duration::from_secs(1)),
        ..Knobs::default()
    };
    let short = Policy::from_knobs(&short).map_err(io::Error::other)?;
    let cases = [
        ("20 s", Policy::default(), Duration::from_secs(20)),
        ("5 min", Policy::default(), 5 * MINUTE),
        ("1 h", Policy::default(), HOUR),
        ("20 s, compressed", short, Duration::from_secs(20)),
    ];
    for (name, policy, outage) in cases {
        for rate in [0.0, 0.2, 2.0, 20.0] {
            let found = (0..seeds).filter_map(|seed| recovery(seed, rate, outage, &policy));
            let found: Vec<_> = found.collect();
            let late = seeds as usize - found.iter().filter(|one| one.took <= one.allowed).count();
            let took: Vec<Duration> = found.iter().map(|one| one.took).collect();
            let seconds = |part| quantile(&took, part).as_secs_f64();
            let (median, p95, most) = (seconds(0.5), seconds(0.95), seconds(1.0));
            writeln!(out, "{name:<20} {rate:>6}   {median:>25.1} s {p95:>6.1} s {most:>6.1} s {late:>5}")?;
        }
    }
    writeln!(out, "late: later than the cooldown in force + slow start + 60 s")
}
