use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const DAY: u64 = 24 * 60 * 60 * 1000;

fn model(index: usize) -> ModelId {
    ModelId::from(["a", "b", "c"][index])
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    /// A model, an errand, the estimate in permille of the day's cap, and the real cost in percent of the estimate.
    Ask(usize, Errand, u64, u64),
    /// As `Ask`, but the probe never settles.
    Lose(Errand, u64),
    SettleOldest,
    /// A reload that changes nothing.
    Amend,
}

fn errand() -> impl Strategy<Value = Errand> {
    prop_oneof![Just(Errand::Calm), Just(Errand::Alert), Just(Errand::Recovery)]
}

fn step(overrun: u64) -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..DAY / 8).prop_map(Step::Wait),
        1 => (0..60_000u64).prop_map(Step::Wait),
        6 => (0..3usize, errand(), 0..300u64, 0..=overrun).prop_map(|(m, e, s, a)| Step::Ask(m, e, s, a)),
        1 => (errand(), 0..300u64).prop_map(|(e, s)| Step::Lose(e, s)),
        4 => Just(Step::SettleOldest),
        1 => Just(Step::Amend),
    ]
}

fn allowance() -> impl Strategy<Value = Allowance> {
    prop_oneof![
        (0..5_000_000u64).prop_map(Allowance::TokensPerDay),
        (0.0..50.0f64).prop_map(Allowance::UsdPerDay),
    ]
}

/// Every grant as (when, what it cost in the end), and the sum by which probes cost more than estimated.
fn play(allowance: Allowance, steps: &[Step]) -> (Vec<(u64, u64)>, u64) {
    let cap = allowance.per_day();
    let mut now = 0;
    let mut purse = Purse::new(allowance, Moment::from_millis(0));
    let (mut grants, mut open, mut overrun) = (Vec::new(), VecDeque::new(), 0);
    for step in steps {
        let at = Moment::from_millis(now);
        match step {
            Step::Wait(long) => now += long,
            Step::Amend => purse.amend(allowance, at),
            Step::Ask(who, errand, share, percent) => {
                let estimate = u64::try_from(u128::from(cap) * u128::from(*share) / 1000).unwrap();
                if let Some(hold) = purse.withdraw(&model(*who), Amount(estimate), *errand, at) {
                    open.push_back((hold, estimate * percent / 100, grants.len()));
                    // In flight it counts as its estimate.
                    grants.push((now, estimate));
                    overrun += (estimate * percent / 100).saturating_sub(estimate);
                }
            }
            Step::Lose(errand, share) => {
                let estimate = u64::try_from(u128::from(cap) * u128::from(*share) / 1000).unwrap();
                if purse.withdraw(&model(0), Amount(estimate), *errand, at).is_some() {
                    grants.push((now, estimate));
                }
            }
            Step::SettleOldest => {
                if let Some((hold, actual, index)) = open.pop_front() {
                    purse.settle(hold, Amount(actual), at);
                    grants[index].1 = actual;
                }
            }
        }
    }
    (grants, overrun)
}

/// The dearest window of 24 hours, ends included.
fn dearest_day(grants: &[(u64, u64)]) -> u64 {
    let day = |from: u64| {
        grants.iter().filter(move |(at, _)| (from..=from + DAY).contains(at)).map(|(_, cost)| cost)
    };
    grants.iter().map(|(from, _)| day(*from).sum()).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn no_window_of_a_day_costs_more_than_the_allowance(
        allowance in allowance(),
        steps in prop::collection::vec(step(100), 1..400),
    ) {
        let (grants, _) = play(allowance, &steps);
        prop_assert!(dearest_day(&grants) <= allowance.per_day());
    }

    #[test]
    fn what_a_vendor_bills_beyond_the_estimate_is_worked_off(
        allowance in allowance(),
        steps in prop::collection::vec(step(300), 1..400),
    ) {
        let (grants, overrun) = play(allowance, &steps);
        prop_assert!(dearest_day(&grants) <= allowance.per_day() + overrun);
    }

    #[test]
    fn a_cost_is_never_rounded_below_the_price(input in 0..10_000u64, output in 0..10_000u64, price in 0.001..100.0f64) {
        let price = Price { input_usd_per_million: price, output_usd_per_million: price * 5.0 };
        let tokens = Tokens { input, output };
        let amount = Allowance::UsdPerDay(1.0).amount(tokens, Some(price));
        prop_assert!(amount.0 as f64 >= price.usd(tokens) * 1e9);
    }
}

#[test]
fn a_purse_that_calm_probes_emptied_still_pays_for_alarm_and_then_for_recovery() {
    let start = Moment::from_millis(0);
    let mut purse = Purse::new(Allowance::TokensPerDay(2000), start);
    let mut spend = |errand| {
        let mut count = 0;
        while let Some(hold) = purse.withdraw(&model(0), Amount(10), errand, start) {
            purse.settle(hold, Amount(10), start);
            count += 1;
        }
        (count, purse.is_scarce(start))
    };
    assert_eq!(spend(Errand::Calm), (50, false));
    assert_eq!(spend(Errand::Alert), (30, true));
    assert_eq!(spend(Errand::Recovery), (20, true));
    assert_eq!(spend(Errand::Recovery), (0, true));
}

#[test]
fn what_comes_back_after_hours_is_not_spent_on_top_of_a_full_purse() {
    let (start, later) = (Moment::from_millis(0), Moment::from_millis(DAY / 2));
    let mut purse = Purse::new(Allowance::TokensPerDay(2000), start);
    let hold = purse.withdraw(&model(0), Amount(800), Errand::Recovery, start).unwrap();
    assert!(purse.withdraw(&model(0), Amount(201), Errand::Recovery, later).is_none());
    purse.settle(hold, Amount(0), later);
    assert_eq!(purse.left(), Amount(1000));
    assert!(purse.withdraw(&model(0), Amount(1001), Errand::Recovery, later).is_none());
}

#[test]
fn half_an_allowance_flows_back_in_a_day_to_the_last_unit() {
    let mut purse = Purse::new(Allowance::TokensPerDay(2001), Moment::from_millis(0));
    let hold = purse.withdraw(&model(0), Amount(1000), Errand::Recovery, Moment::from_millis(0)).unwrap();
    purse.settle(hold, Amount(1000), Moment::from_millis(0));
    assert_eq!(purse.left(), Amount(0));
    // In steps far shorter than one unit takes: remainders must not be lost.
    for at in (0..DAY / 2).step_by(997).chain([DAY / 2]) {
        assert!(purse.withdraw(&model(0), Amount(5000), Errand::Recovery, Moment::from_millis(at)).is_none());
    }
    assert_eq!(purse.left(), Amount(500));
}

#[test]
fn a_smaller_allowance_after_a_reload_keeps_what_was_spent() {
    let start = Moment::from_millis(0);
    let mut purse = Purse::new(Allowance::TokensPerDay(2000), start);
    let hold = purse.withdraw(&model(0), Amount(600), Errand::Recovery, start).unwrap();
    purse.amend(Allowance::TokensPerDay(1400), start);
    assert_eq!(purse.left(), Amount(100));
    purse.settle(hold, Amount(0), start);
    assert_eq!(purse.left(), Amount(700));
}

#[test]
fn cheap_models_do_not_starve_a_dear_one() {
    let mut purse = Purse::new(Allowance::TokensPerDay(100_000), Moment::from_millis(0));
    let (cheap, dear) = (model(0), model(1));
    let mut count = [0, 0];
    // Every minute both ask; the day's flow pays for fewer than that.
    for minute in 0..3 * 24 * 60 {
        let now = Moment::from_millis(minute * 60_000);
        for (index, (model, cost)) in [(&cheap, 100), (&dear, 2_000)].into_iter().enumerate() {
            if let Some(hold) = purse.withdraw(model, Amount(cost), Errand::Calm, now) {
                purse.settle(hold, Amount(cost), now);
                count[index] += 1;
            }
        }
    }
    assert!(count[0] > 10 && count[1] > 10, "{count:?}");
}
