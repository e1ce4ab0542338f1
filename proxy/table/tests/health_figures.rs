//! Holds the figures that the health model promises, over 200 seeds in virtual time. The example of the same
//! name prints them, and more.

mod incident;

use std::time::Duration;

use incident::{
    World,
    figures::{Course, HOUR, MINUTE, course, detection, opens, quantile, recovery},
    upstream::{failing, neutral, spiteful, square_wave, two_faced},
};
use proptest::prelude::*;
use sidestep_table::{Class, Knobs, Policy, Verdict};

const SEEDS: u64 = 200;

fn detections(rate: f64, part: f64) -> Vec<Duration> {
    (0..SEEDS).map(|seed| detection(seed, rate, part).unwrap_or(Duration::MAX)).collect()
}

#[test]
fn a_rise_to_25_percent_opens_within_45_seconds_and_95_in_100_times_within_90() {
    let found = detections(2.0, 0.25);
    let (median, p95) = (quantile(&found, 0.5), quantile(&found, 0.95));
    assert!(median <= Duration::from_secs(45) && p95 <= Duration::from_secs(90), "{median:?} {p95:?}");
}

#[test]
fn a_total_outage_opens_within_5_seconds_and_without_users_within_half_a_minute() {
    let busy = quantile(&detections(2.0, 1.0), 0.5);
    assert!(busy <= Duration::from_secs(5), "{busy:?}");
    let idle = quantile(&detections(0.0, 1.0), 1.0);
    assert!(idle <= Duration::from_secs(30), "{idle:?}");
}

#[test]
fn a_steady_2_percent_never_opens() {
    for seed in 0..SEEDS {
        assert_eq!(opens(seed, 2.0, failing(0.02), 3 * HOUR), 0, "seed {seed}");
    }
}

#[test]
fn hours_of_429s_of_refused_requests_or_of_leaving_callers_never_open() {
    for seed in 0..SEEDS {
        for class in [Class::Rate, Class::Quota, Class::Client, Class::Cancel, Class::Local] {
            assert_eq!(opens(seed, 2.0, neutral(class, 0.8), 2 * HOUR), 0, "seed {seed}, {class:?}");
        }
    }
}

#[test]
fn a_flapping_upstream_opens_at_most_28_times_an_hour() {
    let seconds = Duration::from_secs;
    for seed in 0..SEEDS {
        let found = [
            opens(seed, 2.0, failing(1.0), HOUR),
            opens(seed, 2.0, spiteful(), HOUR),
            opens(seed, 2.0, two_faced(), HOUR),
            opens(seed, 2.0, square_wave(seconds(75), seconds(20)), HOUR),
        ];
        assert!(found.iter().all(|opened| (1..=28).contains(opened)), "seed {seed}: {found:?}");
    }
}

#[test]
fn a_healed_model_is_back_within_cooldown_slow_start_and_a_minute_with_and_without_users() {
    let compressed = Knobs {
        slow_start: Some(Duration::from_secs(12)),
        cooldown: Some(Duration::from_secs(2)),
        max_cooldown: Some(Duration::from_secs(6)),
        probe_gap: Some(Duration::from_secs(1)),
        ..Knobs::default()
    };
    let compressed = Policy::from_knobs(&compressed).expect("sound knobs");
    let unhurried = Knobs { slow_start: Some(Duration::from_secs(300)), ..Knobs::default() };
    let unhurried = Policy::from_knobs(&unhurried).expect("sound knobs");
    for seed in 0..SEEDS {
        for policy in [&Policy::default(), &compressed, &unhurried] {
            for (rate, outage) in [(0.0, MINUTE), (0.2, 10 * MINUTE), (2.0, MINUTE), (2.0, 10 * MINUTE)] {
                let found = recovery(seed, rate, outage, policy).expect("it recovers");
                assert!(found.took <= found.allowed, "seed {seed}, {rate} rps, {outage:?}: {found:?}");
            }
        }
    }
}

/// An outage of an hour, whatever part of the requests fails, takes users away twice at most in 95 of 100, and hardly
/// any are sent there meanwhile. From a fifth on its end is found within 3 minutes, ramp included, with 2 % of failures
/// in good times; a tenth or so, which a model may fail and stay in service, takes longer to disprove.
#[test]
fn one_outage_is_one_outage_and_its_end_is_found_within_three_minutes() {
    const SEEDS: u64 = 60;
    let seconds = Duration::from_secs;
    for (part, sent, back) in [
        (0.10, 0.15, seconds(300)),
        (0.15, 0.03, seconds(240)),
        (0.20, 0.01, seconds(180)),
        (0.25, 0.01, seconds(165)),
        (0.50, 0.01, seconds(150)),
        (1.0, 0.01, seconds(130)),
    ] {
        for rate in [0.2, 2.0] {
            let found: Vec<Course> = (0..SEEDS).filter_map(|seed| course(seed, rate, part, HOUR)).collect();
            let often = found.iter().filter(|one| one.opens > 2).count();
            assert!(often * 20 <= found.len(), "{part} at {rate}/s: {often} of {}", found.len());
            let mean = found.iter().map(|one| one.sent).sum::<f64>() / found.len().max(1) as f64;
            assert!(rate < 2.0 || mean <= sent, "{part} at {rate}/s: {mean}");
            let probes = found.iter().map(|one| one.probes).sum::<f64>() / found.len().max(1) as f64;
            assert!(probes <= 2.0 * 720.0, "{part} at {rate}/s: {probes} an hour, 720 are 5 s apart");
            let took: Vec<Duration> = found.iter().map(|one| one.back).collect();
            assert!(quantile(&took, 0.5) <= back, "{part} at {rate}/s: {:?}", quantile(&took, 0.5));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// I6: after any hour of trouble, a model that is well again is healthy within the longest cooldown, the slow
    /// start and a minute, with and without users. I5: and it had opened 28 times at most.
    #[test]
    fn whatever_happened_a_model_comes_back(
        seed: u64,
        rate in prop::sample::select(vec![0.0, 0.2, 2.0, 20.0]),
        parts in prop::collection::vec((0.0..1.0_f64, 1_u64..900), 1..8),
    ) {
        let policy = Policy::default();
        let mut world = World::new(seed, rate, &policy, failing(0.0));
        for (part, seconds) in &parts {
            world.turn(failing(*part));
            world.run(Duration::from_secs(*seconds), |_| false);
        }
        let within = world.opened.iter().map(|at| {
            world.opened.iter().filter(|other| *other >= at && other.saturating_since(*at) < HOUR).count()
        });
        prop_assert!(within.max().unwrap_or(0) <= 28);
        world.turn(failing(0.0));
        let allowed = policy.max_cooldown() + policy.slow_start() + MINUTE;
        let back = world.run(allowed, |world| world.cell().standing().verdict == Verdict::Healthy);
        prop_assert!(back.is_some(), "{:?}", world.ledger.view(world.now).models[0]);
    }
}
