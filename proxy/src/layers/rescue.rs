//! Gives the caller what attempts bring, and stands by until the last byte of it.

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
use crate::refusal::Refusal;
use crate::relay::{Answered, StreamBody};

/// Makes `Rescue`.
#[derive(Clone, Copy)]
pub struct RescueLayer;

/// Turns what an attempt brings into a response.
#[derive(Clone)]
pub struct Rescue<S> {
    inner: S,
}

pin_project! {
    /// A call on its way to its answer.
    pub struct Answering<F> {
        #[pin]
        answered: F,
        call: Arc<Call>,
    }
}

impl<S> Layer<S> for RescueLayer {
    type Service = Rescue<S>;

    fn layer(&self, inner: S) -> Rescue<S> {
        Rescue { inner }
    }
}

impl<S> Service<Plan> for Rescue<S>
where
    S: Service<Plan, Response = Answered, Error = Refusal>,
{
    type Response = Response<Body>;
    type Error = Refusal;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, plan: Plan) -> Self::Future {
        let call = plan.call.clone();
        Answering { answered: self.inner.call(plan), call }
    }
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Answered, Refusal>>,
{
    type Output = Result<Response<Body>, Refusal>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(match ready!(this.answered.poll(cx))? {
            Answered::Whole(response) => Ok(response),
            Answered::Live(live) => {
                let body = StreamBody::new(live, this.call.clone());
                Ok(respond(EVENT_STREAM, body.boxed_unsync()))
            }
        })
    }
}
