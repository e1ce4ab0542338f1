//! The figures that the health model promises, one seed at a time.

use std::time::Duration;

use sidestep_table::{FULL_SHARE, Policy, Verdict};

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

/// What one continuous outage came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// How often users were taken away.
    pub(crate) opens: usize,
    /// Of the users who came after the first opening, the part that was sent to the ill model all the same.
    pub(crate) sent: f64,
    /// From the true end until it was healthy for good.
    pub(crate) back: Duration,
    /// Probes sent, an hour.
    pub(crate) probes: f64,
}

/// `part` of the requests fails for `outage`, and 2 % before and after; `None` when it was never noticed.
pub(crate) fn course(seed: u64, rate: f64, part: f64, outage: Duration) -> Option<Course> {
    let mut world = World::new(seed, rate, &Policy::default(), failing(BACKGROUND));
    world.run(2 * MINUTE, |_| false);
    let end = world.now + outage;
    world.lost.clear();
    world.turn(failing(part));
    world.run(outage, |world| !world.lost.is_empty())?;
    let left = end.saturating_since(world.now);
    (world.came, world.sent, world.probed) = (0, 0, 0);
    world.run(left, |_| false);
    let (opens, sent) = (world.lost.len(), world.sent as f64 / world.came.max(1) as f64);
    let probes = world.probed as f64 / left.as_secs_f64().max(1.0) * 3600.0;
    world.turn(failing(BACKGROUND));
    let well =
        |world: &World| matches!(world.cell().standing().verdict, Verdict::Healthy | Verdict::Degraded);
    let back = world.run(HOUR, well).unwrap_or(HOUR);
    Some(Course { opens, sent, back, probes })
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
