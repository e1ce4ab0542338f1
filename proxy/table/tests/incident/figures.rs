//! The figures that the health model promises, one seed at a time.

use std::time::Duration;

use sidestep_table::{FULL_SHARE, Policy};

use super::{
    World,
    upstream::{Upstream, failing},
};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// What fails in good times.
const BACKGROUND: f64 = 0.02;

/// How long a healed model took to come back, and what it was allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery {
    pub(crate) took: Duration,
    pub(crate) allowed: Duration,
}

/// Two minutes of 2 %, then `part` of the requests fail: how long until the model is open.
pub(crate) fn detection(seed: u64, rate: f64, part: f64) -> Option<Duration> {
    let mut world = World::new(seed, rate, &Policy::default(), failing(BACKGROUND));
    world.run(2 * MINUTE, |_| false);
    world.opened.clear();
    world.turn(failing(part));
    world.run(HOUR, |world| !world.opened.is_empty())
}

/// How often a model opens within `time`.
pub(crate) fn opens(seed: u64, rate: f64, upstream: Upstream, time: Duration) -> usize {
    let mut world = World::new(seed, rate, &Policy::default(), upstream);
    world.run(time, |_| false);
    world.opened.len()
}

/// Down for `outage`, then well: how long until it is back at its full share.
pub(crate) fn recovery(seed: u64, rate: f64, outage: Duration, policy: &Policy) -> Option<Recovery> {
    let mut world = World::new(seed, rate, policy, failing(0.0));
    world.run(2 * MINUTE, |_| false);
    world.turn(failing(1.0));
    world.run(outage, |_| false);
    world.turn(failing(0.0));
    let took = world.run(HOUR, |world| world.cell().standing().share == FULL_SHARE)?;
    let trips = world.ledger.view(world.now).models[0].trips.max(1);
    let doubled = policy.cooldown().saturating_mul(1 << (trips - 1));
    let allowed = doubled.min(policy.max_cooldown()) + policy.slow_start() + MINUTE;
    Some(Recovery { took, allowed })
}

/// The value below which `part` of all lie.
pub(crate) fn quantile<T: Copy + Ord>(values: &[T], part: f64) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len()) - 1]
}
