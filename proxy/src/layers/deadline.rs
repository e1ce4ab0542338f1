//! One deadline over all attempts, for the time until the answer begins.

use std::task::{Context, Poll};

use futures_util::TryFutureExt;
use futures_util::future::{AndThen, MapErr, Ready, ready};
use tokio::time::{Timeout, error::Elapsed, timeout_at};
use tower::{Layer, Service};

use crate::call::Call;
use crate::refusal::Refusal;

/// Makes `Deadline`.
#[derive(Clone, Copy)]
pub struct DeadlineLayer;

/// Ends calls whose time is up.
#[derive(Clone)]
pub struct Deadline<S> {
    inner: S,
}

type Flatten<T> = fn(Result<T, Refusal>) -> Ready<Result<T, Refusal>>;

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner }
    }
}

impl<S> Service<Call> for Deadline<S>
where
    S: Service<Call, Error = Refusal>,
{
    type Response = S::Response;
    type Error = Refusal;
    type Future = AndThen<
        MapErr<Timeout<S::Future>, fn(Elapsed) -> Refusal>,
        Ready<Result<S::Response, Refusal>>,
        Flatten<S::Response>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let expired: fn(Elapsed) -> Refusal = |_| Refusal::Deadline;
        timeout_at(call.deadline, self.inner.call(call)).map_err(expired).and_then(ready)
    }
}
