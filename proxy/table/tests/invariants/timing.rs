//! I4, I12, I13, I14: dwell, the ramp's pace, harmless clocks, growing epochs.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;
use sidestep_table::{Class, Decision, DecisionKind, Moment, Source, Subject, Verdict};

use crate::rig::{FAILED, Happening, MODELS, PROBE, Rig, histories, operated_histories};

const STAGES: [u16; 6] = [10, 50, 100, 250, 500, 1000];

fn of_models(decisions: Vec<Decision>) -> impl Iterator<Item = (Subject, Decision)> {
    let own = |one: &Decision| matches!(one.kind, DecisionKind::Verdict | DecisionKind::Stage);
    decisions.into_iter().filter(own).map(|decision| (decision.subject.clone(), decision))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// I4: an open model stays so for half its cooldown at least, whatever probes say meanwhile.
    #[test]
    fn open_lasts_half_the_cooldown_at_least(seed: u64, history in histories()) {
        let mut rig = Rig::new(seed);
        let mut opened: HashMap<Subject, (Moment, Duration)> = HashMap::new();
        for happening in history {
            let decisions = rig.happen(&happening);
            for (subject, decision) in of_models(decisions) {
                if let Some((at, least)) = opened.remove(&subject)
                    && decision.to != Verdict::Disabled
                {
                    prop_assert!(decision.at.saturating_since(at) >= least, "{decision:?}");
                }
                if decision.to == Verdict::Open {
                    let model = MODELS.iter().position(|(id, _)| subject == Subject::Model((*id).into()));
                    let trips = rig.view(model.expect("a model")).trips;
                    let full = Duration::from_secs(10 << (trips - 1)).min(Duration::from_secs(300));
                    opened.insert(subject, (decision.at, full / 2));
                }
            }
        }
    }

    /// I12: a ramp climbs one stage at a time, and never faster than its pace.
    #[test]
    fn a_ramp_climbs_one_stage_at_a_time(seed: u64, history in histories(), steps in 0..400_usize, fails in 0.0..0.3) {
        let mut rig = Rig::after(seed, &history);
        // The stage, and when it began if that was seen.
        let mut last: Option<(Option<Moment>, usize)> = None;
        for step in 0..steps {
            let failed = (step as f64 * 0.618).fract() < fails;
            rig.observe(0, if step % 3 == 0 { PROBE } else { Source::Canary }, if failed { FAILED } else { Class::Ok });
            rig.wait(Duration::from_millis(1_700));
            let standing = rig.standing(0);
            let stage = STAGES.iter().position(|share| *share == standing.share);
            last = match (standing.verdict, stage, last) {
                (Verdict::Ramping, Some(stage), Some((since, before))) if stage > before => {
                    prop_assert_eq!(stage, before + 1);
                    // The stage may have begun anywhere within the last step.
                    let took = since.map(|since| rig.now.saturating_since(since) + Duration::from_millis(1_700));
                    prop_assert!(took.is_none_or(|took| took >= Duration::from_secs(10)), "{took:?} for {stage}");
                    Some((Some(rig.now), stage))
                }
                (Verdict::Ramping, Some(stage), Some((since, before))) if stage == before => Some((since, before)),
                (Verdict::Ramping, Some(stage), Some(_)) => Some((Some(rig.now), stage)),
                (Verdict::Ramping, Some(stage), None) => Some((None, stage)),
                _ => None,
            };
        }
    }

    /// I13: clocks that jump back and absurd waits are harmless; no model is held for more than five minutes.
    #[test]
    fn time_never_runs_backwards(seed: u64, history in histories(), jumps in prop::collection::vec(0_u64..1_000_000, 1..60)) {
        let mut rig = Rig::new(seed);
        let mut latest = Moment::ORIGIN;
        for (happening, jump) in history.iter().zip(jumps.iter().cycle()) {
            rig.happen(happening);
            latest = latest.max(rig.now);
            let back = Moment::from_millis(rig.now.as_millis().saturating_sub(*jump));
            for decision in rig.ledger.tick(back) {
                prop_assert!(decision.at >= latest);
            }
            prop_assert!(rig.ledger.view(back).at >= latest);
            for model in 0..MODELS.len() {
                let view = rig.view(model);
                let five = latest + Duration::from_secs(300);
                prop_assert!(view.held_until.is_none_or(|until| until <= five));
                prop_assert!(view.limited_until.is_none_or(|until| until <= latest + Duration::from_secs(3600)));
            }
            if let Some(due) = rig.ledger.next_tick() {
                prop_assert!(due > latest, "a due tick must lie ahead, or its driver would spin");
            }
        }
    }

    /// I14: epochs only grow, and by one for each time a model opens or is disabled for its configuration.
    #[test]
    fn epochs_only_grow(seed: u64, history in operated_histories()) {
        let mut rig = Rig::new(seed);
        let mut epochs = [0_u32; MODELS.len()];
        for happening in &history {
            let decisions = rig.happen(happening);
            for (model, epoch) in epochs.iter_mut().enumerate() {
                let own = Subject::Model(MODELS[model].0.into());
                let ended = |(subject, one): &(Subject, Decision)| {
                    *subject == own && one.from != one.to && matches!(one.to, Verdict::Open | Verdict::Disabled)
                };
                *epoch += of_models(decisions.clone()).filter(ended).count() as u32;
                prop_assert_eq!(rig.standing(model).epoch, *epoch);
            }
        }
    }
}

/// I14: a reader never sees parts of two steps.
#[test]
fn a_standing_is_read_whole() {
    let mut rig = Rig::new(3);
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (done, cell) = (Arc::clone(&done), Arc::clone(rig.cell(3)));
        thread::spawn(move || {
            let mut epoch = 0;
            while !done.load(Ordering::Acquire) {
                let standing = cell.standing();
                assert!(standing.epoch >= epoch, "epochs grow");
                epoch = standing.epoch;
                let none = matches!(standing.verdict, Verdict::Open | Verdict::HalfOpen);
                assert_eq!(none, standing.share == 0, "{standing:?}");
                assert_eq!(standing.epoch == 0, standing.verdict == Verdict::Healthy, "{standing:?}");
            }
        })
    };
    for round in 0..2_000 {
        rig.observe(
            3,
            if round % 7 == 0 { PROBE } else { Source::Canary },
            if round % 7 < 4 { Class::Ok } else { FAILED },
        );
        rig.happen(&Happening::Wait(1_300));
        if rig.standing(3).verdict == Verdict::Healthy || rig.standing(3).verdict == Verdict::Degraded {
            (0..6).for_each(|_| drop(rig.observe(3, Source::Traffic, FAILED)));
        }
    }
    done.store(true, Ordering::Release);
    reader.join().expect("the reader saw whole standings only");
}
