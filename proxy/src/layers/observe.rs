//! Watches a call from its plan to the last byte of its answer: headers, metrics, one log line.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Map;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use sidestep_dialect::Dialect;
use sidestep_table::RouteIndex;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::blame::blame;
use crate::body::{Body, BoxError};
use crate::call::Call;
use crate::catalog::Catalog;
use crate::label::label;
use crate::logging::{AccessNote, Ended};
use crate::metrics::{Finished, Outcome};
use crate::refusal::{Refusal, Refused};
use crate::story::Story;
use crate::telemetry::Trace;

/// Makes `Observe`.
#[derive(Clone, Copy)]
pub struct ObserveLayer;

/// Tells what happened to each call.
#[derive(Clone)]
pub struct Observe<S> {
    inner: S,
}

/// Everything needed to close a call's file.
struct File {
    story: Arc<Story>,
    catalog: Arc<Catalog>,
    route: RouteIndex,
    id: Arc<str>,
    dialect: Dialect,
    streamed: bool,
    arrived: Instant,
    /// What the application was sent.
    status: Option<u16>,
    /// For the access log, if there is one.
    note: Option<Box<AccessNote>>,
    trace: Trace,
}

/// A body that closes the file when it ends or is dropped.
struct Observed {
    body: Body,
    /// Closed on drop.
    _file: File,
}

type Closing = Box<dyn FnOnce(Result<Response<Body>, Refusal>) -> Result<Response<Body>, Refused> + Send>;

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner }
    }
}

impl<S> Service<Call> for Observe<S>
where
    S: Service<Call, Response = Response<Body>, Error = Refusal>,
{
    type Response = Response<Body>;
    type Error = Refused;
    type Future = Map<S::Future, Closing>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        // The file is closed on drop, so a caller who leaves early is counted too.
        let mut file = File::open(&call);
        let closing: Closing = Box::new(move |answered| match answered {
            Ok(mut response) => {
                file.status = Some(response.status().as_u16());
                let chapters = file.story.read();
                // Who will answer is not known yet when the head goes before the answer.
                if !chapters.held {
                    label(&chapters, response.headers_mut());
                }
                Ok(response.map(|body| Observed { body, _file: file }.boxed_unsync()))
            }
            Err(refusal) => {
                file.status = Some(refusal.status());
                file.story.refuse(outcome(&refusal), refusal.reason());
                let mut chapters = file.story.read();
                if let Refusal::Vendor(answer) = &refusal {
                    chapters.served_by = Some(answer.model.clone());
                }
                Err(Refused { refusal, chapters: Some(chapters.into()) })
            }
        });
        self.inner.call(call).map(closing)
    }
}

/// How a call ends that is refused.
pub(super) fn outcome(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Vendor(_) => Outcome::Rejected,
        Refusal::Deadline | Refusal::Exhausted { .. } => Outcome::Failed,
        _ => Outcome::Refused,
    }
}

impl File {
    fn open(call: &Call) -> File {
        File {
            story: call.story.clone(),
            catalog: call.catalog.clone(),
            route: call.route,
            id: call.id.clone(),
            dialect: call.ask.dialect,
            streamed: call.ask.stream,
            arrived: call.arrived,
            status: None,
            trace: call.trace.clone(),
            note: call.catalog.access.map(|access| access.note(&call.ask.model, &call.dice)),
        }
    }

    /// One line for a call that did not go as it should have, as long as its route has lines left.
    fn decided(&self, call: &Ended<'_>) {
        let chapters = call.chapters;
        let (broke_off, rescue) = chapters.broke_off.unzip();
        if self.catalog.route(self.route).lines.grants(call.outcome) {
            tracing::info!(
                request_id = call.id,
                route = call.route,
                upstream = chapters.served_by.as_deref(),
                attempts = chapters.attempts.len(),
                fallback_reason = chapters.fallback,
                refusal = chapters.refusal,
                broke_off,
                rescue,
                rescued_by = chapters.rescued_by.as_deref(),
                duration_ms = u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX),
                "call {}",
                call.outcome.as_str()
            );
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let chapters = self.story.read();
        let plan = self.catalog.route(self.route);
        let rerouted = chapters.fallback.filter(|_| chapters.served_by.is_some());
        let outcome = match chapters.ending.unwrap_or(Outcome::Cancelled) {
            Outcome::Answered if rerouted.is_some() => Outcome::Rerouted,
            outcome => outcome,
        };
        if let (Some(reason), Some(delay)) = (rerouted, chapters.sent_after) {
            plan.metrics.rerouted(reason, delay);
        }
        blame(&self.catalog, self.route, &chapters, outcome);
        let (dialect, streamed, took) = (Some(self.dialect), self.streamed, self.arrived.elapsed());
        plan.metrics.finished(Finished { dialect, outcome, streamed, took });
        let (id, route, status) = (&*self.id, &*plan.pattern, self.status);
        let call = Ended { id, route, dialect, outcome, status, streamed, took, chapters: &chapters };
        self.decided(&call);
        if let Some(note) = &self.note {
            note.write(&call);
        }
        self.trace.close(&call);
        tracing::debug!(
            request_id = id,
            outcome = outcome.as_str(),
            upstream = chapters.served_by.as_deref().unwrap_or("-"),
            attempts = chapters.attempts.len(),
            rescued_by = chapters.rescued_by.as_deref().unwrap_or("-"),
            fallback_reason = chapters.fallback.unwrap_or("-"),
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            output_tokens = chapters.usage.output,
            "call finished"
        );
    }
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
