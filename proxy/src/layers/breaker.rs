//! Takes a place at the target, or says at once that there is none.

use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use sidestep_table::{Admission, Busy, PermitKind};
use tower::{Layer, Service};

use crate::call::{Admitted, Attempt};
use crate::miss::Miss;

/// Makes `Breaker`.
#[derive(Clone, Copy)]
pub struct BreakerLayer;

/// Admits attempts to targets whose verdict still allows them.
#[derive(Clone)]
pub struct Breaker<S> {
    inner: S,
}

impl<S> Layer<S> for BreakerLayer {
    type Service = Breaker<S>;

    fn layer(&self, inner: S) -> Breaker<S> {
        Breaker { inner }
    }
}

impl<S> Service<Attempt> for Breaker<S>
where
    S: Service<Admitted, Error = Miss>,
{
    type Response = S::Response;
    type Error = Miss;
    type Future = Either<Ready<Result<S::Response, Miss>>, S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Miss>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let kind = match attempt.admission {
            Admission::Live => PermitKind::Live,
            Admission::Canary => PermitKind::Canary,
            Admission::LastResort => PermitKind::LastResort,
        };
        match attempt.model().cell.admit(kind, attempt.call.priority) {
            Ok(permit) => Either::Right(self.inner.call(Admitted { attempt, permit })),
            Err(Busy::Full { .. }) => Either::Left(ready(Err(Miss::Full))),
            // The plan may be older than a verdict or a switch: what counts is what the table says now.
            Err(Busy::Disabled | Busy::Closed) => Either::Left(ready(Err(Miss::Closed))),
        }
    }
}
