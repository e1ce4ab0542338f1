//! Asks a second target when the first is later than its own history allows.
//!
//! After Dean and Barroso, "The Tail at Scale" (CACM 56/2, 2013): wait for the tail of the first request's
//! distribution, then ask once more, and cancel the loser.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use sidestep_table::{Admission, Candidate, ModelIndex, Verdict};
use tokio::time::sleep;
use tower::{Layer, Service};

use super::fare::{Fare, is_free};
use crate::call::{Attempt, Call};
use crate::clock::Clock;
use crate::miss::Miss;
use crate::relay::Answered;

/// How long a model without a history may be silent.
const UNKNOWN: Duration = Duration::from_secs(5);
/// Nothing below this is late, however quick the model usually is.
const FLOOR: Duration = Duration::from_secs(1);
/// A whole answer comes at its end, so its silence says nothing, but for that of a target that the table gave up.
const WHOLE: Duration = Duration::from_secs(10);
/// Who may not ask the stand-in yet looks again after this long, for as long as the first target is silent.
const AGAIN: Duration = Duration::from_secs(1);

/// Makes `Hedge`.
#[derive(Clone)]
pub struct HedgeLayer {
    /// For the budget's slots.
    pub clock: Clock,
}

/// Races a late attempt against its stand-in. The first meaningful event wins.
#[derive(Clone)]
pub struct Hedge<S> {
    inner: S,
    clock: Clock,
}

impl<S> Layer<S> for HedgeLayer {
    type Service = Hedge<S>;

    fn layer(&self, inner: S) -> Hedge<S> {
        Hedge { inner, clock: self.clock }
    }
}

impl<S> Service<Attempt> for Hedge<S>
where
    S: Service<Attempt, Response = Answered, Error = Miss> + Clone + Send + 'static,
    S::Future: Send + Unpin,
{
    type Response = Answered;
    type Error = Miss;
    type Future = Either<S::Future, BoxFuture<'static, Result<Answered, Miss>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Miss>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let standby = attempt.standby.filter(|standby| is_well(&attempt.call, *standby));
        let Some(standby) = standby else { return Either::Left(self.inner.call(attempt)) };
        let second = Second {
            call: attempt.call.clone(),
            target: attempt.target,
            standby,
            clock: self.clock,
            hedge: Fare::default(),
            denied: false,
        };
        let patience = patience(&attempt);
        let race = Race { first: self.inner.call(attempt), inner: self.inner.clone(), second, patience };
        Either::Right(Box::pin(race.run()))
    }
}

struct Race<S, F> {
    first: F,
    inner: S,
    second: Second,
    patience: Duration,
}

/// The second target, which may have to wait for leave to be asked.
struct Second {
    call: Arc<Call>,
    /// Who was asked first.
    target: ModelIndex,
    standby: Candidate,
    clock: Clock,
    /// One of the route's hedges, once it was granted.
    hedge: Fare,
    /// It was not granted before. One hedge that was not made is counted once, however often it is asked for.
    denied: bool,
}

impl<S, F> Race<S, F>
where
    S: Service<Attempt, Response = Answered, Error = Miss, Future = F>,
    F: Future<Output = Result<Answered, Miss>> + Unpin,
{
    async fn run(mut self) -> Result<Answered, Miss> {
        let (mut first, mut second) = (self.first, self.second);
        loop {
            let wait = if second.denied { AGAIN } else { self.patience };
            first = match select(first, std::pin::pin!(sleep(wait))).await {
                Either::Left((answered, _)) => return answered,
                Either::Right(((), first)) => first,
            };
            if second.may_be_asked() {
                break;
            }
            second.denied = true;
        }
        let call = second.call.clone();
        match select(first, self.inner.call(second.attempt())).await {
            Either::Left((Ok(answer), _loser)) => {
                call.route_plan().metrics.hedged(false);
                Ok(answer)
            }
            // Whoever asks goes on from the first target, so it is the first one's failure that counts.
            Either::Left((Err(missed), _)) if is_final(&missed) => Err(missed),
            Either::Left((Err(missed), second)) => second_has_it(&call, second.await).map_err(|_| missed),
            Either::Right((Err(_), first)) => first.await,
            Either::Right((answered, _loser)) => second_has_it(&call, answered),
        }
    }
}

impl Second {
    /// Looks once more: in the time that the first target took, others may have fallen ill or filled up.
    ///
    /// When the table has given up the first target meanwhile, the call is moved, and not hedged any more: the first
    /// move to another provider is free.
    fn may_be_asked(&mut self) -> bool {
        let (call, standby) = (&self.call, self.standby);
        let has_room = call.catalog.model(standby.model).cell.has_room(call.priority);
        if !has_room || !is_well(call, standby) || call.story.attempts() >= call.max_attempts() {
            return false;
        }
        let given_up = !call.catalog.model(self.target).cell.standing().is_eligible();
        if given_up && is_free(call, call.catalog.provider_of(standby.model)) {
            return true;
        }
        (given_up || call.ask.stream) && self.is_paid(given_up)
    }

    /// A hedge is one of the few that the route may make, and is paid for like any further attempt.
    fn is_paid(&mut self, given_up: bool) -> bool {
        let (call, now) = (&self.call, self.clock.now());
        let hedges = call.route_plan().hedges.as_ref();
        let granted =
            given_up || hedges.is_some_and(|hedges| self.hedge.paid_for(|| hedges.try_withdraw(now)));
        let paid = granted && call.budget().try_withdraw(now);
        if !paid && !self.denied && (given_up || hedges.is_some()) {
            call.route_plan().metrics.budget_exhausted();
        }
        paid
    }

    fn attempt(self) -> Attempt {
        Attempt {
            call: self.call,
            target: self.standby.model,
            admission: self.standby.admission,
            repaired: false,
            standby: None,
        }
    }
}

/// The request itself is at fault: no other target's answer need be waited for.
fn is_final(missed: &Miss) -> bool {
    matches!(missed, Miss::Failed(failed) if failed.is_final())
}

fn second_has_it(call: &Call, answered: Result<Answered, Miss>) -> Result<Answered, Miss> {
    if answered.is_ok() {
        call.story.fall_back("late");
        call.route_plan().metrics.hedged(true);
    }
    answered
}

/// Twice the 95th percentile of the model's own history.
fn patience(attempt: &Attempt) -> Duration {
    if !attempt.call.ask.stream {
        return WHOLE;
    }
    let history = attempt.model().cell.first_token();
    history.p95().map_or(UNKNOWN, |p95| (p95 * 2).max(FLOOR))
}

/// A stand-in must not be in doubt itself: hedging against a sick model only adds load to it.
pub(super) fn is_well(call: &Call, standby: Candidate) -> bool {
    let standing = call.catalog.model(standby.model).cell.standing();
    standby.admission == Admission::Live && standing.verdict == Verdict::Healthy && !standing.masked
}

/// The next candidate of another provider than `model`'s that an earlier hedge has not asked already.
pub(super) fn standby(call: &Call, model: ModelIndex, rest: &[Candidate]) -> Option<Candidate> {
    let home = call.catalog.provider_of(model);
    let fresh = |candidate: &Candidate| !call.story.has_asked(&call.catalog.model(candidate.model).id);
    let mut elsewhere = rest.iter().filter(|candidate| call.catalog.provider_of(candidate.model) != home);
    elsewhere.find(|candidate| fresh(candidate)).copied()
}

#[cfg(test)]
mod tests;
