//! What one model's evidence does to others: providers, credentials, this host, and a reload.

use std::{sync::Arc, time::Duration};

use sidestep_table::{
    Class, DecisionKind, Evidence, Fault, Ledger, ModelId, Moment, PermitKind, Priority, ProbeKind, Quality,
    Shape, Source, Subject, Topology, Verdict,
};

use crate::rig::{FAILED, PROBE, Rig, shape};

const CONNECT: Class = Class::Hard(Fault::Connect);

fn fail(rig: &mut Rig, model: usize, times: usize) {
    (0..times).for_each(|_| drop(rig.observe(model, Source::Traffic, FAILED)));
}

fn provider(rig: &Rig, index: usize) -> Verdict {
    rig.topology.providers[index].cell.verdict()
}

/// Lets probes pass, five seconds apart, until the model leaves the verdict it has.
fn probe_on(rig: &mut Rig, model: usize) {
    let before = rig.standing(model).verdict;
    for _ in 0..200 {
        if rig.standing(model).verdict == before {
            rig.wait(Duration::from_secs(5));
            rig.observe(model, PROBE, Class::Ok);
        }
    }
    assert_ne!(rig.standing(model).verdict, before, "for good");
}

#[test]
fn most_of_a_provider_open_masks_all_of_it_and_each_recovers_by_itself() {
    let mut rig = Rig::new(1);
    fail(&mut rig, 0, 5);
    assert_eq!(provider(&rig, 0), Verdict::Degraded, "all its traffic is open: suspect");
    assert!(rig.cell(1).wants_attention() && rig.standing(1).is_eligible());
    fail(&mut rig, 1, 5);
    assert_eq!(provider(&rig, 0), Verdict::Open);
    let masked = rig.standing(2);
    assert!(masked.masked && !masked.is_eligible() && masked.verdict == Verdict::Healthy);
    assert!(rig.cell(2).admit(PermitKind::Live, Priority::Interactive).is_err());
    assert!(!rig.standing(3).masked, "another provider's model is not concerned");
    probe_on(&mut rig, 1);
    probe_on(&mut rig, 1);
    assert_eq!(provider(&rig, 0), Verdict::Healthy);
    let verdicts = [0, 1, 2].map(|model| rig.standing(model).verdict);
    assert_eq!(verdicts, [Verdict::Open, Verdict::Ramping, Verdict::Ramping]);
    assert_eq!(rig.standing(2).share, 10, "nobody knows what it can bear now");
    for _ in 0..60 {
        rig.wait(Duration::from_secs(5));
        rig.observe(1, PROBE, Class::Ok);
        rig.observe(2, PROBE, Class::Ok);
        rig.observe(0, PROBE, CONNECT);
    }
    let verdicts = [0, 1, 2].map(|model| rig.standing(model).verdict);
    assert_eq!(verdicts, [Verdict::Open, Verdict::Healthy, Verdict::Healthy]);
}

#[test]
fn one_of_three_models_open_leaves_its_siblings_alone() {
    let mut rig = Rig::new(1);
    for _ in 0..50 {
        (0..3).for_each(|model| drop(rig.observe(model, Source::Traffic, Class::Ok)));
    }
    fail(&mut rig, 0, 6);
    assert_eq!(rig.standing(0).verdict, Verdict::Open);
    assert!(rig.standing(1).is_eligible() && rig.standing(2).is_eligible());
}

#[test]
fn models_that_fall_together_make_their_provider_suspect_before_any_is_open() {
    let mut rig = Rig::new(1);
    for _ in 0..50 {
        (0..3).for_each(|model| drop(rig.observe(model, Source::Traffic, Class::Ok)));
    }
    let fallen: Vec<_> = [0, 1, 0, 1, 0, 1]
        .into_iter()
        .flat_map(|model| rig.observe(model, Source::Traffic, FAILED))
        .collect();
    let suspect = fallen.iter().find(|decision| decision.kind == DecisionKind::Provider).unwrap();
    assert_eq!(suspect.to, Verdict::Degraded);
    assert_eq!(suspect.why, "2 of 3 models fell in a minute, 0 % of its traffic is open");
}

#[test]
fn connections_failing_across_models_open_their_provider_and_probes_bring_it_back() {
    let mut rig = Rig::new(1);
    for model in [0, 1, 2, 0] {
        rig.observe(model, Source::Traffic, CONNECT);
    }
    let decisions = rig.observe(1, Source::Traffic, CONNECT);
    assert_eq!((decisions[0].kind, decisions[0].to), (DecisionKind::Provider, Verdict::Open));
    assert!((0..3).all(|model| !rig.standing(model).is_eligible()));
    for _ in 0..3 {
        rig.wait(Duration::from_secs(5));
        assert_eq!(provider(&rig, 0), Verdict::Open);
        rig.observe(2, PROBE, Class::Ok);
    }
    assert_eq!(provider(&rig, 0), Verdict::Healthy);
    assert!((0..3).all(|model| rig.standing(model).share == 10));
}

#[test]
fn two_providers_unreachable_at_once_freeze_what_this_host_may_have_caused() {
    let mut rig = Rig::new(1);
    rig.observe(0, Source::Traffic, CONNECT);
    let decisions = rig.observe(3, Source::Traffic, CONNECT);
    assert_eq!(decisions[0].kind, DecisionKind::Freeze);
    for _ in 0..20 {
        rig.observe(0, Source::Traffic, CONNECT);
        rig.observe(3, Source::Traffic, Class::Hard(Fault::FirstTokenTimeout));
    }
    assert!([0, 3].iter().all(|model| rig.standing(*model).is_eligible()));
    fail(&mut rig, 0, 5);
    assert_eq!(rig.standing(0).verdict, Verdict::Open, "a status proves the way, and counts");
    rig.wait(Duration::from_secs(15));
    (0..3).for_each(|_| drop(rig.observe(3, Source::Traffic, CONNECT)));
    assert_eq!(rig.standing(3).verdict, Verdict::Open, "no longer than 15 s");
}

#[test]
fn a_provider_that_refuses_its_only_credential_is_given_up_until_probes_pass() {
    let mut rig = Rig::new(1);
    (0..2).for_each(|_| drop(rig.observe(0, Source::Traffic, Class::Auth)));
    assert!((0..3).all(|model| rig.standing(model).is_eligible()));
    rig.observe(1, Source::Traffic, Class::Auth);
    assert!(rig.topology.providers[0].cell.is_credential_refused(0));
    assert!((0..3).all(|model| rig.standing(model).verdict == Verdict::Open));
    assert_eq!(provider(&rig, 0), Verdict::Open);
    probe_on(&mut rig, 2);
    probe_on(&mut rig, 2);
    assert!(!rig.topology.providers[0].cell.is_credential_refused(0));
    assert_eq!((rig.standing(2).verdict, provider(&rig, 0)), (Verdict::Ramping, Verdict::Degraded));
}

#[test]
fn a_second_credential_keeps_a_provider_in_service() {
    let mut plan = shape();
    plan.providers[0].credentials = 2;
    let topology = Arc::new(Topology::build(plan, None).expect("sound"));
    let mut ledger = Ledger::new(Arc::clone(&topology), 1, Moment::ORIGIN);
    let claim = |class, credential| Evidence {
        model: ModelId::from("a1"),
        epoch: 0,
        source: Source::Traffic,
        class,
        retry_after: Some(Duration::from_secs(20)),
        credential: Some(credential),
    };
    let cell = &topology.models[0].cell;
    ledger.observe(&claim(Class::Rate, 0), Moment::ORIGIN);
    assert_eq!((cell.limited_until(), cell.credential_limited_until(1)), (None, None));
    assert_eq!(cell.credential_limited_until(0), Some(Moment::from_millis(20_000)));
    ledger.observe(&claim(Class::Quota, 1), Moment::ORIGIN);
    assert_eq!(cell.limited_until(), Some(Moment::from_millis(20_000)));
    (0..3).for_each(|_| drop(ledger.observe(&claim(Class::Auth, 1), Moment::ORIGIN)));
    assert!(topology.providers[0].cell.is_credential_refused(1));
    assert!(!topology.providers[0].cell.is_credential_refused(0) && cell.standing().is_eligible());
}

#[test]
fn an_unknown_model_is_disabled_until_a_probe_or_a_reload_finds_it() {
    let mut rig = Rig::new(1);
    rig.observe(3, Source::Traffic, Class::ModelMissing);
    rig.observe(3, Source::Traffic, Class::Ok);
    rig.observe(3, Source::Traffic, Class::ModelMissing);
    assert!(rig.standing(3).is_eligible(), "twice in a row, or not at all");
    rig.observe(3, Source::Traffic, Class::ModelMissing);
    let standing = rig.standing(3);
    assert_eq!((standing.verdict, standing.switched), (Verdict::Disabled, false));
    assert!(rig.cell(3).admit(PermitKind::LastResort, Priority::Interactive).is_err());
    assert!(rig.cell(3).admit(PermitKind::Probe, Priority::Interactive).is_ok());
    rig.wait(Duration::from_secs(3600));
    rig.observe(3, PROBE, Class::ModelMissing);
    assert_eq!(rig.standing(3).verdict, Verdict::Disabled);
    let reloaded = Arc::new(Topology::build(shape(), Some(&rig.topology)).expect("sound"));
    rig.ledger.replace(Arc::clone(&reloaded), rig.now);
    assert_eq!(rig.standing(3).verdict, Verdict::HalfOpen);
}

#[test]
fn wrong_answers_degrade_and_never_open() {
    let mut rig = Rig::new(1);
    let wrong = Source::Probe { kind: ProbeKind::Tool, quality: Quality::Wrong };
    for _ in 0..100 {
        rig.wait(Duration::from_secs(5));
        rig.observe(3, wrong, Class::Ok);
        assert!(matches!(rig.standing(3).verdict, Verdict::Healthy | Verdict::Degraded));
    }
    assert_eq!((rig.standing(3).verdict, rig.standing(3).share), (Verdict::Degraded, 100));
    assert!(rig.view(3).answers_wrong);
    probe_on(&mut rig, 3);
    assert_eq!(rig.standing(3).verdict, Verdict::Healthy);
}

#[test]
fn a_refused_probe_is_the_upstreams_failure() {
    let mut rig = Rig::new(1);
    (0..3).for_each(|_| drop(rig.observe(3, PROBE, Class::Client)));
    assert_eq!(rig.standing(3).verdict, Verdict::Open);
}

#[test]
fn a_sudden_share_of_refused_requests_asks_for_a_probe_and_does_nothing_else() {
    let mut rig = Rig::new(1);
    (0..200).for_each(|_| drop(rig.observe(3, Source::Traffic, Class::Ok)));
    rig.wait(Duration::from_secs(600));
    assert!(!rig.cell(3).wants_attention());
    (0..100).for_each(|_| drop(rig.observe(3, Source::Traffic, Class::Client)));
    assert!(rig.cell(3).wants_attention());
    assert_eq!((rig.standing(3).verdict, rig.view(3).score), (Verdict::Healthy, 0.0));
}

#[test]
fn knowledge_survives_a_reload_and_strangers_start_afresh() {
    let mut rig = Rig::new(1);
    fail(&mut rig, 3, 5);
    let permit = rig.cell(0).admit(PermitKind::Live, Priority::Interactive).expect("room");
    let Shape { providers, mut models, mut routes } = shape();
    models.retain(|model| &*model.id != "a2");
    models[0].max_concurrency = 1;
    routes[0].targets.retain(|target| &*target.model != "a2");
    let reloaded = Topology::build(Shape { providers, models, routes }, Some(&rig.topology)).expect("sound");
    let reloaded = Arc::new(reloaded);
    rig.ledger.replace(Arc::clone(&reloaded), rig.now);
    assert_eq!(reloaded.generation, 2);
    let at = |id: &str| &reloaded[reloaded.model(id).expect("known")].cell;
    assert_eq!((at("b1").standing().verdict, at("b1").standing().epoch), (Verdict::Open, 1));
    assert!(at("a1").admit(PermitKind::Live, Priority::Interactive).is_err(), "its one place is taken");
    drop(permit);
    assert!(at("a1").admit(PermitKind::Live, Priority::Interactive).is_ok());
    let gone = Evidence { model: "a2".into(), ..rig.claim(0, Source::Traffic, FAILED) };
    assert_eq!(rig.ledger.observe(&gone, rig.now), vec![]);
    let subject = Subject::Model("a1".into());
    assert!(rig.ledger.view(rig.now).models.iter().any(|model| Subject::Model(model.id.clone()) == subject));
}
