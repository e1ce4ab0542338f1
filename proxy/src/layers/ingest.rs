//! Reads a request of the application and understands it as a call.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::EXPECT;
use http::{HeaderMap, Method, Request, Response};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use sidestep_dialect::{Dialect, Endpoint, peek};
use sidestep_table::Priority;
use tokio::time::{Instant, timeout};
use tower::{Layer, Service};

use super::forward::{Forward, Forwarded};
use crate::body::{Body, BoxError, Ungathered, gather};
use crate::call::Call;
use crate::catalog::{Catalog, SharedCatalog};
use crate::dice::Dice;
use crate::logging::Ended;
use crate::metrics::{Finished, Metrics, Outcome};
use crate::refusal::{Refusal, Refused};
use crate::request_id::{HEADER, request_id};
use crate::story::{Chapters, Story};
use crate::telemetry::Telemetry;

/// Longest time for a whole body to arrive. The application is on the same host.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time for the rest of a body that is refused to arrive.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest piece of an unknown model name that is told back.
const NAME_SHOWN: usize = 80;

/// Makes `Ingest`.
#[derive(Clone)]
pub struct IngestLayer {
    /// The catalog in force.
    pub catalog: SharedCatalog,
    /// Takes what cannot fail over.
    pub forward: Forward,
    /// Counts what is refused before it becomes a call.
    pub metrics: Arc<Metrics>,
    /// Where the draws of calls come from.
    pub dice: Dice,
    /// Begins traces.
    pub telemetry: Telemetry,
}

/// Turns `http::Request` into [`Call`].
#[derive(Clone)]
pub struct Ingest<S> {
    inner: S,
    settings: IngestLayer,
}

impl<S> Layer<S> for IngestLayer {
    type Service = Ingest<S>;

    fn layer(&self, inner: S) -> Ingest<S> {
        Ingest { inner, settings: self.clone() }
    }
}

impl<S, B> Service<Request<B>> for Ingest<S>
where
    S: Service<Call, Response = Response<Body>, Error = Refused> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Refused;
    type Future = BoxFuture<'static, Result<Response<Body>, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut inner = self.inner.clone();
        let IngestLayer { catalog, forward, metrics, dice, telemetry } = self.settings.clone();
        let catalog = catalog.load_full();
        // Shares its bytes with the request's own.
        let id = request.headers().get(HEADER).cloned();
        Box::pin(async move {
            let arrived = Instant::now();
            let ingested = ingest(request, &catalog, (forward, dice.clone(), telemetry)).await;
            match ingested {
                Ok(Ingested::Call(call)) => inner.call(*call).await,
                Ok(Ingested::Answer(answer)) => Ok(answer),
                Err((dialect, refusal)) => {
                    let (took, outcome) = (arrived.elapsed(), Outcome::Refused);
                    metrics.unrouted().finished(Finished { dialect, outcome, streamed: false, took });
                    let id = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
                    refused(&catalog, &refusal, (id, dialect, took), &dice);
                    Err(refusal.into())
                }
            }
        })
    }
}

/// The lines about a request that never became a call. What it asked for is not in them: nothing of it is known to be
/// a model's name.
fn refused(
    catalog: &Catalog,
    refusal: &Refusal,
    (id, dialect, took): (&str, Option<Dialect>, Duration),
    dice: &Dice,
) {
    let (outcome, status) = (Outcome::Refused, refusal.status());
    if catalog.unrouted_lines.grants(outcome) {
        tracing::info!(request_id = id, refusal = refusal.reason(), status, "request refused");
    }
    if let Some(access) = catalog.access {
        let chapters = Chapters { refusal: Some(refusal.reason()), ..Chapters::default() };
        let (route, status, streamed) = ("none", Some(status), false);
        let call = Ended { id, route, dialect, outcome, status, streamed, took, chapters: &chapters };
        access.note("", dice).write(&call);
    }
}

enum Ingested {
    Call(Box<Call>),
    Answer(Response<Body>),
}

async fn ingest<B>(
    request: Request<B>,
    catalog: &Arc<Catalog>,
    (forward, dice, telemetry): (Forward, Dice, Telemetry),
) -> Result<Ingested, (Option<Dialect>, Refusal)>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (dialect, endpoint) = endpoint(&request, catalog).map_err(|refusal| (None, refusal))?;
    let refuse = |refusal| (Some(dialect), refusal);
    let (head, body) = request.into_parts();
    let awaits_leave = head.headers.contains_key(EXPECT);
    let body = read(body, catalog.limits.body_bytes, awaits_leave).await.map_err(refuse)?;
    if endpoint == Endpoint::Generate {
        let call =
            understand(dialect, head.headers, body, (catalog.clone(), dice, telemetry)).map_err(refuse)?;
        return Ok(Ingested::Call(Box::new(call)));
    }
    let path_and_query = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let forwarded =
        Forwarded { endpoint, method: head.method, path_and_query, dialect, headers: head.headers, body };
    forward.send(catalog, forwarded).await.map(Ingested::Answer).map_err(refuse)
}

fn endpoint<B>(request: &Request<B>, catalog: &Catalog) -> Result<(Dialect, Endpoint), Refusal> {
    let limit = catalog.limits.uri_bytes;
    let uri = request.uri();
    if uri.path_and_query().is_some_and(|target| target.as_str().len() > limit) {
        return Err(Refusal::UriTooLong { limit });
    }
    let limit = catalog.limits.header_bytes;
    if head_bytes(request.headers()) > limit {
        return Err(Refusal::HeadTooLarge { limit });
    }
    let unknown = || Refusal::UnknownPath {
        method: request.method().clone(),
        path: uri.path().chars().take(NAME_SHOWN).collect(),
    };
    let (dialect, endpoint) = Dialect::from_path(uri.path()).ok_or_else(unknown)?;
    let method = match endpoint {
        Endpoint::Models | Endpoint::Model(_) => Method::GET,
        Endpoint::Generate | Endpoint::CountTokens | Endpoint::Embeddings => Method::POST,
    };
    if *request.method() != method {
        return Err(unknown());
    }
    if method == Method::GET {
        return Ok((super::respond::dialect_of(uri.path(), request.headers()), endpoint));
    }
    Ok((dialect, endpoint))
}

/// As it stood in an HTTP/1.1 head, with the colon, the space and the line end.
fn head_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

async fn read<B>(body: B, limit: usize, awaits_leave: bool) -> Result<Bytes, Refusal>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    if body.size_hint().lower() > limit as u64 {
        // Whoever awaits leave to send (`Expect: 100-continue`) has sent nothing; reading would give it.
        if !awaits_leave {
            discard(body).await;
        }
        return Err(Refusal::BodyTooLarge { limit });
    }
    match timeout(BODY_TIMEOUT, gather(body.as_mut(), limit)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Ungathered::TooLarge)) => {
            discard(body).await;
            Err(Refusal::BodyTooLarge { limit })
        }
        Ok(Err(Ungathered::Lost)) => Err(Refusal::BodyLost("the connection broke")),
        Err(_) => Err(Refusal::BodyLost("it took longer than 60 s")),
    }
}

/// Lets the application finish, for a while: while it sends it does not listen, and it would see a reset
/// connection in place of our answer.
async fn discard<B: HttpBody>(mut body: Pin<&mut B>) {
    let gone = async { while let Some(Ok(_)) = body.frame().await {} };
    // Finished or not: it has had its time.
    timeout(DISCARD_TIMEOUT, gone).await.ok();
}

fn understand(
    dialect: Dialect,
    headers: HeaderMap,
    body: Bytes,
    (catalog, dice, telemetry): (Arc<Catalog>, Dice, Telemetry),
) -> Result<Call, Refusal> {
    let arrived = Instant::now();
    let ask = peek(dialect, &headers, &body)?;
    let topology = &catalog.topology;
    let route = topology.route_for(&ask.model).ok_or_else(|| Refusal::UnknownModel {
        model: ask.model.chars().take(NAME_SHOWN).collect(),
        hint: topology
            .nearest_route(&ask.model)
            .map_or_else(String::new, |near| format!("; nearest route: {near:?}")),
    })?;
    let plan = catalog.route(route);
    if headers.get("x-stainless-retry-count").is_some_and(|count| count != "0") {
        plan.metrics.sdk_retry();
    }
    Ok(Call {
        priority: priority(&headers)?,
        deadline: arrived + plan.deadline,
        id: request_id(&headers).into(),
        story: Arc::new(Story::default()),
        trace: telemetry.begin(&headers, &ask.model, arrived, &dice),
        rest: None,
        dice,
        ask,
        body,
        headers,
        route,
        arrived,
        catalog,
    })
}

fn priority(headers: &HeaderMap) -> Result<Priority, Refusal> {
    match headers.get("sidestep-priority").map(http::HeaderValue::as_bytes) {
        None | Some(b"interactive") => Ok(Priority::Interactive),
        Some(b"batch") => Ok(Priority::Batch),
        Some(_) => Err(Refusal::Header { header: "sidestep-priority", allowed: "interactive, batch" }),
    }
}
