//! The whole tower stack on one screen, in the order in which a request meets it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;
use tower_http::body::UnsyncBoxBody;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::SetRequestIdLayer;
use tower_http::trace::TraceLayer;

use crate::body::{Body, BoxError};
use crate::catalog::SharedCatalog;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::judge::JudgeHandle;
use crate::layers::{
    AttemptService, BreakerLayer, ChooseLayer, DeadlineLayer, Forward, HedgeLayer, HoldLayer, IngestLayer,
    ObserveLayer, RescueLayer, RespondLayer, RetryLayer, ShedLayer, panicked,
};
use crate::metrics::Metrics;
use crate::request_id::{self, Mint};
use crate::telemetry::Telemetry;

/// The stack, ready to be cloned for each connection. Boxed: one of the places where types would get unreadable.
pub type Stack<B> = BoxCloneSyncService<Request<B>, Response<Body>, Infallible>;

/// What the stack is built on.
#[derive(Clone)]
pub struct Foundation {
    /// The catalog in force.
    pub catalog: SharedCatalog,
    /// Tells the time of verdicts.
    pub clock: Clock,
    /// Takes evidence.
    pub judge: JudgeHandle,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// All draws come from here.
    pub dice: Dice,
    /// Begins traces.
    pub telemetry: Telemetry,
}

/// Builds the stack for request bodies of type `B`.
#[must_use]
pub fn stack<B>(on: &Foundation) -> Stack<B>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let Foundation { catalog, clock, judge, metrics, dice, telemetry } = on.clone();
    let service = ServiceBuilder::new()
        // The panic handler wraps bodies in a type of its own.
        .map_response(|response: Response<_>| response.map(|body: UnsyncBoxBody<_, _>| body.boxed_unsync()))
        // A bug of ours costs one call, never the sidecar.
        .layer(CatchPanicLayer::custom(panicked))
        // Every answer, error and log line carries the same id; the application may bring its own.
        .layer(SetRequestIdLayer::new(request_id::HEADER, Mint(dice.clone())))
        // Spans carry method, path and id, never headers or bodies.
        .layer(TraceLayer::new_for_http().make_span_with(request_id::span))
        // Any error becomes a response here and nowhere else, in the caller's dialect.
        .layer(RespondLayer)
        // http::Request becomes Call.
        .layer(IngestLayer { catalog, forward: Forward, metrics: metrics.clone(), dice, telemetry })
        // Headers, metrics and the log line of a call; sees every way in which it can end.
        .layer(ObserveLayer)
        // A head and signs of life for the caller of a stream that is late to begin.
        .layer(HoldLayer)
        // One deadline over all attempts.
        .layer(DeadlineLayer)
        // No work for calls that nobody could take.
        .layer(ShedLayer)
        // Call becomes Plan: which targets, in which order.
        .layer(ChooseLayer { clock })
        // What attempts bring becomes a response; should its stream break, others are asked for the rest.
        .layer(RescueLayer { clock })
        // Plan becomes Attempts: again here, or on to the next target.
        .layer(RetryLayer { clock })
        // A second target when the first is late.
        .layer(HedgeLayer { clock })
        // A place at the target, held until the answer has ended.
        .layer(BreakerLayer)
        // Translate, sign, send, wait for the first meaningful event, commit.
        .service(AttemptService { judge, metrics });
    BoxCloneSyncService::new(service)
}
