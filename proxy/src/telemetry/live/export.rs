//! Sends recorded calls to a collector, in batches, and drops what cannot be sent. Nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::attributes::Attributes;
use super::recording::Recorded;
use super::spans::spans;
use crate::config::{HttpVersion, TelemetryConfig};
use crate::metrics::spans::SpanMetrics;
use crate::relay::read_capped;
use crate::telemetry::TelemetryError;
use crate::upstream::{Dial, Transport, client_config, connect};

/// Calls in one request at most.
const BATCH: usize = 256;
/// How long the first call of a batch waits for others.
const DELAY: Duration = Duration::from_secs(2);
/// Between two tries; what a collector that is down for longer misses is dropped.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// What is left when the process ends has this long, all in all.
const LAST: Duration = Duration::from_secs(2);
/// The most that is read of a collector's answer, in bytes.
const ANSWER: usize = 64 * 1024;
const CONNECT: Duration = Duration::from_secs(5);

pub(super) struct Exporter {
    queue: mpsc::Receiver<Recorded>,
    road: Road,
    resource: Resource,
    metrics: Arc<SpanMetrics>,
    /// The last batch was lost, which has been told.
    failing: bool,
}

/// The way to the collector.
#[derive(Clone)]
struct Road {
    transport: Transport,
    endpoint: Uri,
    headers: HeaderMap,
    timeout: Duration,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the collector answered with {0}")]
    Status(StatusCode),
    #[error("{0}")]
    Unreachable(String),
    #[error("the collector took too long")]
    Late,
}

impl Exporter {
    pub(super) fn new(
        config: &TelemetryConfig,
        queue: mpsc::Receiver<Recorded>,
        metrics: Arc<SpanMetrics>,
    ) -> Result<Exporter, TelemetryError> {
        let dial = Dial { http: HttpVersion::Auto, connect_timeout: CONNECT, max_concurrency: 1 };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        for (name, value) in &config.headers {
            headers.extend(
                value.secret().and_then(|secret| secret.header("")).map(|value| (name.clone(), value)),
            );
        }
        let transport = connect(&dial, client_config(None)?);
        let road = Road { transport, endpoint: config.endpoint.clone(), headers, timeout: config.timeout };
        Ok(Exporter { queue, road, resource: resource(config), metrics, failing: false })
    }

    /// Sends until `stop`, and then what is there, once.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                more = fill(&mut self.queue, &mut batch) => if !more { break },
            }
            let calls = std::mem::take(&mut batch);
            self.send(calls, Some(stop.clone())).await;
        }
        self.queue.close();
        while let Ok(call) = self.queue.try_recv() {
            batch.push(call);
        }
        if !batch.is_empty() {
            self.send(batch, None).await;
        }
    }

    /// Sends a batch. While the process runs it may be tried again; at its end, once and not for long.
    async fn send(&mut self, calls: Vec<Recorded>, running: Option<CancellationToken>) {
        let spans: Vec<Span> = calls.into_iter().flat_map(spans).collect();
        let count = spans.len() as u64;
        let body = Bytes::from(self.request(spans).encode_to_vec());
        let sent = match running {
            None => timeout(LAST, self.road.clone().post(body)).await.unwrap_or(Err(Refusal::Late)),
            Some(stop) => {
                let ending = async {
                    stop.cancelled_owned().await;
                    sleep(LAST).await;
                };
                tokio::select! {
                    sent = self.road.clone().persist(body) => sent,
                    () = ending => Err(Refusal::Late),
                }
            }
        };
        self.tell(sent, count);
    }

    fn tell(&mut self, sent: Result<u64, Refusal>, count: u64) {
        match sent {
            Ok(rejected) => {
                self.metrics.sent(count.saturating_sub(rejected));
                self.metrics.rejected(rejected.min(count));
                if std::mem::take(&mut self.failing) {
                    tracing::info!("traces are taken again");
                }
            }
            Err(error) => {
                self.metrics.dropped(count);
                // Told once for as long as it lasts.
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, "traces are not taken and dropped");
                }
            }
        }
    }

    fn request(&self, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let scope =
            InstrumentationScope { name: "sidestep".to_owned(), version, ..InstrumentationScope::default() };
        let scope_spans = ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() };
        let resource = Some(self.resource.clone());
        let resource_spans =
            ResourceSpans { resource, scope_spans: vec![scope_spans], ..ResourceSpans::default() };
        ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
    }
}

impl Road {
    /// Tries again after what is likely to pass (OTLP 1.x, "Failures").
    async fn persist(self, body: Bytes) -> Result<u64, Refusal> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let posted = timeout(self.timeout, self.clone().post(body.clone())).await;
            let refusal = match posted.unwrap_or(Err(Refusal::Late)) {
                Ok(rejected) => return Ok(rejected),
                Err(refusal) => refusal,
            };
            match pauses.next().filter(|_| refusal.may_pass()) {
                Some(pause) => sleep(pause).await,
                None => return Err(refusal),
            }
        }
    }

    /// Gives how many spans the collector did not want.
    async fn post(self, body: Bytes) -> Result<u64, Refusal> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint;
        *request.headers_mut() = self.headers;
        let answered = self.transport.oneshot(request).await;
        let answer = answered.map_err(|error| Refusal::Unreachable(error.to_string()))?;
        if !answer.status().is_success() {
            return Err(Refusal::Status(answer.status()));
        }
        // What cannot be read of an answer says nothing against its status.
        let told = read_capped(answer.into_body(), ANSWER, Instant::now() + self.timeout).await;
        let told = ExportTraceServiceResponse::decode(told.unwrap_or_default()).unwrap_or_default();
        let rejected = told.partial_success.map_or(0, |part| part.rejected_spans);
        Ok(u64::try_from(rejected).unwrap_or_default())
    }
}

impl Refusal {
    const fn may_pass(&self) -> bool {
        match self {
            Refusal::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Refusal::Unreachable(_) | Refusal::Late => true,
        }
    }
}

/// Waits for a call and a little for others. False when no more will come. What it has when it is dropped stays in
/// `batch`.
async fn fill(queue: &mut mpsc::Receiver<Recorded>, batch: &mut Vec<Recorded>) -> bool {
    let Some(first) = queue.recv().await else { return false };
    batch.push(first);
    let until = Instant::now() + DELAY;
    while batch.len() < BATCH {
        match timeout_at(until, queue.recv()).await {
            Ok(Some(call)) => batch.push(call),
            Ok(None) => return false,
            Err(_) => break,
        }
    }
    true
}

fn resource(config: &TelemetryConfig) -> Resource {
    let mut attributes = Attributes::default()
        .text("service.name", &*config.service_name)
        .text("service.version", env!("CARGO_PKG_VERSION"));
    let given = |name: &str| name != "service.name" && name != "service.version";
    for (name, value) in config.resource.iter().filter(|(name, _)| given(name)) {
        attributes = attributes.text(name, &**value);
    }
    Resource { attributes: attributes.into_all(), ..Resource::default() }
}
