//! Refuses early what nobody could take: a refusal in a millisecond beats one after a timeout.

use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use sidestep_table::{Priority, Verdict};
use tower::{Layer, Service};

use crate::call::Call;
use crate::refusal::Refusal;

/// Makes `Shed`.
#[derive(Clone, Copy)]
pub struct ShedLayer;

/// Lets a call through when at least one of its targets is switched on and has room for its priority.
#[derive(Clone)]
pub struct Shed<S> {
    inner: S,
}

impl<S> Layer<S> for ShedLayer {
    type Service = Shed<S>;

    fn layer(&self, inner: S) -> Shed<S> {
        Shed { inner }
    }
}

impl<S> Service<Call> for Shed<S>
where
    S: Service<Call, Error = Refusal>,
{
    type Response = S::Response;
    type Error = Refusal;
    type Future = Either<Ready<Result<S::Response, Refusal>>, S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        match refusal(&call) {
            Some(refusal) => {
                call.route_plan().metrics.shed(call.priority, refusal.reason());
                Either::Left(ready(Err(refusal)))
            }
            None => Either::Right(self.inner.call(call)),
        }
    }
}

fn refusal(call: &Call) -> Option<Refusal> {
    let topology = &call.catalog.topology;
    let targets = &topology.routes[call.route.get()].targets;
    let cells = || targets.iter().map(|target| &topology.models[target.model.get()].cell);
    let mut switched_on = cells().filter(|cell| cell.standing().verdict != Verdict::Disabled).peekable();
    if switched_on.peek().is_none() {
        return Some(Refusal::SwitchedOff);
    }
    let room = switched_on.any(|cell| cell.has_room(call.priority));
    if room {
        return None;
    }
    Some(Refusal::Full { batch: call.priority == Priority::Batch })
}
