use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;
use sidestep_table::{
    BudgetPolicy, ModelShape, Policy, ProviderShape, RouteShape, Shape, Subject, TargetShape,
};
use tokio::time::{advance, timeout};

use super::*;
use crate::metrics::Label;

const ALLOWED: FaultsConfig =
    FaultsConfig { allow: true, max_rate: 1.0, max_duration: Duration::from_secs(900) };

/// Two routes: `a1` or `b1`, and `a2` with nobody beside it. `b1` may be left out.
fn topology(with_b: bool) -> Topology {
    let model = |id: &str| ModelShape {
        id: id.into(),
        provider: id[..1].into(),
        policy: Arc::new(Policy::default()),
        max_concurrency: 8,
    };
    let route = |pattern: &str, targets: &[&str]| RouteShape {
        pattern: pattern.into(),
        targets: targets.iter().map(|id| TargetShape { model: (*id).into(), weight: None }).collect(),
        budget: BudgetPolicy { ratio: 0.1, reserve_per_second: 1.0 },
    };
    let shape = Shape {
        providers: ["a", "b"].map(|id| ProviderShape { id: id.into(), credentials: 1 }).into(),
        models: vec![model("a1"), model("a2"), model("b1")],
        routes: vec![route("usual", if with_b { &["a1", "b1"] } else { &["a1"] }), route("lonely", &["a2"])],
    };
    Topology::build(shape, None).unwrap()
}

struct Desk {
    faults: Arc<Faults>,
    journal: Arc<Journal>,
    metrics: Arc<Metrics>,
}

fn desk(seed: u64) -> Desk {
    let (clock, metrics) = (Clock::start(), Metrics::new().unwrap());
    let journal = Arc::new(Journal::new(clock));
    let noted = (journal.clone(), metrics.clone());
    let faults = Arc::new(Faults::new(ALLOWED, clock, Dice::seeded(seed), noted));
    Desk { faults, journal, metrics }
}

fn order(subject: &str, rate: f64) -> Order {
    let fault = json!({ "kind": "status", "status": 529 });
    Order::deserialize(json!({
        "subject": subject, "fault": fault, "rate": rate, "for_seconds": 60, "reason": "practice", "actor": "ada",
    }))
    .unwrap()
}

impl Desk {
    fn begin(&self, subject: &str) -> Result<(), Refused> {
        self.faults.begin(order(subject, 1.0), &topology(true))
    }

    fn last_words(&self) -> String {
        self.journal.recent(1).pop().unwrap().why
    }

    fn is_hit(&self, provider: &str, model: &str) -> bool {
        self.faults.draw(&provider.into(), Some(&model.into())).is_some()
    }

    fn gauge(&self) -> bool {
        self.metrics.scrape().unwrap().contains(r#"sidestep_faults_active{kind="status",provider="a"} 1"#)
    }
}

#[test]
fn every_kind_has_its_label() {
    let kinds = [
        Disturbance::Status { status: 500, retry_after_seconds: None },
        Disturbance::Delay { delay_ms: 1 },
        Disturbance::Hang {},
        Disturbance::Reset {},
        Disturbance::Cut { after_events: 1 },
        Disturbance::Slow { pause_ms: 1 },
    ];
    assert_eq!(kinds.map(Label::name).as_slice(), Disturbance::NAMES);
}

proptest! {
    /// A thousand draws lie within five standard deviations of the rate, for any seed: one run in two million is not.
    #[test]
    fn draws_hit_at_the_rate_and_nobody_else(rate in 0.01..1.0_f64, seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _in_it = runtime.enter();
        let desk = desk(seed);
        desk.faults.begin(order("a1", rate), &topology(true)).unwrap();
        let hits = (0..1000).filter(|_| desk.is_hit("a", "a1")).count();
        prop_assert!(!desk.is_hit("a", "a2") && !desk.is_hit("b", "b1"));
        prop_assert!(desk.faults.draw(&"a".into(), None).is_none(), "a request about no model of its");
        let spread = (rate * (1.0 - rate) * 1000.0).sqrt();
        #[expect(clippy::cast_precision_loss, reason = "a thousand")]
        let off = (hits as f64 - rate * 1000.0).abs();
        prop_assert!(off <= 5.0 * spread + 1.0, "{hits} of 1000 at {rate}");
        let report = desk.faults.reports().remove(0);
        prop_assert_eq!((report.met, report.injected), (1000, hits as u64));
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_by_itself_and_lets_go_of_what_hangs() {
    let desk = desk(1);
    let shape = Arc::new(topology(true));
    let attending = desk.faults.clone().attend(move || shape.clone());
    let watch = async {
        assert!(!desk.is_hit("a", "a1") && !desk.faults.active("a") && !desk.gauge());
        desk.begin("a1").unwrap();
        assert!(
            desk.is_hit("a", "a1") && desk.faults.active("a") && !desk.faults.active("b") && desk.gauge()
        );
        let hit = desk.faults.draw(&"a".into(), Some(&"a1".into())).unwrap();
        advance(Duration::from_millis(59_999)).await;
        assert!(desk.is_hit("a", "a1"));
        advance(Duration::from_millis(1)).await;
        assert!(!desk.is_hit("a", "a1") && !desk.faults.active("a"), "to the millisecond, whoever is late");
        timeout(2 * LOOK, hit.over.cancelled()).await.expect("what hangs is let go");
        assert!(!desk.gauge() && desk.faults.reports().is_empty());
        assert_eq!(desk.last_words(), "rehearsal over: its time is up; 3 of 3 attempts hit");
        assert_eq!(desk.journal.recent(9).iter().filter(|entry| entry.kind == Kind::Rehearsal).count(), 2);
    };
    tokio::select! {
        () = attending => panic!("it ended"),
        () = watch => {}
    }
}

#[tokio::test]
async fn a_route_keeps_somebody_well_unless_it_is_said_twice() {
    let desk = desk(1);
    for lonely in ["a", "a2"] {
        let refused = desk.begin(lonely).unwrap_err();
        assert!(matches!(&refused, Refused::LastWell(route) if &**route == "lonely"), "{refused}");
    }
    desk.begin("a1").unwrap();
    let refused = desk.begin("b1").unwrap_err();
    assert!(matches!(&refused, Refused::LastWell(route) if &**route == "usual"), "{refused}");
    assert!(!desk.is_hit("b", "b1"));
    let insisting = Order { even_all: true, ..order("b1", 1.0) };
    desk.faults.begin(insisting, &topology(true)).unwrap();
    assert!(desk.is_hit("b", "b1"));
    // Of the two, only the one that insisted stays when nobody is left.
    desk.faults.review(&topology(true));
    assert!(desk.is_hit("b", "b1") && !desk.is_hit("a", "a1"));
    assert!(
        desk.last_words().starts_with("rehearsal ended: `usual` has nobody else"),
        "{}",
        desk.last_words()
    );
}

#[tokio::test]
async fn a_model_goes_before_its_provider_and_the_newest_word_holds() {
    let desk = desk(1);
    let insisting = |order: Order| Order { even_all: true, ..order };
    desk.faults.begin(insisting(order("a", 1.0)), &topology(true)).unwrap();
    let hang = Order { fault: Disturbance::Hang {}, ..insisting(order("a1", 1.0)) };
    desk.faults.begin(hang, &topology(true)).unwrap();
    let kind = |model: &str| {
        let hit = desk.faults.draw(&"a".into(), Some(&model.into())).unwrap();
        hit.disturbance.name()
    };
    assert_eq!((kind("a1"), kind("a2")), ("hang", "status"));
    let reset = Order { fault: Disturbance::Reset {}, ..insisting(order("a1", 1.0)) };
    desk.faults.begin(reset, &topology(true)).unwrap();
    assert_eq!((kind("a1"), desk.faults.reports().len()), ("reset", 2));
    desk.faults.clear(None, "grace", &topology(true)).unwrap();
    assert!(desk.faults.reports().is_empty() && desk.last_words().starts_with("rehearsal ended by grace"));
    assert!(matches!(desk.faults.clear(None, "grace", &topology(true)), Err(Refused::NotSet(_))));
}

#[tokio::test]
async fn a_reload_ends_what_it_does_not_allow_or_no_longer_has() {
    for (allowed, shape, words) in [
        (FaultsConfig::default(), topology(true), "the configuration no longer allows it"),
        (FaultsConfig { max_rate: 0.9, ..ALLOWED }, topology(true), "no longer allows it"),
        (
            FaultsConfig { max_duration: Duration::from_secs(59), ..ALLOWED },
            topology(true),
            "no longer allows",
        ),
    ] {
        let desk = desk(1);
        desk.begin("a1").unwrap();
        let hit = desk.faults.draw(&"a".into(), Some(&"a1".into())).unwrap();
        desk.faults.govern(ALLOWED, &shape);
        assert!(desk.is_hit("a", "a1"), "still allowed");
        desk.faults.govern(allowed, &shape);
        assert!(!desk.is_hit("a", "a1") && hit.over.is_cancelled());
        assert!(desk.last_words().contains(words), "{}", desk.last_words());
        assert_eq!(hit.subject, Subject::Model("a1".into()));
    }
    let desk = desk(1);
    desk.begin("a1").unwrap();
    let gone = Shape { providers: vec![], models: vec![], routes: vec![] };
    desk.faults.govern(ALLOWED, &Topology::build(gone, None).unwrap());
    assert!(desk.last_words().contains("no longer has it"));
    desk.faults.govern(FaultsConfig::default(), &topology(true));
    assert!(matches!(desk.begin("a1"), Err(Refused::NotAllowed)));
}

#[tokio::test]
async fn there_is_a_most() {
    let desk = desk(1);
    let models: Vec<String> = (0..MOST + 2).map(|number| format!("a{number}")).collect();
    let shape = Shape {
        providers: vec![ProviderShape { id: "a".into(), credentials: 1 }],
        models: models
            .iter()
            .map(|id| ModelShape {
                id: id.as_str().into(),
                provider: "a".into(),
                policy: Arc::new(Policy::default()),
                max_concurrency: 8,
            })
            .collect(),
        routes: vec![],
    };
    let topology = Topology::build(shape, None).unwrap();
    let set =
        models.iter().map(|model| desk.faults.begin(order(model, 1.0), &topology)).filter(Result::is_ok);
    assert_eq!(set.count(), MOST);
    assert!(matches!(desk.faults.begin(order("a17", 1.0), &topology), Err(Refused::TooMany(MOST))));
    desk.faults.begin(order("a3", 0.5), &topology).unwrap();
}
