//! Random incidents. How long they last, how often they come back and whether another provider is ill at the same
//! time are drawn from what is known of July 2023 to August 2024 (status histories and the data set of ICPE 2025).
//! Peak error rates, the mix of symptoms within an incident, ramps and scopes are assumptions.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::incident::{Beside, GiveUp, Ill, Incident, Phase, Shares};
use crate::request::log_normal;

/// Median minutes of an incident, and the deviation of their logarithm: OpenAI's 75 with a 90th percentile of 301,
/// Anthropic's 46 with one of 247.
const MINUTES: [(f64, f64); 2] = [(46.0, 1.311), (75.0, 1.084)];
/// OpenAI's share of the incidents, by the mean hours between two: 86, against Anthropic's 92.
const OPENAI: f64 = 92.0 / (86.0 + 92.0);
/// How many come back within an hour and within six of being "resolved".
const RELAPSE: [(f64, f64); 2] = [(0.06, 0.25), (0.07, 0.16)];
/// In how many the other provider is ill too: 0.082 % of all minutes, of 1.67 and 3.37 % in which this one is.
const BESIDE: [f64; 2] = [0.082 / 1.67, 0.082 / 3.37];
/// What is played of the well time before a relapse at most: traffic is home by then.
const WELL: f64 = 15.0;
/// Requests a second, and how many of a hundred incidents meet them.
const RATES: [(f64, u32); 4] = [(0.2, 40), (0.5, 30), (2.0, 20), (10.0, 10)];
/// Requests of one incident at most; what would take more is played shorter.
const REQUESTS: f64 = 1600.0;

/// One draw: an incident, and the traffic that meets it.
pub(crate) struct Chance {
    pub(crate) incident: Incident,
    pub(crate) rate: f64,
    pub(crate) seed: u64,
}

/// The incident of that seed.
pub(crate) fn chance(seed: u64) -> Chance {
    let mut draws = StdRng::seed_from_u64(seed);
    let ill = if draws.random_bool(OPENAI) { Ill::Openai } else { Ill::Anthropic };
    let rate = rate(&mut draws);
    // An incident and its relapse share what may be played.
    let longest = REQUESTS / rate / 60.0 / 2.0;
    let mut phases = phases(ill, longest, &mut draws);
    phases.extend(relapse(ill, longest, &mut draws));
    let minutes: f64 = phases.iter().map(|phase| phase.minutes).sum();
    let beside = draws.random_bool(BESIDE[ill.place()]).then(|| {
        let other = if ill == Ill::Openai { Ill::Anthropic } else { Ill::Openai };
        let after_minutes = rounded(minutes * draws.random::<f64>());
        let longest = (minutes - after_minutes).max(1.0);
        Beside {
            after_minutes,
            mix: mix(other, &mut draws),
            phases: self::phases(other, longest, &mut draws),
        }
    });
    let give_up = draws.random_bool(0.2).then(|| GiveUp {
        share: rounded(draws.random_range(0.1..0.5)),
        seconds: rounded(draws.random_range(8.0..30.0)),
    });
    let incident = Incident {
        name: format!("random-{seed}"),
        about: "Drawn at random.".to_owned(),
        assumed: "Peak rates, symptoms, ramps, scope, and who gives up.".to_owned(),
        ill,
        must_not_trip: false,
        mix: mix(ill, &mut draws),
        phases,
        beside,
        give_up,
        app_bug: 0.0,
    };
    Chance { incident, rate, seed }
}

fn rate(draws: &mut StdRng) -> f64 {
    let mut lot = draws.random_range(0..100);
    for (rate, share) in RATES {
        if lot < share {
            return rate;
        }
        lot -= share;
    }
    RATES[0].0
}

/// Up, along, and down again.
fn phases(ill: Ill, longest: f64, draws: &mut StdRng) -> Vec<Phase> {
    let minutes = log_normal(MINUTES[ill.place()], draws).clamp(2.0, longest.max(2.0));
    let ramp = |draws: &mut StdRng| match draws.random_bool(0.6) {
        true => (minutes * draws.random_range(0.05..0.4)).min(20.0),
        false => 0.0,
    };
    let (up, down) = (ramp(draws), ramp(draws));
    let (peak, models) = (peak(draws), scope(draws));
    let well = Shares::All(0.0);
    let along = |minutes, fails, rising_to| Phase {
        minutes: rounded(minutes),
        shortened: None,
        fails,
        rising_to,
        mix: None,
    };
    let top = shares(models, peak);
    let all =
        [along(up, well, Some(top)), along(minutes - up - down, top, None), along(down, top, Some(well))];
    all.into_iter().filter(|phase| phase.minutes > 0.0).collect()
}

/// A well time and another illness, if it comes back.
fn relapse(ill: Ill, longest: f64, draws: &mut StdRng) -> Vec<Phase> {
    let (soon, late) = RELAPSE[ill.place()];
    let lot: f64 = draws.random();
    let hours = match lot {
        lot if lot < soon => draws.random_range(0.0..1.0),
        lot if lot < late => draws.random_range(1.0..6.0),
        _ => return Vec::new(),
    };
    let minutes = rounded(f64::clamp(60.0 * hours, 1.0, WELL));
    let well = Phase { minutes, shortened: None, fails: Shares::All(0.0), rising_to: None, mix: None };
    std::iter::once(well).chain(phases(ill, longest, draws)).collect()
}

/// Assumed: one in four is total; most are the partial ones that people argue about for an hour.
fn peak(draws: &mut StdRng) -> f64 {
    rounded(match draws.random_range(0..100) {
        0..25 => 1.0,
        25..70 => draws.random_range(0.05..0.35),
        _ => draws.random_range(0.35..0.95),
    })
}

/// Assumed: mostly all models, else one, or the big one more than the others.
fn scope(draws: &mut StdRng) -> [f64; 3] {
    match draws.random_range(0..100) {
        0..60 => [1.0; 3],
        60..75 => [1.0, 0.0, 0.0],
        75..80 => [0.0, 1.0, 0.0],
        80..85 => [0.0, 0.0, 1.0],
        _ => [1.0, 0.5, 0.5],
    }
}

fn shares([big, middle, small]: [f64; 3], peak: f64) -> Shares {
    Shares::Each { big: rounded(big * peak), middle: rounded(middle * peak), small: rounded(small * peak) }
}

/// All symptoms of the data set's mix, or one of them alone, as often as it has its part in the mix.
fn mix(ill: Ill, draws: &mut StdRng) -> Vec<Value> {
    let overload = if ill == Ill::Anthropic { 529 } else { 503 };
    let after = draws.random_range(0..20);
    let mut mix = vec![
        (45, json!({"fault": "status", "status": overload})),
        (25, json!({"fault": "status", "status": 500})),
        (10, json!({"fault": "status", "status": 503})),
        (5, json!({"fault": "no_answer"})),
        (5, json!({"fault": "stall", "after": after})),
        (7, json!({"fault": "cut", "after": after, "torn": draws.random_bool(0.3)})),
        (3, json!({"fault": "in_band_error", "after": after, "status": overload})),
    ];
    if draws.random_bool(0.5) {
        let mut lot = draws.random_range(0..100);
        let chosen = mix.iter().position(|(part, _)| {
            let hit = lot < *part;
            lot -= part;
            hit
        });
        mix = vec![(100, mix.swap_remove(chosen.unwrap_or(0)).1)];
    }
    let with_rate = |(part, mut fault): (i32, Value)| {
        fault["rate"] = (f64::from(part) / 100.0).into();
        fault
    };
    mix.into_iter().map(with_rate).collect()
}

/// To the thousandth, so that what is printed is what was played.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[test]
fn random_incidents_have_their_distributions_and_are_what_is_printed_of_them() {
    let drawn: Vec<Chance> = (0..4000).map(chance).collect();
    let share = |holds: &dyn Fn(&Incident) -> bool| {
        drawn.iter().filter(|one| holds(&one.incident)).count() as f64 / drawn.len() as f64
    };
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 0.03, "{found} for {wanted}");
    near(share(&|incident| incident.ill == Ill::Openai), OPENAI);
    near(share(&|incident| incident.beside.is_some()), 0.036);
    let comes_back = |incident: &Incident| {
        incident.phases.iter().any(|phase| phase.fails == Shares::All(0.0) && phase.rising_to.is_none())
    };
    near(share(&comes_back), 0.16 * OPENAI + 0.25 * (1.0 - OPENAI));
    let mut draws = StdRng::seed_from_u64(1);
    let mut minutes: Vec<f64> = (0..4001).map(|_| log_normal(MINUTES[1], &mut draws)).collect();
    minutes.sort_by(f64::total_cmp);
    assert!((minutes[2000] - 75.0).abs() < 5.0 && (minutes[3600] - 301.0).abs() < 30.0, "{}", minutes[3600]);
    for one in drawn.iter().take(100) {
        let printed = serde_yaml::to_string(&one.incident).unwrap();
        assert_eq!(Incident::read(&printed), one.incident, "{printed}");
        assert_eq!(chance(one.seed).incident, one.incident);
    }
}
