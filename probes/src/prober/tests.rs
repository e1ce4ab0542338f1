mod bench;
mod upstream;
mod wording;

use std::future::pending;

use sidestep_dialect::Dialect;
use sidestep_table::{Class, Fault, Source, Verdict};

use self::bench::{Bench, Court, targets};
use self::upstream::{Act, Upstream};
use super::*;
use crate::budget::Price;

const HOUR: Duration = Duration::from_secs(3600);

const fn hard(fault: Fault) -> (Class, Quality) {
    (Class::Hard(fault), Quality::Unproven)
}

/// What an upstream does, and what is to be claimed of it.
const CLAIMS: &[(Act, (Class, Quality))] = &[
    (Act::Right, (Class::Ok, Quality::Right)),
    (Act::Wrong, (Class::Ok, Quality::Wrong)),
    (Act::Late(Duration::from_secs(9)), (Class::Ok, Quality::Right)),
    (Act::Starved, (Class::Ok, Quality::Unproven)),
    (Act::Truncated, hard(Fault::Truncated)),
    (Act::Mute, hard(Fault::Broken)),
    (Act::Late(Duration::from_secs(16)), hard(Fault::FirstTokenTimeout)),
    (Act::Never, hard(Fault::FirstTokenTimeout)),
    (Act::Stall, hard(Fault::Stall)),
    (Act::Refused, hard(Fault::Connect)),
    (Act::Status(500, ""), hard(Fault::Status)),
    (Act::Status(302, ""), hard(Fault::Status)),
    (Act::Status(404, ""), hard(Fault::Status)),
    (Act::Status(400, r#"{"error":{"type":"invalid_request_error"}}"#), hard(Fault::Status)),
    (Act::Status(401, ""), (Class::Auth, Quality::Unproven)),
    (Act::Status(429, ""), (Class::Rate, Quality::Unproven)),
    (Act::Status(429, r#"{"error":{"code":"insufficient_quota"}}"#), (Class::Quota, Quality::Unproven)),
    (Act::Status(529, ""), (Class::Overload, Quality::Unproven)),
    (Act::Endless(200, ": still here\n\n"), hard(Fault::Broken)),
    (Act::Endless(200, "data: x"), hard(Fault::Broken)),
    (Act::Endless(500, "oh no"), hard(Fault::Status)),
    (Act::Page("<html>maintenance</html>"), hard(Fault::InBand)),
    (Act::Page(r#"{"error":{"type":"server_error"}}"#), hard(Fault::InBand)),
    (
        Act::Page("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n"),
        (Class::Overload, Quality::Unproven),
    ),
];

#[tokio::test(start_paused = true)]
async fn every_answer_becomes_its_claim_in_every_dialect() {
    for dialect in Dialect::ALL {
        for &(act, expected) in CLAIMS {
            let upstream = Upstream::new(act);
            let bench = Bench::new(targets(&["gpt-4.1"], dialect, &upstream));
            let haste = async {
                loop {
                    bench.signals.probe_now(&ModelId::from("gpt-4.1"));
                    tokio::time::sleep(Duration::from_secs(3)).await;
                }
            };
            bench.run(Duration::from_secs(180), haste).await;
            let claims = bench.claims();
            assert!(claims.len() >= 5, "{dialect:?} {act:?} {}", claims.len());
            assert!(claims.iter().all(|claim| *claim == expected), "{dialect:?} {act:?} {claims:?}");
            let reports = bench.desk(|desk| std::mem::take(&mut desk.reports));
            let spoke = matches!(act, Act::Right | Act::Wrong | Act::Stall | Act::Truncated | Act::Late(_));
            let spoke = spoke && expected != hard(Fault::FirstTokenTimeout);
            assert!(
                reports.iter().all(|report| report.first_token.is_some() == spoke),
                "{act:?} {reports:?}"
            );
            assert!(reports.iter().any(|report| report.kind == ProbeKind::Tool));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_echo_is_no_answer() {
    let upstream = Upstream::new(Act::Parrot);
    let mut targets = targets(&["gpt-4.1"], Dialect::OpenAi, &upstream);
    targets[0].upstream.capabilities.tools = false;
    let bench = Bench::new(targets);
    bench.run(HOUR * 10, pending()).await;
    let claims = bench.claims();
    assert!(
        claims.len() > 50 && claims.iter().all(|claim| *claim == (Class::Ok, Quality::Wrong)),
        "{claims:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_allowed_and_one_per_model() {
    let upstream = Upstream::new(Act::Never);
    let names: Vec<String> = (0..12).map(|number| format!("m{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = Bench::new(targets(&names, Dialect::OpenAi, &upstream));
    bench.desk(|desk| desk.settings.concurrency = 5);
    bench.run(HOUR, pending()).await;
    assert_eq!(upstream.log(|log| log.most_flying), 5);
    let asked = |name: &&str| {
        upstream.log(|log| log.asked.iter().filter(|(_, body)| body["model"] == **name).count())
    };
    assert!(names.iter().all(|name| asked(name) >= 8), "{:?}", names.iter().map(asked).collect::<Vec<_>>());
    let single = Upstream::new(Act::Never);
    let bench = Bench::new(targets(&["m"], Dialect::OpenAi, &single));
    bench.run(HOUR, pending()).await;
    assert_eq!(single.log(|log| log.most_flying), 1);
}

#[tokio::test(start_paused = true)]
async fn live_successes_make_probes_rare_and_keep_them_coming() {
    let upstream = Upstream::new(Act::Right);
    let bench = Bench::new(targets(&["m"], Dialect::OpenAi, &upstream));
    let traffic = async {
        loop {
            let evidence = Evidence {
                model: ModelId::from("m"),
                epoch: 0,
                source: Source::Traffic,
                class: Class::Ok,
                retry_after: None,
                credential: None,
            };
            bench.signals.observe(&evidence, bench.now());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    bench.run(HOUR, traffic).await;
    let count = bench.claims().len();
    // Every fourth of one in 15 s.
    assert!((50..=70).contains(&count), "{count}");
}

#[tokio::test(start_paused = true)]
async fn a_day_of_alarm_costs_no_more_than_the_allowance() {
    let upstream = Upstream::new(Act::Right);
    let mut all = targets(&["a", "b"], Dialect::Anthropic, &upstream);
    let price = Price { input_usd_per_million: 4.0, output_usd_per_million: 20.0 };
    all.iter_mut().for_each(|target| target.price = Some(price));
    let bench = Bench::new(all);
    bench.desk(|desk| desk.settings.allowance = Allowance::UsdPerDay(0.5));
    let alarm = async {
        loop {
            bench.signals.probe_now(&ModelId::from("a"));
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    };
    bench.run(HOUR * 24, alarm).await;
    let spent: f64 = bench.desk(|desk| desk.reports.iter().filter_map(|report| report.usd).sum());
    let (count, billed) = (bench.claims().len() as f64, upstream.log(|log| log.billed) as f64);
    assert!((count * 40.0 - billed).abs() < 81.0, "{count} {billed}");
    assert!((spent - count * price.usd(Tokens { input: 30, output: 10 })).abs() < 1e-6, "{spent} {count}");
    // The purse was the limit, it held, and the alarm did not use up what recovery needs.
    assert!(bench.desk(|desk| desk.withheld) > 1000);
    assert!((0.3..=0.46).contains(&spent), "{spent}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_is_seen_at_once() {
    let (old, new) = (Upstream::new(Act::Right), Upstream::new(Act::Right));
    let bench = Bench::new(targets(&["old"], Dialect::OpenAi, &old));
    let reload = async {
        tokio::time::sleep(HOUR).await;
        let targets = targets(&["new"], Dialect::Responses, &new).into();
        bench.desk(|desk| {
            desk.targets = targets;
            desk.settings.cadence = Cadence::of(Duration::from_secs(3), Duration::from_secs(1));
        });
    };
    bench.run(HOUR * 2, reload).await;
    let turned = bench.origin + HOUR;
    let after =
        |upstream: &Upstream| upstream.log(|log| log.asked.iter().filter(|(at, _)| *at > turned).count());
    assert_eq!(after(&old), 0);
    // The new rhythm: idle is twenty times three seconds.
    assert!((50..=75).contains(&after(&new)), "{}", after(&new));
    let first = new.log(|log| log.asked[0].0);
    assert!(first - turned < Duration::from_secs(6), "{:?}", first - turned);
}

#[tokio::test(start_paused = true)]
async fn haste_is_answered_within_a_second_and_the_floor_holds() {
    let upstream = Upstream::new(Act::Right);
    let bench = Bench::new(targets(&["m"], Dialect::OpenAi, &upstream));
    let haste = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        for _ in 0..1000 {
            bench.signals.probe_now(&ModelId::from("m"));
            bench.signals.probe_now(&ModelId::from("nobody"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    bench.run(Duration::from_secs(120), haste).await;
    let asked: Vec<Duration> =
        upstream.log(|log| log.asked.iter().map(|(at, _)| *at - bench.origin).collect());
    assert!(asked.iter().any(|at| (60_000..60_020).contains(&at.as_millis())), "{asked:?}");
    let hurried = asked.iter().filter(|at| at.as_secs() >= 60).count();
    assert!((9..=12).contains(&hurried), "{hurried}");
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(999)), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_runs_into_the_cap_is_given_more_room() {
    let upstream = Upstream::new(Act::Starved);
    let bench = Bench::new(targets(&["gpt-4.1"], Dialect::OpenAi, &upstream));
    bench.run(HOUR, pending()).await;
    let caps: Vec<u64> = upstream
        .log(|log| log.asked.iter().map(|(_, b)| b["max_completion_tokens"].as_u64().unwrap()).collect());
    assert!(caps[0] < 100 && caps[1..].iter().all(|cap| *cap >= 512), "{caps:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_an_answer() {
    let upstream = Upstream::new(Act::Never);
    let bench = Bench::new(targets(&["m"], Dialect::OpenAi, &upstream));
    bench.prober().run(tokio::time::sleep(Duration::from_secs(7))).await;
    assert_eq!(bench.origin.elapsed(), Duration::from_secs(7));
    assert_eq!(upstream.log(|log| (log.asked.len(), log.flying)), (1, 0));
}

/// The whole circle without a single user: found, left alone while it lasts, seen to mend, tried, ramped, healthy.
#[tokio::test(start_paused = true)]
async fn probes_alone_find_an_outage_and_bring_the_model_back() {
    let minutes = |count: u32| Duration::from_secs(60) * count;
    for broken in [Act::Status(500, ""), Act::Never, Act::Truncated, Act::Status(401, ""), Act::Refused] {
        let upstream = Upstream::new(Act::Right);
        let court = Court::new("m", &upstream);
        let story = async {
            tokio::time::sleep(minutes(10)).await;
            assert_eq!(court.verdict(), Verdict::Healthy);
            upstream.log(|log| log.act = broken);
            // At most one idle interval until the first failure, then three in a row at the quick pace.
            court.until(Verdict::Open, minutes(7)).await;
            tokio::time::sleep(minutes(10)).await;
            assert_eq!(court.verdict(), Verdict::Open, "no trial while all its probes fail");
            upstream.log(|log| log.act = Act::Right);
            // The last question to a silent model is waited for 15 s; the next one passes, and the rest follow quickly.
            court.until(Verdict::HalfOpen, Duration::from_secs(15 + 6 + 10)).await;
            court.until(Verdict::Ramping, Duration::from_secs(15)).await;
            court.until(Verdict::Healthy, minutes(4)).await;
        };
        tokio::select! {
            () = court.bench.prober().run(pending()) => panic!("the prober ended by itself"),
            () = story => {}
        }
    }
}

/// What an outage costs must not be missing when it ends, however long it is and whatever it does to bills.
#[tokio::test(start_paused = true)]
async fn an_outage_of_many_hours_leaves_enough_to_find_its_end() {
    let hours = |count: u32| HOUR * count;
    let upstream = Upstream::new(Act::Right);
    let court = Court::new("m", &upstream);
    court.bench.desk(|desk| desk.settings.allowance = Allowance::TokensPerDay(100_000));
    let story = async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        upstream.log(|log| log.act = Act::Never);
        court.until(Verdict::Open, Duration::from_secs(420)).await;
        let early = tokio::time::timeout(hours(16), court.until(Verdict::HalfOpen, hours(17))).await;
        assert!(early.is_err(), "a trial while all its probes fail");
        upstream.log(|log| log.act = Act::Right);
        // One that saves waits for 48 s at most after a question that is waited for 15 s.
        court.until(Verdict::HalfOpen, Duration::from_secs(15 + 48 + 10)).await;
    };
    tokio::select! {
        () = court.bench.prober().run(pending()) => panic!("the prober ended by itself"),
        () = story => {}
    }
    assert_eq!(court.bench.desk(|desk| desk.withheld), 0);
}

#[test]
fn a_prober_can_be_spawned_anywhere() {
    fn is_send<T: Send + 'static>(_: impl FnOnce() -> T) {}
    is_send(|| {
        let bench = Bench::new(vec![]);
        bench.prober().run(pending())
    });
}
