//! What a route may spend on attempts beyond the first: a tenth of its requests and a small reserve.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::moment::Moment;

/// Requests count for ten slots of one second.
const DEPOSIT_SLOTS: u64 = 10;
/// Spending counts for one slot more, so that the bound holds in every stretch of ten seconds and not
/// only in those that begin with a slot.
const SLOTS: usize = DEPOSIT_SLOTS as usize + 1;
/// Money is counted in thousandths of an attempt, so no fraction is lost or invented.
const ATTEMPT: u64 = 1000;

/// How much may be spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BudgetPolicy {
    /// Extra attempts per request, 0..=1.
    pub ratio: f64,
    /// Extra attempts per second that are always there, so that a quiet route can retry too.
    pub reserve_per_second: f64,
}

/// One route's purse. Both operations are exact under any number of threads.
///
/// The rule is that of the retry budgets of Finagle and tower (`TpsBudget`): a deposit per request, a
/// withdrawal per extra attempt, both forgotten after ten seconds. Theirs sum first and subtract later,
/// so a crowd can overshoot; here both happen under one lock that is held for a few additions and never
/// across an await.
#[derive(Debug)]
pub struct Budget {
    policy: BudgetPolicy,
    ring: Mutex<Ring>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    deposits: u64,
    withdrawals: u64,
}

#[derive(Debug, Default)]
struct Ring {
    second: u64,
    slots: [Slot; SLOTS],
    spent: u64,
}

// === impl BudgetPolicy ===

impl Default for BudgetPolicy {
    fn default() -> Self {
        Self { ratio: 0.1, reserve_per_second: 1.0 }
    }
}

// === impl Budget ===

impl Budget {
    /// An empty purse with its reserve full. Negative or broken numbers count as zero.
    #[must_use]
    pub fn new(policy: BudgetPolicy) -> Self {
        Self { policy, ring: Mutex::default() }
    }

    /// What it was made with.
    #[must_use]
    pub fn policy(&self) -> BudgetPolicy {
        self.policy
    }

    /// Notes one request of the application.
    pub fn deposit(&self, now: Moment) {
        self.with_ring(now, |ring| ring.current().deposits += 1);
    }

    /// Takes one extra attempt, if it can be paid.
    #[must_use]
    pub fn try_withdraw(&self, now: Moment) -> bool {
        let rate = thousandths(self.policy.ratio);
        let reserve = thousandths(self.policy.reserve_per_second) * DEPOSIT_SLOTS;
        self.with_ring(now, |ring| {
            let earned = ring.deposits().saturating_mul(rate).saturating_add(reserve);
            let affordable = earned >= (ring.withdrawals() + 1).saturating_mul(ATTEMPT);
            if affordable {
                ring.current().withdrawals += 1;
                ring.spent += 1;
            }
            affordable
        })
    }

    /// Extra attempts that were paid for since it was made.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).spent
    }

    fn with_ring<T>(&self, now: Moment, act: impl FnOnce(&mut Ring) -> T) -> T {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.advance(now.as_millis() / Duration::from_secs(1).as_millis() as u64);
        act(&mut ring)
    }
}

// === impl Ring ===

impl Ring {
    /// Forgets what has aged; a thread that read the clock earlier than another changes nothing.
    fn advance(&mut self, second: u64) {
        let steps = second.saturating_sub(self.second).min(SLOTS as u64);
        self.second = self.second.max(second);
        for back in 0..steps {
            let index = self.index(back);
            self.slots[index] = Slot::default();
        }
    }

    fn current(&mut self) -> &mut Slot {
        let index = self.index(0);
        &mut self.slots[index]
    }

    fn deposits(&self) -> u64 {
        (0..DEPOSIT_SLOTS).map(|back| self.slots[self.index(back)].deposits).sum()
    }

    fn withdrawals(&self) -> u64 {
        self.slots.iter().map(|slot| slot.withdrawals).sum()
    }

    fn index(&self, back: u64) -> usize {
        ((self.second + SLOTS as u64 - back) % SLOTS as u64) as usize
    }
}

fn thousandths(number: f64) -> u64 {
    (number.clamp(0.0, 1e6) * ATTEMPT as f64).round() as u64
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// I9: in every stretch of ten seconds, extra attempts ≤ ratio × requests + reserve.
        #[test]
        fn spending_is_bounded_in_every_ten_seconds(
            steps in prop::collection::vec((0_u64..400, any::<bool>()), 1..1500),
            start in 0_u64..5000,
        ) {
            let budget = Budget::new(BudgetPolicy::default());
            let (mut now, mut requests, mut spent) = (start, Vec::new(), Vec::new());
            for (gap, withdraw) in steps {
                now += gap;
                let at = Moment::from_millis(now);
                if !withdraw {
                    budget.deposit(at);
                    requests.push(now);
                } else if budget.try_withdraw(at) {
                    spent.push(now);
                    let since = |times: &[u64]| times.iter().filter(|&&t| t + 10_000 > now).count() as f64;
                    prop_assert!(since(&spent) <= 0.1 * since(&requests) + 10.0 + 1e-9);
                }
            }
        }
    }

    #[test]
    fn a_crowd_cannot_overshoot() {
        let budget = Arc::new(Budget::new(BudgetPolicy { ratio: 0.1, reserve_per_second: 0.0 }));
        let now = Moment::from_millis(77_000);
        (0..1000).for_each(|_| budget.deposit(now));
        let crowd: Vec<_> = (0..8)
            .map(|_| {
                let budget = Arc::clone(&budget);
                thread::spawn(move || (0..100).filter(|_| budget.try_withdraw(now)).count())
            })
            .collect();
        let spent: usize = crowd.into_iter().map(|one| one.join().expect("no panic")).sum();
        assert_eq!(spent, 100);
        assert_eq!(budget.spent(), 100);
    }

    #[test]
    fn deposits_are_forgotten_after_ten_seconds_and_late_clocks_are_harmless() {
        let budget = Budget::new(BudgetPolicy { ratio: 1.0, reserve_per_second: 0.0 });
        budget.deposit(Moment::from_millis(20_000));
        budget.deposit(Moment::from_millis(3_000));
        assert!(budget.try_withdraw(Moment::from_millis(29_999)));
        assert!(!budget.try_withdraw(Moment::from_millis(30_000)));
    }
}
