//! One exchange with one target, up to the moment when its answer is committed to the caller.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use sidestep_dialect::{Decoder, Degraded, Encoder, Target, classify};
use sidestep_probes::class_of;
use sidestep_table::{Class, Fault};
use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt};

use super::outgoing::{Outgoing, answer_context, outgoing};
use crate::body::{Body, full};
use crate::call::{Admitted, Attempt};
use crate::judge::JudgeHandle;
use crate::metrics::{Metrics, Outcome};
use crate::miss::{Failed, Miss, VendorAnswer};
use crate::relay::{Settlement, StreamBody, Told, Whole, failed, read_capped, whole_answer};

/// The most of an error answer that is read, in bytes.
const ERROR_BYTES: usize = 256 * 1024;
/// The most that is held back before the first meaningful event, in bytes.
const HELD_BYTES: usize = 1024 * 1024;

/// Sends attempts and waits for answers worth committing to.
#[derive(Clone)]
pub struct AttemptService {
    /// Is told how every attempt ended.
    pub judge: JudgeHandle,
    /// Counts what was dropped or repaired on the way.
    pub metrics: Arc<Metrics>,
}

/// An attempt under way.
struct Exchange {
    attempt: Attempt,
    target: Target,
    settlement: Settlement,
    degraded: Vec<Degraded>,
}

impl Service<Admitted> for AttemptService {
    type Response = Response<Body>;
    type Error = Miss;
    type Future = BoxFuture<'static, Result<Response<Body>, Miss>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Miss>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, admitted: Admitted) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let target = admitted.model().target(admitted.call.ask.dialect, &admitted.call.ask.model);
            let outgoing = outgoing(&admitted, &target)?;
            if admitted.repaired {
                this.metrics.history_repaired();
            }
            for lost in &outgoing.degraded {
                this.metrics.degraded(&lost.field);
            }
            let (attempt, settlement) = Settlement::open(admitted, this.judge);
            let Outgoing { request, degraded } = outgoing;
            let exchange = Exchange { attempt, target, settlement, degraded };
            exchange.run(request).await.map_err(Miss::from)
        })
    }
}

impl Exchange {
    async fn run(
        mut self,
        request: http::Request<http_body_util::Full<Bytes>>,
    ) -> Result<Response<Body>, Failed> {
        let patience = self.patience();
        let answered = self.answer(request, patience).await;
        if let Err(failed) = &answered {
            self.settlement.fail(failed);
        }
        let (told, upstream) = match answered? {
            Answer::Whole(whole) => return Ok(self.give_whole(whole)),
            Answer::Stream(told, upstream) => (told, upstream),
        };
        Ok(self.give_stream(told, upstream))
    }

    /// Until when the answer must have begun. A stream shows early whether it is alive. A whole answer comes
    /// at once at its end, so it may take half of what is left, and leaves the other half to another target.
    fn patience(&self) -> Instant {
        let call = &self.attempt.call;
        let now = self.settlement.started();
        if call.ask.stream {
            return call.deadline.min(now + call.route_plan().first_token_timeout);
        }
        now + call.deadline.saturating_duration_since(now) / 2
    }

    async fn answer(
        &mut self,
        request: http::Request<http_body_util::Full<Bytes>>,
        patience: Instant,
    ) -> Result<Answer, Failed> {
        let transport = self.attempt.model().upstream.transport();
        let response = match timeout_at(patience, transport.oneshot(request)).await {
            Err(_) => return Err(Failed::fault(Fault::FirstTokenTimeout)),
            Ok(Err(error)) if error.local => {
                tracing::warn!(%error, "this machine kept an attempt from being sent");
                return Err(Failed { class: Class::Local, failure: None, answer: None });
            }
            Ok(Err(error)) => {
                tracing::debug!(model = %self.attempt.model().id, %error, "no response head");
                return Err(Failed::fault(error.fault));
            }
            Ok(Ok(response)) => response,
        };
        if response.status() != StatusCode::OK {
            return Err(self.vendor_error(response, patience).await);
        }
        let is_stream = content_type(&response).starts_with("text/event-stream");
        match (self.attempt.call.ask.stream, is_stream) {
            (true, true) => self.begin(response.into_body(), patience).await,
            // An error behind a 200, most likely; whatever it is, it is not the stream that was asked for.
            (true, false) => Err(self.no_stream(response, patience).await),
            (false, _) => self.whole(response, patience).await,
        }
    }

    async fn vendor_error(&self, response: Response<Body>, patience: Instant) -> Failed {
        let (head, body) = response.into_parts();
        let read = read_capped(body, ERROR_BYTES, patience).await;
        let body = read.unwrap_or_default();
        let failure = classify(self.target.dialect, head.status.as_u16(), &head.headers, &body);
        let class = class_of(&failure);
        let (dialect, status, headers) = (self.target.dialect, head.status, head.headers);
        let answer = (class == Class::Client).then(|| VendorAnswer { dialect, status, headers, body });
        let answer = answer.map(Box::new);
        Failed { class, failure: Some(failure), answer }
    }

    async fn no_stream(&self, response: Response<Body>, patience: Instant) -> Failed {
        let limit = self.attempt.call.catalog.limits.answer_bytes;
        let body = match read_capped(response.into_body(), limit, patience).await {
            Ok(body) => body,
            Err(fault) => return Failed::fault(fault),
        };
        let from = (self.target.dialect, self.target.flavor);
        match whole_answer(from, self.target.dialect, body, &answer_context(&self.attempt, &self.target)) {
            Ok(_) => Failed::fault(Fault::Broken),
            Err(failed) => failed,
        }
    }

    async fn whole(&self, response: Response<Body>, patience: Instant) -> Result<Answer, Failed> {
        let call = &self.attempt.call;
        let limit = call.catalog.limits.answer_bytes;
        let body = read_capped(response.into_body(), limit, patience).await.map_err(Failed::fault)?;
        let from = (self.target.dialect, self.target.flavor);
        let context = answer_context(&self.attempt, &self.target);
        whole_answer(from, call.ask.dialect, body, &context).map(Answer::Whole)
    }

    /// Reads until the first meaningful event. Up to there another target can still answer unnoticed.
    async fn begin(&mut self, mut upstream: Body, patience: Instant) -> Result<Answer, Failed> {
        let mut told = self.teller();
        while !told.is_meaningful() && !told.is_finished() {
            let frame = timeout_at(patience, upstream.frame())
                .await
                .map_err(|_| Failed::fault(Fault::FirstTokenTimeout))?;
            let taken = match frame {
                Some(Ok(frame)) => frame.into_data().map_or(Ok(()), |chunk| told.take(chunk)),
                Some(Err(_)) | None => told.end(),
            };
            match taken {
                // What came before the break is meaningful: it is committed, and the break is told in the stream.
                Err(fault) if told.is_meaningful() => told.hold_break(fault),
                taken => taken.map_err(|fault| failed(&fault))?,
            }
            if told.buffered() > HELD_BYTES {
                return Err(Failed::fault(Fault::Broken));
            }
        }
        self.settlement.begun();
        Ok(Answer::Stream(Box::new(told), upstream))
    }

    fn teller(&self) -> Told {
        let call = &self.attempt.call;
        let decoder = Decoder::new(self.target.dialect, self.target.flavor);
        let encoder = (self.target.dialect != call.ask.dialect)
            .then(|| Encoder::new(call.ask.dialect, answer_context(&self.attempt, &self.target)));
        Told::new(call.ask.dialect, decoder, encoder, call.catalog.limits.event_bytes)
    }

    fn give_whole(mut self, whole: Whole) -> Response<Body> {
        let call = self.attempt.call.clone();
        call.story.used(whole.facts.usage);
        self.served();
        self.settlement.complete(&whole.facts.usage);
        call.story.end(Outcome::Answered);
        respond("application/json", full(whole.body))
    }

    fn give_stream(mut self, told: Box<Told>, upstream: Body) -> Response<Body> {
        self.served();
        let body = StreamBody::new(upstream, told, self.settlement, &self.attempt.call);
        respond("text/event-stream; charset=utf-8", body.boxed_unsync())
    }

    fn served(&mut self) {
        let call = &self.attempt.call;
        let sent_after = self.settlement.started().saturating_duration_since(call.arrived);
        let degraded = std::mem::take(&mut self.degraded);
        call.story.served(self.attempt.model().id.clone(), sent_after, degraded);
    }
}

enum Answer {
    Whole(Whole),
    Stream(Box<Told>, Body),
}

fn content_type(response: &Response<Body>) -> &str {
    response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn respond(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
