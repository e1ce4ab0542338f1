use proptest::prelude::*;

use super::*;

fn at(ms: u64) -> Moment {
    Moment::from_millis(ms)
}

fn model(name: &str) -> ModelId {
    ModelId::from(name)
}

fn sight(verdict: Verdict) -> Sight {
    Sight {
        model: model("a"),
        verdict,
        switched: verdict == Verdict::Disabled,
        suspect: false,
        mending: false,
        limited_until: None,
        last_success: None,
        last_traffic: None,
    }
}

/// What the table says at each instant.
type Look<'a> = &'a dyn Fn(Moment) -> Sight;

/// Runs one model for `span`, with the sight that `look` gives at each instant; every answer takes `latency`.
/// Returns when probes started.
fn watch(seed: u64, span: Duration, latency: Duration, look: impl Fn(Moment) -> Sight) -> Vec<u64> {
    let mut schedule = Schedule::new(Cadence::default(), seed);
    let (mut starts, mut landing) = (Vec::new(), None);
    for ms in (0..u64::try_from(span.as_millis()).unwrap()).step_by(50) {
        schedule.see(&[look(at(ms))], at(ms));
        if landing.is_some_and(|land| at(ms) >= land) {
            landing = None;
            schedule.finish(&model("a"), at(ms));
        }
        if let Some(turn) = schedule.take(at(ms)) {
            assert_eq!(landing, None, "two in flight");
            assert_eq!(turn.model, model("a"));
            starts.push(ms);
            landing = Some(at(ms) + latency);
        }
    }
    starts
}

fn gaps(starts: &[u64]) -> Vec<u64> {
    starts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

const HOUR: Duration = Duration::from_secs(3600);
const QUICK: Duration = Duration::from_millis(400);

#[test]
fn the_gaps_are_those_of_the_state_within_a_fifth() {
    let busy = |now| Sight { last_traffic: Some(now), ..sight(Verdict::Healthy) };
    let doubted = |_| Sight { suspect: true, ..sight(Verdict::Healthy) };
    let unknown = |_| Sight { switched: false, ..sight(Verdict::Disabled) };
    let expect: [(Look<'_>, u64, u64); 7] = [
        (&unknown, 12_000, 18_100),
        (&busy, 12_000, 18_100),
        (&|_| sight(Verdict::Healthy), 240_000, 360_100),
        (&doubted, 4_000, 6_100),
        (&|_| sight(Verdict::Degraded), 4_000, 6_100),
        (&|_| sight(Verdict::Open), 4_000, 6_100),
        (&|_| sight(Verdict::Ramping), 4_000, 6_100),
    ];
    for (look, low, high) in expect {
        let gaps = gaps(&watch(7, HOUR * 4, QUICK, look));
        assert!(gaps.len() > 30, "{gaps:?}");
        assert!(gaps.iter().all(|gap| (low..=high).contains(gap)), "{gaps:?}");
        assert!(gaps.iter().any(|gap| *gap != gaps[0]), "no jitter");
    }
}

#[test]
fn half_open_is_asked_at_once_and_then_never_closer_than_a_full_interval_after_an_answer() {
    let slow = Duration::from_secs(3);
    let turned = 40_000;
    let look = |now| sight(if now < at(turned) { Verdict::Open } else { Verdict::HalfOpen });
    let starts: Vec<u64> = watch(3, HOUR, slow, look).into_iter().filter(|start| *start >= turned).collect();
    assert!(starts[0] <= turned + 3_000, "{starts:?}");
    assert!(gaps(&starts).iter().all(|gap| (8_000..=9_200).contains(gap)), "{:?}", gaps(&starts));
}

#[test]
fn an_open_model_whose_probes_pass_is_asked_five_times_as_often_and_never_two_at_once() {
    let mended = |now| Sight { mending: now >= at(60_000), ..sight(Verdict::Open) };
    for (latency, least) in [(QUICK, 1_000), (Duration::from_millis(1_700), 1_700)] {
        let starts = watch(3, Duration::from_secs(300), latency, mended);
        let (before, after): (Vec<u64>, Vec<u64>) = starts.into_iter().partition(|start| *start < 60_000);
        assert!(gaps(&before).iter().all(|gap| *gap >= 4_000), "{before:?}");
        assert!(gaps(&after).iter().all(|gap| (least..=least + 300).contains(gap)), "{:?}", gaps(&after));
    }
}

#[test]
fn live_successes_replace_three_of_four_probes_and_failures_none() {
    let count = |look: &dyn Fn(Moment) -> Sight| watch(11, HOUR * 10, QUICK, look).len() as f64;
    let failing = count(&|now| Sight { last_traffic: Some(now), ..sight(Verdict::Healthy) });
    let working =
        count(&|now| Sight { last_traffic: Some(now), last_success: Some(now), ..sight(Verdict::Healthy) });
    assert!((3.8..4.2).contains(&(failing / working)), "{failing} / {working}");
    // A success does not speak for a model that is in doubt.
    let doubted = count(&|now| Sight {
        suspect: true,
        last_traffic: Some(now),
        last_success: Some(now),
        ..sight(Verdict::Healthy)
    });
    assert!(doubted > 2.5 * failing, "{doubted} / {failing}");
}

#[test]
fn an_idle_model_is_asked_sooner_once_it_smells_or_serves() {
    for change in [Verdict::Degraded, Verdict::Healthy] {
        let turned = at(30_000);
        let look = |now| match now < turned {
            true => sight(Verdict::Healthy),
            false => Sight { last_traffic: Some(now), ..sight(change) },
        };
        let starts = watch(5, HOUR, QUICK, look);
        let soon = if change == Verdict::Healthy { 48_100 } else { 36_100 };
        assert!(starts.iter().any(|start| (30_000..=soon).contains(start)), "{change:?} {starts:?}");
    }
}

#[test]
fn a_new_suspicion_is_looked_into_at_once_and_only_once() {
    let turned = 100_000;
    let look = |now| Sight { suspect: now >= at(turned), ..sight(Verdict::Healthy) };
    let starts: Vec<u64> =
        watch(13, HOUR, QUICK, look).into_iter().filter(|start| *start >= turned).collect();
    assert_eq!(starts[0], turned);
    assert!(gaps(&starts).iter().all(|gap| (4_000..=6_100).contains(gap)), "{:?}", gaps(&starts));
}

#[test]
fn a_closed_limiter_is_left_alone_but_for_one_question_per_idle_interval() {
    for verdict in [Verdict::Healthy, Verdict::Open, Verdict::HalfOpen] {
        let far = at(1_000_000_000);
        let look = |now| match now < at(60_000) {
            true => sight(verdict),
            false => Sight { limited_until: Some(far), ..sight(verdict) },
        };
        let starts: Vec<u64> =
            watch(9, HOUR * 2, QUICK, look).into_iter().filter(|start| *start > 60_000).collect();
        assert!((20..=25).contains(&starts.len()), "{verdict:?} {}", starts.len());
        assert!(gaps(&starts).iter().all(|gap| *gap >= 300_000), "{starts:?}");
    }
    let opens = at(90_000);
    let starts = watch(9, HOUR, QUICK, |now| Sight {
        limited_until: (now < opens).then_some(opens),
        ..sight(Verdict::Open)
    });
    assert!((90_000..=90_050).contains(&starts.iter().copied().find(|start| *start > 10_000).unwrap()));
}

#[test]
fn only_open_models_whose_probes_fail_are_asked_seldom_when_little_is_left() {
    let waits = |sight: Sight| {
        let mut schedule = Schedule::new(Cadence::default(), 3);
        schedule.set_frugal(true);
        schedule.see(&[sight], at(0));
        schedule.take(at(6_000)).unwrap();
        schedule.finish(&model("a"), at(6_400));
        schedule.next().unwrap().saturating_since(at(6_000)).as_secs_f64()
    };
    assert!((32.0..=48.0).contains(&waits(sight(Verdict::Open))));
    assert!(waits(Sight { mending: true, ..sight(Verdict::Open) }) < 1.3);
    for verdict in [Verdict::Degraded, Verdict::Ramping, Verdict::HalfOpen] {
        assert!((4.0..=6.4).contains(&waits(sight(verdict))), "{verdict:?}");
    }
}

#[test]
fn what_an_operator_switched_off_is_never_asked() {
    let mut schedule = Schedule::new(Cadence::default(), 1);
    schedule.see(&[sight(Verdict::Disabled)], at(0));
    schedule.hurry(&model("a"), at(0));
    for ms in (0..10_000_000).step_by(5_000) {
        assert_eq!(schedule.take(at(ms)), None);
    }
    assert_eq!(schedule.next(), None);
}

#[test]
fn the_most_urgent_goes_first_and_nobody_flies_twice() {
    let names = [("calm", Verdict::Healthy), ("bad", Verdict::Degraded), ("trial", Verdict::HalfOpen)];
    let sights: Vec<Sight> =
        names.iter().map(|(name, verdict)| Sight { model: model(name), ..sight(*verdict) }).collect();
    let mut schedule = Schedule::new(Cadence::default(), 1);
    schedule.see(&sights, at(0));
    let mut turns = Vec::new();
    while let Some(turn) = schedule.take(at(6_000)) {
        turns.push((turn.model.to_string(), turn.errand, turn.trial));
    }
    let expected = [
        ("trial".to_owned(), Errand::Recovery, Some(0)),
        ("bad".to_owned(), Errand::Alert, None),
        ("calm".to_owned(), Errand::Calm, None),
    ];
    assert_eq!(turns, expected);
    schedule.see(&sights[..2], at(6_100));
    schedule.finish(&model("trial"), at(6_200));
    schedule.finish(&model("calm"), at(6_300));
    assert!(schedule.next().is_some_and(|next| (at(246_000)..=at(366_000)).contains(&next)));
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Verdict(usize),
    Hurry,
    Finish,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..20_000u64).prop_map(Step::Wait),
        2 => (0..Verdict::ALL.len()).prop_map(Step::Verdict),
        2 => Just(Step::Hurry),
        4 => Just(Step::Finish),
    ]
}

proptest! {
    /// Whatever verdicts do and whoever hurries: one in flight, a floor between starts, none to the disabled,
    /// and a model that is not disabled is never forgotten.
    #[test]
    fn the_rate_is_bounded_and_nobody_starves(seed: u64, steps in prop::collection::vec(step(), 1..300)) {
        let cadence = Cadence::default();
        let mut schedule = Schedule::new(cadence.clone(), seed);
        let (mut now, mut verdict, mut flying, mut last) = (0, Verdict::Healthy, false, None);
        for step in steps {
            match step {
                Step::Wait(long) => now += long,
                Step::Verdict(index) => verdict = Verdict::ALL[index],
                Step::Hurry => schedule.hurry(&model("a"), at(now)),
                Step::Finish => {
                    schedule.finish(&model("a"), at(now));
                    flying = false;
                }
            }
            schedule.see(&[sight(verdict)], at(now));
            if let Some(turn) = schedule.take(at(now)) {
                prop_assert!(!flying);
                prop_assert!(verdict != Verdict::Disabled);
                prop_assert_eq!(turn.trial.is_some(), verdict == Verdict::HalfOpen);
                prop_assert!(last.is_none_or(|last| now - last >= 1_000));
                (flying, last) = (true, Some(now));
            }
            if !flying && verdict != Verdict::Disabled {
                let longest = if verdict == Verdict::Healthy { cadence.idle } else { cadence.unwell };
                prop_assert!(schedule.next().is_some_and(|next| next <= at(now) + longest.mul_f64(1.21)));
            }
        }
    }
}
