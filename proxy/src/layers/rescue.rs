//! Gives the caller what attempts bring, and asks another target for the rest of a stream that breaks.
//!
//! The rest is asked for on the ordinary road: the same candidates, budget, places, hedges and settlements as for any
//! other call. Only where it is asked differs: not at the provider that has just broken off, as long as there is
//! another one.

mod rest;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::attempt::{EVENT_STREAM, respond};
use crate::body::Body;
use crate::call::{Call, Plan};
use crate::clock::Clock;
use crate::refusal::Refusal;
use crate::relay::{Answered, StreamBody};
use rest::Rescuer;

/// Makes `Rescue`.
#[derive(Clone, Copy)]
pub struct RescueLayer {
    /// For the budget's slots.
    pub clock: Clock,
}

/// Turns what an attempt brings into a response that stands by the caller to its last byte.
#[derive(Clone)]
pub struct Rescue<S> {
    inner: S,
    clock: Clock,
}

pin_project! {
    /// A call on its way to its answer.
    pub struct Answering<F, S> {
        #[pin]
        answered: F,
        // Taken when the answer has come.
        rescuer: Option<Rescuer<S>>,
    }
}

impl<S> Layer<S> for RescueLayer {
    type Service = Rescue<S>;

    fn layer(&self, inner: S) -> Rescue<S> {
        Rescue { inner, clock: self.clock }
    }
}

impl<S> Service<Plan> for Rescue<S>
where
    S: Service<Plan, Response = Answered, Error = Refusal> + Clone + Send + Unpin + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Refusal;
    type Future = Answering<S::Future, S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, plan: Plan) -> Self::Future {
        let rescuer = Rescuer { inner: self.inner.clone(), clock: self.clock, call: plan.call.clone() };
        Answering { answered: self.inner.call(plan), rescuer: Some(rescuer) }
    }
}

impl<F, S> Future for Answering<F, S>
where
    F: Future<Output = Result<Answered, Refusal>>,
    S: Service<Plan, Response = Answered, Error = Refusal> + Send + Unpin + 'static,
    S::Future: Send,
{
    type Output = Result<Response<Body>, Refusal>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answered = ready!(this.answered.poll(cx))?;
        Poll::Ready(match (answered, this.rescuer.take()) {
            (Answered::Whole(response), _) => Ok(response),
            (Answered::Live(live), Some(rescuer)) => {
                let call: Arc<Call> = rescuer.call.clone();
                let rescuer = Some(rescuer).filter(|_| call.route_plan().rescue);
                let body = StreamBody::new(live, call, rescuer);
                Ok(respond(EVENT_STREAM, body.boxed_unsync()))
            }
            // A future is not polled again after it was ready.
            (Answered::Live(_), None) => return Poll::Pending,
        })
    }
}
