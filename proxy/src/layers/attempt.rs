//! One exchange with one target, up to the moment when its answer is committed to the caller.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt;
use sidestep_dialect::{Decoder, Degraded, Encoder, Journal, Target, classify};
use sidestep_probes::class_of;
use sidestep_table::{Class, Fault};
use tokio::time::{Instant, timeout_at};
use tower::Service;

use super::outgoing::{Outgoing, outgoing};
use crate::body::{Body, full};
use crate::call::{Admitted, Attempt};
use crate::judge::JudgeHandle;
use crate::metrics::{Metrics, Outcome};
use crate::miss::{Failed, Miss, VendorAnswer};
use crate::relay::{Answered, Live, Settlement, Telling, Told, Whole, failed, read_capped, whole_answer};

/// The most of an error answer that is read, in bytes.
const ERROR_BYTES: usize = 256 * 1024;
/// Longest wait for the body of an error answer. Its status has said most; another target may be waiting.
const ERROR_PATIENCE: Duration = Duration::from_secs(2);
/// The most that is read before the first meaningful event, in events of the largest size: a Responses stream
/// repeats the instructions and tools of its request up to three times before it says anything.
const HELD_EVENTS: usize = 4;

/// Tells a provider which trace its answer is a part of, where that is configured (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

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
    target: Arc<Target>,
    settlement: Settlement,
    degraded: Vec<Degraded>,
}

impl Service<Admitted> for AttemptService {
    type Response = Answered;
    type Error = Miss;
    type Future = BoxFuture<'static, Result<Answered, Miss>>;

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
            let (attempt, mut settlement) = Settlement::open(admitted, this.judge);
            let Outgoing { mut request, degraded } = outgoing;
            settlement.leaf = attempt.call.trace.attempt(&attempt, &target);
            request.headers_mut().extend(settlement.leaf.header().map(|told| (TRACEPARENT, told)));
            let exchange = Exchange { attempt, target, settlement, degraded };
            exchange.run(request).await.map_err(Miss::from)
        })
    }
}

impl Exchange {
    async fn run(mut self, request: http::Request<http_body_util::Full<Bytes>>) -> Result<Answered, Failed> {
        let patience = self.patience();
        let watch = self.settlement.watch();
        let answered = watch.over(self.answer(request, patience)).await;
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
        let model = self.attempt.model();
        let passage = model.upstream.passage(Some(&model.id));
        if let Some(kind) = passage.rehearsed() {
            self.attempt.call.story.rehearsed(kind);
        }
        let response = match timeout_at(patience, passage.send(request)).await {
            Err(_) => return Err(self.late(Fault::FirstTokenTimeout)),
            Ok(Err(error)) if error.local => {
                tracing::warn!(%error, "this machine kept an attempt from being sent");
                return Err(Failed::of(Class::Local));
            }
            Ok(Err(error)) => {
                tracing::debug!(model = %self.attempt.model().id, %error, "no response head");
                return Err(Failed::fault(error.fault));
            }
            Ok(Ok(response)) => response,
        };
        self.settlement.leaf.status(response.status().as_u16());
        // Redirects are not followed: a provider that sends one is not where its base URL says.
        if !response.status().is_success() {
            return Err(self.vendor_error(response, patience).await);
        }
        match (self.attempt.call.ask.stream, is_page(&response)) {
            (true, false) => self.begin(response.into_body(), patience).await,
            // An error behind a 200, most likely; whatever it is, it is not the stream that was asked for.
            (true, true) => Err(self.no_stream(response, patience).await),
            (false, _) => self.whole(response, patience).await,
        }
    }

    /// Time is up. That is held against the target when it had as much of it as a first attempt gets; with what
    /// earlier attempts left over before the deadline, it had no fair chance.
    fn late(&self, fault: Fault) -> Failed {
        let call = &self.attempt.call;
        let plan = call.route_plan();
        let whole = if call.ask.stream { plan.deadline } else { plan.deadline / 2 };
        // A first attempt begins a little after the call's arrival, from which the deadline counts.
        let fair = plan.first_token_timeout.min(whole).mul_f64(0.9);
        let had = self.settlement.started().elapsed();
        if had >= fair { Failed::fault(fault) } else { Failed::of(self.settlement.given_up()) }
    }

    async fn vendor_error(&self, response: Response<Body>, patience: Instant) -> Failed {
        let (head, body) = response.into_parts();
        let patience = patience.min(Instant::now() + ERROR_PATIENCE);
        let read = read_capped(body, ERROR_BYTES, patience).await;
        let body = read.unwrap_or_default();
        let failure = classify(self.target.dialect, head.status.as_u16(), &head.headers, &body);
        let class = class_of(&failure);
        let answer = (class == Class::Client).then(|| VendorAnswer {
            model: self.attempt.model().id.clone(),
            class: failure.class,
            dialect: self.target.dialect,
            status: head.status,
            body,
        });
        let answer = answer.map(Box::new);
        Failed { class, failure: Some(failure), answer }
    }

    async fn no_stream(&self, response: Response<Body>, patience: Instant) -> Failed {
        let limit = self.attempt.call.catalog.limits.answer_bytes;
        let body = match read_capped(response.into_body(), limit, patience).await {
            Ok(body) => body,
            Err(fault) => return self.unread(fault),
        };
        let from = (self.target.dialect, self.target.flavor);
        match whole_answer(
            from,
            self.target.dialect,
            body,
            &self.attempt.call.answer_context(self.target.model.clone()),
        ) {
            Ok(_) => Failed::fault(Fault::Broken),
            Err(failed) => failed,
        }
    }

    async fn whole(&self, response: Response<Body>, patience: Instant) -> Result<Answer, Failed> {
        let call = &self.attempt.call;
        let limit = call.catalog.limits.answer_bytes;
        let body =
            read_capped(response.into_body(), limit, patience).await.map_err(|fault| self.unread(fault))?;
        let from = (self.target.dialect, self.target.flavor);
        let context = call.answer_context(self.target.model.clone());
        whole_answer(from, call.ask.dialect, body, &context).map(Answer::Whole)
    }

    fn unread(&self, fault: Fault) -> Failed {
        if fault == Fault::Stall { self.late(fault) } else { Failed::fault(fault) }
    }

    /// Reads until the first meaningful event. Up to there another target can still answer unnoticed.
    async fn begin(&mut self, mut upstream: Body, patience: Instant) -> Result<Answer, Failed> {
        let mut told = self.teller();
        let mut room = HELD_EVENTS * self.attempt.call.catalog.limits.event_bytes;
        while !told.is_meaningful() && !told.is_finished() {
            let frame = timeout_at(patience, upstream.frame())
                .await
                .map_err(|_| self.late(Fault::FirstTokenTimeout))?;
            let taken = match frame {
                Some(Ok(frame)) => {
                    let chunk = frame.into_data().unwrap_or_default();
                    room = room.checked_sub(chunk.len()).ok_or_else(|| Failed::fault(Fault::Broken))?;
                    told.take(chunk)
                }
                Some(Err(_)) | None => told.end(),
            };
            match taken {
                // What came before the break is meaningful: it is committed, and the break is told in the stream.
                Err(fault) if told.is_meaningful() => told.hold_break(fault),
                taken => taken.map_err(|fault| failed(&fault))?,
            }
        }
        self.settlement.begun();
        Ok(Answer::Stream(Box::new(told), upstream))
    }

    fn teller(&self) -> Told {
        let call = &self.attempt.call;
        let decoder = Decoder::new(self.target.dialect, self.target.flavor);
        let abroad = self.target.dialect != call.ask.dialect;
        let telling = match call.rest {
            Some(_) => Telling::Aside(Vec::new()),
            None if abroad => {
                let context = call.answer_context(self.target.model.clone());
                Telling::Anew(Encoder::new(call.ask.dialect, context))
            }
            None => Telling::AsIs,
        };
        let told = Told::new(call.ask.dialect, decoder, telling, call.catalog.limits.event_bytes);
        // Of what nobody would go on with, nothing need be kept.
        if call.rest.is_some() || !call.route_plan().rescue {
            return told;
        }
        told.with_journal(Journal::new(&call.ask, abroad))
    }

    fn give_whole(mut self, whole: Whole) -> Answered {
        let call = self.attempt.call.clone();
        call.story.used(whole.facts.usage);
        self.served();
        self.settlement.complete(&whole.facts.usage);
        call.story.end(Outcome::Answered);
        Answered::Whole(respond("application/json", full(whole.body)))
    }

    fn give_stream(mut self, told: Box<Told>, upstream: Body) -> Answered {
        self.served();
        let Exchange { attempt, settlement, .. } = self;
        Answered::Live(Live { told, upstream, settlement, target: attempt.target })
    }

    fn served(&mut self) {
        let call = &self.attempt.call;
        let sent_after = self.settlement.started().saturating_duration_since(call.arrived);
        let degraded = std::mem::take(&mut self.degraded);
        let times = (sent_after, self.settlement.first_token());
        call.story.served(self.attempt.model().id.clone(), times, degraded);
    }
}

enum Answer {
    Whole(Whole),
    Stream(Box<Told>, Body),
}

/// The type of a stream, as the vendors give it.
pub(super) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// Whether the body says of itself that it is no stream. Some that imitate the vendors' APIs send streams without
/// a type, or as plain text.
fn is_page(response: &Response<Body>) -> bool {
    let stated = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = stated.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/json", "text/html"].iter().any(|page| essence.eq_ignore_ascii_case(page))
}

pub(super) fn respond(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
