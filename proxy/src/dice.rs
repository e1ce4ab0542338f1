//! Where Sidestep's own draws come from: ids, pauses, jitter, the choice among equals.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// A source of independent generators; clones share it, so that nobody draws what another has drawn. Not for secrets.
///
/// With a seed of one's own, and everything else repeatable (one thread, paused time, the same requests), a run can be
/// repeated to the byte.
#[derive(Clone, Debug)]
pub struct Dice {
    key: [u64; 4],
    throws: Arc<AtomicU64>,
}

impl Dice {
    /// Dice that the operating system has seeded.
    #[must_use]
    pub fn new() -> Dice {
        Dice { key: rand::random(), throws: Arc::default() }
    }

    /// Dice that fall the same way each time.
    #[must_use]
    pub fn seeded(seed: u64) -> Dice {
        let key = SmallRng::seed_from_u64(seed).random();
        Dice { key, throws: Arc::default() }
    }

    /// A generator of its own for one purpose.
    #[must_use]
    pub fn throw(&self) -> SmallRng {
        let number = self.throws.fetch_add(1, Ordering::Relaxed);
        let mut seed = [0; 32];
        for (bytes, key) in seed.chunks_exact_mut(8).zip(self.key) {
            bytes.copy_from_slice(&mixed(key.wrapping_add(number)).to_le_bytes());
        }
        SmallRng::from_seed(seed)
    }
}

impl Default for Dice {
    fn default() -> Dice {
        Dice::new()
    }
}

/// A bijection that spreads neighbours over all 64 bits (`SplitMix64`; Steele, Lea and Flood, 2014).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn drawn(dice: &Dice) -> Vec<u64> {
        (0..1000).map(|_| dice.throw().random()).collect()
    }

    #[test]
    fn throws_differ_and_a_seed_repeats_them() {
        let first = drawn(&Dice::seeded(7));
        assert_eq!(first, drawn(&Dice::seeded(7)));
        let mut all: HashSet<u64> = first.into_iter().collect();
        all.extend(drawn(&Dice::seeded(8)));
        let dice = Dice::new();
        all.extend(drawn(&dice));
        all.extend(drawn(&dice.clone()));
        assert_eq!(all.len(), 4000);
    }

    #[test]
    fn what_throws_come_to_is_even() {
        let dice = Dice::seeded(1);
        let sum: f64 = (0..10_000).map(|_| dice.throw().random::<f64>()).sum();
        assert!((sum / 10_000.0 - 0.5).abs() < 0.015, "{sum}");
    }
}
