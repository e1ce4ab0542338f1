//! I3: permits are conserved, limits hold, and canaries stay under theirs.

use std::{sync::Arc, thread, time::Duration};

use proptest::prelude::*;
use sidestep_table::{Busy, Class, Permit, PermitKind, Priority, Source, Verdict};

use crate::rig::{FAILED, PROBE, Rig};

fn ramping(seed: u64) -> Rig {
    let mut rig = Rig::new(seed);
    (0..5).for_each(|_| drop(rig.observe(3, Source::Traffic, FAILED)));
    rig.wait(Duration::from_secs(91));
    for _ in 0..3 {
        rig.wait(Duration::from_secs(5));
        rig.observe(3, PROBE, Class::Ok);
    }
    assert_eq!(rig.standing(3).verdict, Verdict::Ramping);
    rig
}

proptest! {
    /// I3: what is in flight is what is held, never more than the limit for its priority.
    #[test]
    fn permits_are_conserved(
        seed: u64,
        ramp: bool,
        steps in prop::collection::vec((0..4_usize, any::<bool>(), any::<prop::sample::Index>()), 0..400),
    ) {
        let rig = if ramp { ramping(seed) } else { Rig::new(seed) };
        let cell = rig.cell(3);
        let mut held: Vec<Permit> = Vec::new();
        for (kind, batch, place) in steps {
            let kinds = [PermitKind::Live, PermitKind::Canary, PermitKind::LastResort, PermitKind::Probe];
            let priority = if batch { Priority::Batch } else { Priority::Interactive };
            let canaries = |held: &[Permit]| held.iter().filter(|one| one.kind() == PermitKind::Canary).count() as u32;
            let counted = |held: &[Permit]| held.iter().filter(|one| one.kind() != PermitKind::Probe).count() as u32;
            match cell.admit(kinds[kind], priority) {
                Ok(permit) => held.push(permit),
                Err(Busy::Full { in_flight, limit }) => {
                    prop_assert!(in_flight >= limit);
                    if !held.is_empty() {
                        held.swap_remove(place.index(held.len()));
                    }
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
            prop_assert_eq!(cell.in_flight(), counted(&held));
            prop_assert!(counted(&held) <= 64);
            prop_assert!(!ramp || canaries(&held) <= 2);
        }
        drop(held);
        prop_assert_eq!(cell.in_flight(), 0);
    }
}

#[test]
fn batch_sees_four_fifths_of_the_limit() {
    let rig = Rig::new(1);
    let admit = |priority| rig.cell(3).admit(PermitKind::Live, priority);
    let batch: Vec<Permit> = std::iter::from_fn(|| admit(Priority::Batch).ok()).collect();
    assert_eq!(batch.len(), 51);
    let people: Vec<Permit> = std::iter::from_fn(|| admit(Priority::Interactive).ok()).collect();
    assert_eq!(batch.len() + people.len(), 64);
}

#[test]
fn a_crowd_cannot_overshoot_a_limit() {
    let rig = Rig::new(1);
    let crowd: Vec<_> = (0..8)
        .map(|_| {
            let cell = Arc::clone(rig.cell(3));
            thread::spawn(move || {
                (0..20)
                    .filter_map(|_| cell.admit(PermitKind::Live, Priority::Interactive).ok())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let held: Vec<Permit> = crowd.into_iter().flat_map(|one| one.join().expect("no panic")).collect();
    assert_eq!((held.len(), rig.cell(3).in_flight()), (64, 64));
}

#[test]
fn the_canary_limit_grows_by_one_and_halves_on_overload_and_rate() {
    let mut rig = ramping(1);
    assert_eq!(rig.cell(3).limit(), 2);
    (0..6).for_each(|_| drop(rig.observe(3, Source::Canary, Class::Ok)));
    assert_eq!(rig.cell(3).limit(), 8);
    rig.observe(3, Source::Canary, Class::Rate);
    assert_eq!(rig.cell(3).limit(), 4);
    rig.observe(3, Source::Canary, Class::Overload);
    assert_eq!(rig.cell(3).limit(), 2);
    let live = rig.cell(3).admit(PermitKind::Live, Priority::Interactive).expect("room");
    assert_eq!(live.kind(), PermitKind::Canary);
}

#[test]
fn a_429_holds_the_stage() {
    let mut rig = ramping(1);
    for _ in 0..30 {
        rig.wait(Duration::from_secs(2));
        (0..9).for_each(|_| drop(rig.observe(3, Source::Canary, Class::Ok)));
        rig.observe(3, Source::Canary, Class::Rate);
    }
    assert_eq!(rig.standing(3).share, 10);
}
