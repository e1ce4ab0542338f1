//! I1, I10, I11, I12: where requests may go.

use std::{collections::HashSet, time::Duration};

use proptest::prelude::*;
use rand::{SeedableRng, rngs::SmallRng};
use sidestep_table::{
    Admission, Busy, ModelIndex, PermitKind, Priority, RouteIndex, Source, Subject, SwitchKind, SwitchOrder,
    Unavailable, Verdict, rank,
};

use crate::rig::{FAILED, Happening, MODELS, Rig, histories, operated_histories, subject};

const ROUTE: RouteIndex = RouteIndex::new(0);
const KINDS: [PermitKind; 4] =
    [PermitKind::Live, PermitKind::Canary, PermitKind::LastResort, PermitKind::Probe];

fn ranked(rig: &Rig, seed: u64) -> Result<Vec<(usize, Admission)>, Unavailable> {
    let mut draw = SmallRng::seed_from_u64(seed);
    let found = rank(&rig.topology, ROUTE, &|_| true, rig.now, &mut draw)?;
    Ok(found.into_iter().map(|one| (one.model.get(), one.admission)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// I1: once the order to disable returns, no permit of any kind is given, until it is lifted or lapses.
    #[test]
    fn a_disabled_model_gets_nothing(seed: u64, before in operated_histories(), who in 0..6_usize, after in histories()) {
        let mut rig = Rig::after(seed, &before);
        rig.happen(&Happening::Disable(who, None));
        let hit: Vec<usize> = (0..MODELS.len())
            .filter(|model| subject(*model) == subject(who) || Subject::Provider(MODELS[*model].1.into()) == subject(who))
            .collect();
        prop_assert!(!hit.is_empty());
        for happening in std::iter::once(&Happening::Wait(0)).chain(&after) {
            rig.happen(happening);
            for model in &hit {
                for kind in KINDS {
                    let refused = rig.cell(*model).admit(kind, Priority::Interactive).err();
                    prop_assert_eq!(refused, Some(Busy::Disabled));
                }
            }
            if let Ok(found) = ranked(&rig, seed) {
                prop_assert!(found.iter().all(|(model, _)| !hit.contains(model)));
            }
        }
    }

    /// I10: nothing leads to a disabled model, in the last-resort case least of all. I11: whoever is eligible is
    /// offered. I12: every target at most once.
    #[test]
    fn ranking_offers_the_eligible_and_never_the_disabled(seed: u64, history in operated_histories(), draw: u64) {
        let mut rig = Rig::new(seed);
        for happening in &history {
            rig.happen(happening);
            let eligible: HashSet<usize> = (0..MODELS.len())
                .filter(|model| {
                    let limited = rig.cell(*model).limited_until().is_some_and(|until| until > rig.now);
                    rig.standing(*model).is_eligible() && !limited
                })
                .collect();
            match ranked(&rig, draw) {
                Ok(found) => {
                    let offered: HashSet<usize> = found.iter().map(|(model, _)| *model).collect();
                    prop_assert_eq!(offered.len(), found.len());
                    for (model, admission) in found {
                        prop_assert_ne!(rig.standing(model).verdict, Verdict::Disabled);
                        prop_assert_eq!(eligible.is_empty(), admission == Admission::LastResort);
                    }
                    prop_assert!(eligible.is_empty() || offered == eligible);
                }
                Err(_) => prop_assert!(eligible.is_empty()),
            }
        }
    }

    /// A switch is forgotten when lifted, and a pin holds whatever evidence says.
    #[test]
    fn a_pin_holds_and_a_lifted_switch_is_gone(seed: u64, history in histories(), model in 0..MODELS.len()) {
        let (mut pinned, plain) = (Rig::new(seed), Rig::after(seed, &history));
        pinned.happen(&Happening::Pin(model));
        for happening in &history {
            pinned.happen(happening);
            let standing = pinned.standing(model);
            prop_assert_eq!((standing.verdict, standing.share, standing.masked), (Verdict::Healthy, 1000, false));
        }
        prop_assert!(pinned.cell(model).admit(PermitKind::Live, Priority::Interactive).is_ok());
        pinned.happen(&Happening::Clear(model));
        prop_assert_eq!(pinned.ledger.switches(), vec![]);
        prop_assert_eq!(pinned.standing(model), plain.standing(model));
    }
}

#[test]
fn a_switch_lapses_by_itself_and_beats_a_pin() {
    let mut rig = Rig::new(1);
    rig.happen(&Happening::Pin(0));
    rig.happen(&Happening::Disable(4, Some(60_000)));
    assert_eq!(rig.standing(0).verdict, Verdict::Disabled);
    rig.wait(Duration::from_millis(59_999));
    assert_eq!(rig.standing(1).verdict, Verdict::Disabled);
    let decisions = rig.wait(Duration::from_millis(1));
    assert_eq!((decisions[0].from, decisions[0].to), (Verdict::Disabled, Verdict::Healthy));
    assert_eq!(rig.standing(1).verdict, Verdict::Healthy);
    assert_eq!(rig.ledger.switches().len(), 1);
    assert_eq!(rig.ledger.switches()[0].kind, SwitchKind::Pin);
    let order = SwitchOrder::Clear { subject: Subject::Model("nobody".into()), actor: "test".to_owned() };
    assert_eq!(
        rig.ledger.switch(order, rig.now).expect_err("unknown").to_string(),
        "there is no model `nobody`"
    );
}

#[test]
fn at_most_one_request_in_ten_is_a_last_resort_and_goes_to_the_least_bad() {
    let mut rig = Rig::new(1);
    for model in 0..MODELS.len() {
        (0..6).for_each(|_| drop(rig.observe(model, Source::Traffic, FAILED)));
    }
    let least =
        (0..MODELS.len()).min_by(|one, other| rig.cell(*one).score().total_cmp(&rig.cell(*other).score()));
    let found: Vec<_> = (0..10_000).map(|seed| ranked(&rig, seed)).collect();
    let sent: Vec<_> = found.iter().flatten().collect();
    assert!((800..=1_200).contains(&sent.len()), "{}", sent.len());
    assert!(sent.iter().all(|one| **one == vec![(least.expect("four models"), Admission::LastResort)]));
    let refused = found.iter().find_map(|one| one.as_ref().err());
    let longest = Duration::from_secs(10);
    assert!(matches!(refused, Some(Unavailable::NothingEligible { retry_after }) if *retry_after <= longest));
    rig.happen(&Happening::Disable(4, None));
    rig.happen(&Happening::Disable(5, None));
    assert_eq!(ranked(&rig, 1), Err(Unavailable::AllDisabled));
    let mut draw = SmallRng::seed_from_u64(1);
    rig.happen(&Happening::Clear(5));
    let nobody = |_: ModelIndex| false;
    assert_eq!(rank(&rig.topology, ROUTE, &nobody, rig.now, &mut draw), Err(Unavailable::NoCapable));
}
