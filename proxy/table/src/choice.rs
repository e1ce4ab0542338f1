//! Which targets to ask, in which order: pure ranking over what the cells say.

use std::time::Duration;

use rand::Rng;

use crate::{
    identity::{ModelIndex, RouteIndex},
    moment::Moment,
    standing::{FULL_SHARE, Standing, Verdict},
    topology::{TargetEntry, Topology},
};

/// At most this part of the requests goes to the least bad model when nothing is eligible.
const LAST_RESORT: f64 = 0.10;
/// What to say when nobody knows how long: about one probe.
const UNKNOWN_WAIT: Duration = Duration::from_secs(5);
/// No refusal asks for less.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// As what a request may be sent to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admission {
    /// As an ordinary request.
    Live,
    /// As one of the few that a ramping model takes.
    Canary,
    /// Because nothing better is left.
    LastResort,
}

/// One target that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The model.
    pub model: ModelIndex,
    /// As what.
    pub admission: Admission,
}

/// Why nobody may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Every target is switched off, or unknown to its provider.
    #[error("every target of this route is disabled")]
    AllDisabled,
    /// No target takes requests now.
    #[error("no target of this route takes requests now; try again in {} s", retry_after.as_secs())]
    NothingEligible {
        /// When to try again.
        retry_after: Duration,
    },
    /// No target can do what the request asks for.
    #[error("no target of this route can do what the request asks for")]
    NoCapable,
}

struct Contender {
    target: TargetEntry,
    standing: Standing,
    limited: Option<Duration>,
}

/// Orders a route's targets for one request: switch, verdict, limiter, capability, then preference.
///
/// Weighted targets come first, in a random order true to their weights; the others follow in list
/// order. A degraded or ramping target that loses the draw for its share goes behind all that did not.
/// With nothing eligible, at most one request in ten goes to the least bad target that is not disabled.
///
/// # Errors
/// [`Unavailable`] when there is nobody to ask.
pub fn rank(
    topology: &Topology,
    route: RouteIndex,
    capable: &dyn Fn(ModelIndex) -> bool,
    now: Moment,
    draw: &mut impl Rng,
) -> Result<Vec<Candidate>, Unavailable> {
    let enabled = contenders(topology, route, now);
    if enabled.is_empty() {
        return Err(Unavailable::AllDisabled);
    }
    let able: Vec<Contender> = enabled.into_iter().filter(|one| capable(one.target.model)).collect();
    if able.is_empty() {
        return Err(Unavailable::NoCapable);
    }
    let eligible = able.iter().filter(|one| one.standing.is_eligible() && one.limited.is_none());
    let mut ranked: Vec<(bool, f64, Candidate)> = eligible.map(|one| one.place(draw)).collect();
    if ranked.is_empty() {
        return last_resort(topology, &able, now, draw);
    }
    // Stable, so equal places keep the order of the list.
    ranked.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    Ok(ranked.into_iter().map(|(_, _, candidate)| candidate).collect())
}

fn contenders(topology: &Topology, route: RouteIndex, now: Moment) -> Vec<Contender> {
    let with_facts = |target: &TargetEntry| {
        let cell = &topology[target.model].cell;
        let limited = cell.limited_until().filter(|until| *until > now);
        Contender {
            target: *target,
            standing: cell.standing(),
            limited: limited.map(|until| until.saturating_since(now)),
        }
    };
    let all = topology[route].targets.iter().map(with_facts);
    all.filter(|one| one.standing.verdict != Verdict::Disabled).collect()
}

fn last_resort(
    topology: &Topology,
    able: &[Contender],
    now: Moment,
    draw: &mut impl Rng,
) -> Result<Vec<Candidate>, Unavailable> {
    let score = |one: &&Contender| topology[one.target.model].cell.score();
    let unlimited = able.iter().filter(|one| one.limited.is_none());
    let least_bad = unlimited.min_by(|one, other| score(one).total_cmp(&score(other)));
    match least_bad {
        Some(one) if draw.random_bool(LAST_RESORT) => {
            Ok(vec![Candidate { model: one.target.model, admission: Admission::LastResort }])
        }
        _ => {
            let waits = able.iter().map(|one| one.wait(topology, now));
            let retry_after = waits.min().unwrap_or(UNKNOWN_WAIT).max(LEAST_WAIT);
            Err(Unavailable::NothingEligible { retry_after })
        }
    }
}

// === impl Contender ===

impl Contender {
    /// Sort keys (lost the draw for its share, preference) and the candidate itself.
    fn place(&self, draw: &mut impl Rng) -> (bool, f64, Candidate) {
        let lost = draw.random_range(0..FULL_SHARE) >= self.standing.share;
        // Smallest of exponential variates with rate = weight: a random order true to the weights
        // (Efraimidis and Spirakis, 2006). What has no weight, or none left, waits behind.
        let preference = match self.target.weight {
            Some(weight) if weight > 0 => -(1.0 - draw.random::<f64>()).ln() / f64::from(weight),
            _ => f64::INFINITY,
        };
        let admission =
            if self.standing.verdict == Verdict::Ramping { Admission::Canary } else { Admission::Live };
        (lost, preference, Candidate { model: self.target.model, admission })
    }

    fn wait(&self, topology: &Topology, now: Moment) -> Duration {
        let held = topology[self.target.model].cell.held_until();
        let held = held.map(|until| until.saturating_since(now)).filter(|left| !left.is_zero());
        match (held, self.limited) {
            (Some(held), Some(limited)) => held.max(limited),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => UNKNOWN_WAIT,
        }
    }
}
