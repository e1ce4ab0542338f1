use std::time::Duration;

use super::*;

fn faults() -> Faults {
    Faults::new(vec!["a".to_owned(), "b".to_owned()], 7)
}

fn share(faults: &Faults, model: &str, hit: impl Fn(&Drawn) -> bool) -> f64 {
    let hits = (0..4000).filter(|_| hit(&faults.draw(model))).count();
    f64::from(u32::try_from(hits).unwrap()) / 4000.0
}

#[tokio::test]
async fn rates_of_exclusive_faults_add_up_and_modifiers_are_independent() {
    let faults = faults();
    let mix = vec![
        Planned::from(Fault::status(529)).at_rate(0.2),
        Planned::from(Fault::status(500)).at_rate(0.1),
        Planned::from(Fault::Gzip {}).at_rate(0.5),
    ];
    faults.set_all("a", mix).unwrap();
    let status = |wanted: u16| move |drawn: &Drawn| matches!(drawn.outcome, Some(Fault::Status { status, .. }) if status == wanted);
    assert!((share(&faults, "a", status(529)) - 0.2).abs() < 0.03);
    assert!((share(&faults, "a", status(500)) - 0.1).abs() < 0.03);
    assert!((share(&faults, "a", |drawn| !drawn.modifiers.is_empty()) - 0.5).abs() < 0.04);
    assert!(share(&faults, "b", |drawn| *drawn != Drawn::default()) == 0.0);
}

#[tokio::test(start_paused = true)]
async fn limits_of_count_and_time_hold() {
    let faults = faults();
    faults.set(EVERY_MODEL, Planned::from(Fault::Reset {}).skipping(2).at_most(3)).unwrap();
    let hits: Vec<bool> = (0..7).map(|_| faults.draw("a").outcome.is_some()).collect();
    assert_eq!(hits, [false, false, true, true, true, false, false]);
    assert!(faults.planned().is_empty());
    faults.set("b", Planned::from(Fault::Reset {}).lasting(Duration::from_secs(5))).unwrap();
    assert!(faults.draw("b").outcome.is_some());
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(faults.draw("b").outcome.is_none());
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let faults = faults();
    assert!(matches!(faults.set("c", Fault::Reset {}), Err(PlanError::UnknownModel(_))));
    assert_eq!(faults.set("a", Fault::Refused {}), Err(PlanError::RefusedIsForAll));
    assert_eq!(faults.set("a", Fault::status(200)), Err(PlanError::Status));
    assert_eq!(faults.set("a", Planned::from(Fault::Reset {}).at_rate(1.5)), Err(PlanError::Rate));
    assert!(faults.planned().is_empty());
    let odd = serde_json::json!({"fault": "stall", "afterwards": 3});
    assert!(matches!(Planned::from_json(odd), Err(PlanError::Form(_))));
    let full = serde_json::json!({"fault": "cut", "after": 3, "clean": false, "torn": false,
        "rate": 0.5, "skip": 2, "times": 4, "for_ms": 10});
    assert_eq!(Planned::from_json(full.clone()).unwrap().to_json(), full);
}
