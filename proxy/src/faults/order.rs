//! What an operator asks for, and why it may be refused.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sidestep_table::{Moment, Standing, Subject, Topology, Verdict};

use super::{Disturbance, Rehearsal};
use crate::config::FaultsConfig;
use crate::metrics::Metrics;
use crate::operator::{ACTOR, BadLine, REASON, UnknownName, line, subject};

/// The body of `POST /faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// A provider's or a model's name.
    pub(super) subject: String,
    /// What it does.
    pub(super) fault: Disturbance,
    /// The part of attempts that it hits; all that is allowed, if it is not said.
    pub(super) rate: Option<f64>,
    /// How long it lasts.
    pub(super) for_seconds: u64,
    /// Why.
    pub(super) reason: String,
    /// By whom.
    pub(super) actor: String,
    /// Even if nobody well is left on a route.
    #[serde(default)]
    pub(super) even_all: bool,
}

/// Why a fault was not set or cleared.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The configuration says no.
    #[error("rehearsals are not allowed here: the configuration has to say `faults: {{ allow: true }}`")]
    NotAllowed,
    /// More than the configuration allows.
    #[error("{0}")]
    OverCap(String),
    /// Nothing that could be done.
    #[error("{0}")]
    Invalid(String),
    /// No such provider or model.
    #[error("{0}")]
    Unknown(String),
    /// Nobody well would be left.
    #[error(
        "the route `{0}` would have no healthy model left that is not rehearsed; say --even-all (`even_all`) to do \
         it nevertheless"
    )]
    LastWell(Arc<str>),
    /// Too many at once.
    #[error("{0} rehearsals are in force already; end one of them first")]
    TooMany(usize),
    /// There is nothing to clear.
    #[error("no rehearsal is in force{0}")]
    NotSet(String),
}

impl Order {
    pub(super) fn checked(
        self,
        allowed: &FaultsConfig,
        topology: &Topology,
        (now, metrics): (Moment, &Metrics),
    ) -> Result<Rehearsal, Refused> {
        let subject = subject(&self.subject, topology)?;
        if let Some(objection) = self.fault.objection() {
            return Err(Refused::Invalid(objection));
        }
        let rate = self.rate.unwrap_or(allowed.max_rate);
        if !(rate > 0.0 && rate <= 1.0) {
            return Err(Refused::Invalid("a rate is above 0 and at most 1".to_owned()));
        }
        if rate > allowed.max_rate {
            let most = allowed.max_rate;
            return Err(Refused::OverCap(format!("the rate is {most} at most (faults.max_rate)")));
        }
        let length = Duration::from_secs(self.for_seconds);
        if length.is_zero() {
            return Err(Refused::Invalid("a rehearsal lasts a second at least".to_owned()));
        }
        if length > allowed.max_duration {
            let most = allowed.max_duration;
            return Err(Refused::OverCap(format!("it lasts {most:?} at most (faults.max_duration)")));
        }
        let provider = owner(&subject, topology).ok_or_else(|| Refused::Unknown(self.subject.clone()))?;
        Ok(Rehearsal {
            metrics: metrics.provider(&provider),
            provider,
            subject,
            disturbance: self.fault,
            rate,
            reason: line("reason", &self.reason, REASON)?,
            actor: line("actor", &self.actor, ACTOR)?,
            even_all: self.even_all,
            since: now,
            until: now + length,
            over: Default::default(),
            met: Default::default(),
            injected: Default::default(),
        })
    }
}

/// The provider that a subject belongs to.
pub(super) fn owner(subject: &Subject, topology: &Topology) -> Option<sidestep_table::ProviderId> {
    match subject {
        Subject::Provider(id) => topology.provider(id).map(|index| topology[index].id.clone()),
        Subject::Model(id) => topology.model(id).map(|index| topology[topology[index].provider].id.clone()),
    }
}

/// A route that rehearsals hit and that has no other target of which `well` holds.
pub(super) fn bereft<'a>(
    topology: &Topology,
    set: impl Iterator<Item = &'a Rehearsal> + Clone,
    well: impl Fn(Standing) -> bool,
) -> Option<Arc<str>> {
    let hit = |model: sidestep_table::ModelIndex| {
        let model = &topology[model];
        let provider = &topology[model.provider].id;
        set.clone().any(|rehearsal| rehearsal.concerns(provider, Some(&model.id)))
    };
    let bereft = topology.routes.iter().find(|route| {
        let mut targets = route.targets.iter();
        let sound = |model| !hit(model) && well(topology[model].cell.standing());
        targets.clone().any(|target| hit(target.model)) && !targets.any(|target| sound(target.model))
    });
    bereft.map(|route| route.pattern.clone())
}

/// Fit to carry a route alone.
pub(super) fn is_healthy(standing: Standing) -> bool {
    standing.verdict == Verdict::Healthy && !standing.masked
}

/// Still takes calls.
pub(super) fn takes_calls(standing: Standing) -> bool {
    matches!(standing.verdict, Verdict::Healthy | Verdict::Degraded | Verdict::Ramping) && !standing.masked
}

impl From<UnknownName> for Refused {
    fn from(unknown: UnknownName) -> Refused {
        Refused::Unknown(unknown.to_string())
    }
}

impl From<BadLine> for Refused {
    fn from(bad: BadLine) -> Refused {
        Refused::Invalid(bad.to_string())
    }
}
