//! Gives the caller of a stream signs of life when its answer is late to begin.
//!
//! The first byte commits the status, so the caller is kept waiting in silence for as long as most failures need to
//! be got around: afterwards a refusal can only be told inside the stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::Either;
use http::Response;
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use sidestep_dialect::{Dialect, keep_alive, write_stream_error};
use tokio::time::{Instant, Sleep, sleep};
use tower::{Layer, Service};

use super::attempt::{EVENT_STREAM, respond};
use super::observe::outcome;
use super::respond::form;
use crate::body::{Body, BoxError};
use crate::call::Call;
use crate::label::comment;
use crate::refusal::Refusal;
use crate::story::Story;

/// Between two signs of life. Read timeouts are seldom below 10 s.
const BEAT: Duration = Duration::from_secs(5);

/// Makes `Hold`.
#[derive(Clone, Copy)]
pub struct HoldLayer;

/// Holds back the head of an answer, and gives it without the answer when that takes too long.
#[derive(Clone)]
pub struct Hold<S> {
    inner: S,
}

/// Whose answer is waited for.
struct Caller {
    dialect: Dialect,
    id: Arc<str>,
    story: Arc<Story>,
}

pin_project! {
    /// An answer that is waited for before its head is given.
    pub struct Holding<F> {
        waiting: Option<(Pin<Box<F>>, Caller)>,
        #[pin]
        patience: Sleep,
    }
}

/// A body whose answer has not begun.
struct Held<F> {
    answer: Answer<F>,
    caller: Caller,
    beat: Pin<Box<Sleep>>,
}

enum Answer<F> {
    Awaited(Pin<Box<F>>),
    Begun(Body),
    Refused,
}

impl<S> Layer<S> for HoldLayer {
    type Service = Hold<S>;

    fn layer(&self, inner: S) -> Hold<S> {
        Hold { inner }
    }
}

impl<S> Service<Call> for Hold<S>
where
    S: Service<Call, Response = Response<Body>, Error = Refusal>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Refusal;
    type Future = Either<S::Future, Holding<S::Future>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let patience = call.route_plan().hold;
        // A whole answer has no form in which it could be waited for.
        if !call.ask.stream || patience.is_zero() {
            return Either::Left(self.inner.call(call));
        }
        let caller = Caller { dialect: call.ask.dialect, id: call.id.clone(), story: call.story.clone() };
        let answer = Box::pin(self.inner.call(call));
        Either::Right(Holding { waiting: Some((answer, caller)), patience: sleep(patience) })
    }
}

impl<F> Future for Holding<F>
where
    F: Future<Output = Result<Response<Body>, Refusal>> + Send + 'static,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some((answer, _)) = this.waiting
            && let Poll::Ready(answered) = answer.as_mut().poll(cx)
        {
            *this.waiting = None;
            return Poll::Ready(answered);
        }
        ready!(this.patience.poll(cx));
        let Some((answer, caller)) = this.waiting.take() else { return Poll::Pending };
        caller.story.hold();
        // The first sign of life goes at once.
        let beat = Box::pin(sleep(Duration::ZERO));
        let held = Held { answer: Answer::Awaited(answer), caller, beat };
        Poll::Ready(Ok(respond(EVENT_STREAM, held.boxed_unsync())))
    }
}

impl<F> Held<F>
where
    F: Future<Output = Result<Response<Body>, Refusal>>,
{
    /// What the caller hears in place of an answer that has not begun.
    fn poll_awaited(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Answer::Awaited(answer) = &mut self.answer else { return Poll::Ready(None) };
        match answer.as_mut().poll(cx) {
            Poll::Ready(Ok(response)) => {
                self.answer = Answer::Begun(response.into_body());
                Poll::Ready(Some(comment(&self.caller.story.read())))
            }
            Poll::Ready(Err(refusal)) => {
                self.answer = Answer::Refused;
                Poll::Ready(Some(self.caller.refused(&refusal)))
            }
            Poll::Pending => {
                ready!(self.beat.as_mut().poll(cx));
                self.beat.as_mut().reset(Instant::now() + BEAT);
                Poll::Ready(Some(Bytes::from_static(keep_alive(self.caller.dialect))))
            }
        }
    }
}

impl Caller {
    /// The refusal as an event; what its head would have said goes before it, for nothing may follow.
    fn refused(&self, refusal: &Refusal) -> Bytes {
        self.story.refuse(outcome(refusal), refusal.reason());
        let error = write_stream_error(self.dialect, &form(refusal, &self.id));
        [comment(&self.story.read()), error].concat().into()
    }
}

impl<F> HttpBody for Held<F>
where
    F: Future<Output = Result<Response<Body>, Refusal>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match &mut this.answer {
            Answer::Begun(body) => Pin::new(body).poll_frame(cx),
            Answer::Refused => Poll::Ready(None),
            Answer::Awaited(_) => this.poll_awaited(cx).map(|said| said.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }
}

#[cfg(test)]
mod tests;
