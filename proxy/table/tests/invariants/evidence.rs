//! I2, I7, I8, I15: what evidence may and must do.

use std::time::Duration;

use proptest::prelude::*;
use sidestep_table::{Class, Fault, Source, Verdict};

use crate::rig::{FAILED, Happening, MODELS, PROBE, Rig, classes, histories, sources};

const NEUTRAL: [Class; 5] = [Class::Client, Class::Cancel, Class::Rate, Class::Quota, Class::Local];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// I2: an answer that began in another epoch changes nothing at all.
    #[test]
    fn evidence_of_another_epoch_changes_nothing(
        seed: u64,
        history in histories(),
        model in 0..MODELS.len(),
        source in sources(),
        class in classes(),
        off in 1_u32..5,
    ) {
        let mut rig = Rig::after(seed, &history);
        rig.wait(Duration::ZERO);
        let before = rig.ledger.view(rig.now);
        let mut evidence = rig.claim(model, source, class);
        for epoch in [evidence.epoch.wrapping_sub(off), evidence.epoch + off] {
            evidence.epoch = epoch;
            evidence.retry_after = Some(Duration::from_secs(60));
            prop_assert_eq!(rig.ledger.observe(&evidence, rig.now), vec![]);
            prop_assert_eq!(&rig.ledger.view(rig.now), &before);
        }
    }

    /// I7: five failures in a row (six in brisk traffic) leave nothing for the next pick, whatever went before.
    #[test]
    fn failures_in_a_row_open(seed: u64, history in histories(), model in 0..MODELS.len()) {
        let mut rig = Rig::after(seed, &history);
        let mut given = 0;
        while rig.standing(model).share > 0 && given < 7 {
            rig.observe(model, Source::Traffic, FAILED);
            given += 1;
        }
        prop_assert!(given <= 6, "{given} failures, then {:?}", rig.standing(model));
        prop_assert!(!rig.standing(model).is_eligible());
    }

    /// I8: refused requests, leaving callers, rates, quotas and this host's own limits leave score, share and
    /// verdict where they would be without them.
    #[test]
    fn neutral_classes_never_touch_health(
        seed: u64,
        steps in prop::collection::vec((0..MODELS.len(), prop::option::of(0..5_usize), classes(), 0_u64..10), 0..300),
    ) {
        let (mut with, mut without) = (Rig::new(seed), Rig::new(seed));
        for (model, neutral, class, millis) in steps {
            if let Some(neutral) = neutral {
                // Own limits at one provider alone are no suspicion against this host.
                let model = if NEUTRAL[neutral] == Class::Local { 3 } else { model };
                with.observe(model, Source::Traffic, NEUTRAL[neutral]);
            } else if class.is_answer() || matches!(class, Class::Hard(fault) if !fault.is_connect_level()) {
                with.observe(model, Source::Traffic, class);
                without.observe(model, Source::Traffic, class);
            }
            with.now = with.now + Duration::from_millis(millis);
            without.now = with.now;
        }
        with.wait(Duration::ZERO);
        without.wait(Duration::ZERO);
        for model in 0..MODELS.len() {
            let (with, without) = (with.view(model), without.view(model));
            prop_assert!((with.score - without.score).abs() < 1e-9, "{with:?} {without:?}");
            prop_assert_eq!(with.verdict, without.verdict);
            // A share is a rounded number, reached in more or fewer steps.
            prop_assert!(with.share.abs_diff(without.share) <= 1, "{with:?} {without:?}");
        }
    }

    /// I15: at any step, a failure or a slow answer in place of a good one never leaves the model with more weight.
    #[test]
    fn a_failure_never_earns_more_than_an_answer(
        seed: u64,
        history in histories(),
        model in 0..MODELS.len(),
        source in sources(),
        fault in prop::sample::select(vec![Fault::Connect, Fault::Status, Fault::Stall, Fault::Truncated]),
    ) {
        let outcomes = [Class::Ok, Class::Slow, Class::Hard(fault), Class::Overload].map(|class| {
            let mut rig = Rig::after(seed, &history);
            rig.observe(model, source, class);
            rig.standing(model).share
        });
        prop_assert!(outcomes[1..].iter().all(|other| *other <= outcomes[0]), "{outcomes:?}");
    }

    /// Half open is the probes' to decide: no user's outcome moves it, good or bad.
    #[test]
    fn users_never_decide_a_half_open_model(
        seed: u64,
        claims in prop::collection::vec((classes(), 0..3_usize), 0..50),
    ) {
        let mut rig = Rig::new(seed);
        (0..5).for_each(|_| drop(rig.observe(3, Source::Traffic, FAILED)));
        rig.wait(Duration::from_secs(91));
        prop_assert_eq!(rig.standing(3).verdict, Verdict::HalfOpen);
        for (class, source) in claims {
            let missing = class == Class::ModelMissing;
            if !missing {
                rig.observe(3, [Source::Traffic, Source::Canary, Source::LastResort][source], class);
            }
            prop_assert_eq!(rig.standing(3).verdict, Verdict::HalfOpen);
        }
        for _ in 0..3 {
            rig.wait(Duration::from_secs(5));
            rig.observe(3, PROBE, Class::Ok);
        }
        prop_assert_eq!((rig.standing(3).verdict, rig.standing(3).share), (Verdict::Ramping, 10));
    }
}

#[test]
fn probes_too_close_together_count_once() {
    let mut rig = Rig::new(7);
    (0..5).for_each(|_| drop(rig.observe(3, Source::Traffic, FAILED)));
    rig.wait(Duration::from_secs(91));
    (0..10).for_each(|_| drop(rig.observe(3, PROBE, Class::Ok)));
    assert_eq!(rig.standing(3).verdict, Verdict::HalfOpen);
    rig.happen(&Happening::Wait(5_000));
    rig.observe(3, PROBE, Class::Ok);
    rig.happen(&Happening::Wait(5_000));
    rig.observe(3, PROBE, Class::Rate);
    assert_eq!(rig.standing(3).verdict, Verdict::HalfOpen, "a 429 neither passes nor fails");
    rig.observe(3, PROBE, Class::Ok);
    assert_eq!(rig.standing(3).verdict, Verdict::Ramping);
}
