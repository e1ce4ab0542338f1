//! Orders the route's targets for one call.

use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use sidestep_dialect::{Gate, gate};
use sidestep_table::{Candidate, ModelIndex, Standing, Unavailable, Verdict, rank};
use tower::{Layer, Service};

use crate::call::{Call, Plan};
use crate::clock::Clock;
use crate::config::OnLossy;
use crate::refusal::Refusal;

/// Makes `Choose`.
#[derive(Clone)]
pub struct ChooseLayer {
    /// Tells which limiters are still closed.
    pub clock: Clock,
}

/// Turns a call into a plan: which targets, in which order, on which terms.
#[derive(Clone)]
pub struct Choose<S> {
    inner: S,
    clock: Clock,
}

impl<S> Layer<S> for ChooseLayer {
    type Service = Choose<S>;

    fn layer(&self, inner: S) -> Choose<S> {
        Choose { inner, clock: self.clock }
    }
}

impl<S> Service<Call> for Choose<S>
where
    S: Service<Plan, Error = Refusal>,
{
    type Response = S::Response;
    type Error = Refusal;
    type Future = Either<Ready<Result<S::Response, Refusal>>, S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        match candidates(&call, &self.clock) {
            Ok(candidates) => Either::Right(self.inner.call(Plan { call: call.into(), candidates })),
            Err(refusal) => {
                call.route_plan().metrics.shed(call.priority, refusal.reason());
                Either::Left(ready(Err(refusal)))
            }
        }
    }
}

/// The targets that can answer `call`, the one to be asked first in front.
///
/// # Errors
/// When there is nobody to ask.
pub(super) fn ranked(call: &Call, clock: &Clock) -> Result<Vec<Candidate>, Unavailable> {
    let capable = |model| has_key(call, model) && obstacle(call, model).is_none();
    rank(&call.catalog.topology, call.route, &capable, clock.now(), &mut call.dice.throw())
}

fn has_key(call: &Call, model: ModelIndex) -> bool {
    !call.catalog.model(model).upstream.lacks_key()
}

fn candidates(call: &Call, clock: &Clock) -> Result<Vec<Candidate>, Refusal> {
    let keyed = |model| has_key(call, model);
    let candidates = ranked(call, clock).map_err(|unavailable| match unavailable {
        Unavailable::AllDisabled => Refusal::SwitchedOff,
        Unavailable::NothingEligible { retry_after } => Refusal::NothingEligible { retry_after },
        Unavailable::NoCapable if !targets(call).any(keyed) => Refusal::NoKey,
        Unavailable::NoCapable => Refusal::Incapable { features: obstacles(call) },
    })?;
    if let Some(reason) = passed_over(call, candidates.first().map(|first| first.model), clock) {
        call.story.fall_back(reason);
    }
    Ok(candidates)
}

/// The feature of the call that keeps `model` from answering it, if any.
fn obstacle(call: &Call, model: ModelIndex) -> Option<&'static str> {
    let target = call.catalog.model(model).target(call.ask.dialect, &call.ask.model);
    if target.dialect == call.ask.dialect && target.model == call.ask.model {
        // Exactly what the application asked for: its own provider decides what it can do.
        return None;
    }
    match gate(&call.ask, &target) {
        Gate::Skip { feature } => Some(feature),
        Gate::Pass { degraded } if degraded.is_empty() => None,
        Gate::Pass { .. } if call.route_plan().on_lossy == OnLossy::Drop => None,
        Gate::Pass { degraded } => degraded.first().map(|lost| lost.reason),
    }
}

fn targets(call: &Call) -> impl Iterator<Item = ModelIndex> {
    call.catalog.topology.routes[call.route.get()].targets.iter().map(|target| target.model)
}

fn obstacles(call: &Call) -> Vec<&'static str> {
    let mut features: Vec<_> = targets(call).filter_map(|model| obstacle(call, model)).collect();
    features.sort_unstable();
    features.dedup();
    features
}

/// Why the route's first choice is not asked first. Weighted routes have no first choice.
fn passed_over(call: &Call, first: Option<ModelIndex>, clock: &Clock) -> Option<&'static str> {
    let topology = &call.catalog.topology;
    let preferred = topology.routes[call.route.get()].targets.first()?;
    if preferred.weight.is_some() || Some(preferred.model) == first {
        return None;
    }
    let cell = &topology.models[preferred.model.get()].cell;
    let Standing { verdict, masked, .. } = cell.standing();
    Some(match verdict {
        Verdict::Disabled => "disabled",
        _ if masked => "provider_open",
        Verdict::Open => "open",
        Verdict::HalfOpen => "half_open",
        _ if call.catalog.model(preferred.model).upstream.lacks_key() => "auth",
        _ if cell.limited_until().is_some_and(|until| until > clock.now()) => "rate_limited",
        _ if obstacle(call, preferred.model).is_some() => "capability",
        Verdict::Ramping => "ramping",
        Verdict::Degraded => "degraded",
        Verdict::Healthy => "full",
    })
}
