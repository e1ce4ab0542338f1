//! The pooled HTTP client of one provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::rt::{Read, Write};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::{
    self, Client,
    connect::{Connection, HttpConnector},
};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use sidestep_table::Fault;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};
use tower_http::decompression::Decompression;

use crate::body::{Body, BoxError, Guarded};
use crate::config::HttpVersion;

/// What carries a request to a provider and its answer back. Boxed, so that tests can carry it elsewhere.
pub type Transport = BoxCloneSyncService<Request<Full<Bytes>>, Response<Body>, TransportError>;

/// The most streams that are put on one HTTP/2 connection; providers commonly allow 100 to 128.
const STREAMS_PER_LANE: usize = 100;
/// How long an unused connection is kept. Shorter than the idle limits of common load balancers (60 s), so
/// that a request rarely meets a connection that the other side is closing.
const IDLE: Duration = Duration::from_secs(30);

/// Why a provider could not be reached or did not answer with a response head.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct TransportError {
    /// What kind of failure it is.
    pub fault: Fault,
    /// True when the cause lies on this machine (no file descriptors, no memory, no route at all).
    pub local: bool,
    reason: String,
}

/// How to reach a provider.
#[derive(Clone, Copy, Debug)]
pub struct Dial {
    /// Which HTTP versions may be spoken.
    pub http: HttpVersion,
    /// For a connection to stand: TCP connect and TLS handshake together.
    pub connect_timeout: Duration,
    /// Upper bound of simultaneous calls, from which the number of HTTP/2 connections follows.
    pub max_concurrency: usize,
}

/// Makes connections of type `C` to where a URI points.
type Connector<C> = BoxCloneSyncService<Uri, C, ConnectFailure>;
type PooledClient<C> = Decompression<Client<Connector<C>, Full<Bytes>>>;

/// Gives a connector's error a name of its own; the cause is kept.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ConnectFailure(#[source] BoxError);

/// A few clients of the same provider. An HTTP/2 connection takes a limited number of streams and a client
/// opens only one, so the next lane is used when the ones before it are full.
struct Lanes<C> {
    lanes: Arc<[Lane<C>]>,
}

struct Lane<C> {
    client: PooledClient<C>,
    in_flight: Arc<AtomicUsize>,
}

/// One call's place in its lane, until its answer has ended.
struct LaneGuard(Arc<AtomicUsize>);

/// The transport over TCP, and over TLS where the URL says `https`.
#[must_use]
pub fn connect(dial: &Dial, tls: ClientConfig) -> Transport {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(30)));
    tcp.set_connect_timeout(Some(dial.connect_timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let https = match dial.http {
        HttpVersion::Http1 => builder.enable_http1().wrap_connector(tcp),
        HttpVersion::Http2 => builder.enable_http2().wrap_connector(tcp),
        HttpVersion::Auto => builder.enable_all_versions().wrap_connector(tcp),
    };
    connect_over(dial, https)
}

/// The same pooled transport over any kind of connection, in-memory ones included.
#[must_use]
pub fn connect_over<S, C>(dial: &Dial, connector: S) -> Transport
where
    S: Service<Uri, Response = C> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    C: Read + Write + Connection + Unpin + Send + 'static,
{
    let in_time = Timeout::new(connector, dial.connect_timeout).map_err(ConnectFailure);
    let connector: Connector<C> = BoxCloneSyncService::new(in_time);
    let lane = |_| Lane { client: client(dial, connector.clone()), in_flight: Arc::default() };
    BoxCloneSyncService::new(Lanes { lanes: (0..dial.lanes()).map(lane).collect() })
}

fn client<C>(dial: &Dial, connector: Connector<C>) -> PooledClient<C>
where
    C: Read + Write + Connection + Unpin + Send + 'static,
{
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http2_only(dial.http == HttpVersion::Http2)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .build(connector);
    Decompression::new(client).gzip(true)
}

// === impl Dial ===

impl Dial {
    /// How many connections it takes for all calls when each carries many.
    pub(super) fn lanes(&self) -> usize {
        match self.http {
            HttpVersion::Http1 => 1,
            HttpVersion::Auto | HttpVersion::Http2 => {
                self.max_concurrency.div_ceil(STREAMS_PER_LANE).clamp(1, 16)
            }
        }
    }
}

// === impl Lanes ===

impl<C> Clone for Lanes<C> {
    fn clone(&self) -> Self {
        Lanes { lanes: self.lanes.clone() }
    }
}

impl<C> Service<Request<Full<Bytes>>> for Lanes<C>
where
    C: Read + Write + Connection + Unpin + Send + 'static,
{
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Response<Body>, TransportError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let lane = &self.lanes[vacant(self.lanes.iter().map(|lane| lane.in_flight.load(Ordering::Relaxed)))];
        let guard = LaneGuard::take(&lane.in_flight);
        let client = lane.client.clone();
        Box::pin(async move {
            let response = client.oneshot(request).await.map_err(|error| TransportError::from(&error))?;
            Ok(response.map(|body| Guarded::new(body, guard).boxed_unsync()))
        })
    }
}

/// The first lane with room; when there is none, the emptiest. Two calls that choose at once may overfill a lane
/// by one: the connection itself makes that one wait.
fn vacant(in_flight: impl Iterator<Item = usize> + Clone) -> usize {
    let emptiest = || in_flight.clone().enumerate().min_by_key(|(_, streams)| *streams);
    let roomy = in_flight.clone().position(|streams| streams < STREAMS_PER_LANE);
    roomy.or_else(|| emptiest().map(|(lane, _)| lane)).unwrap_or(0)
}

impl LaneGuard {
    fn take(in_flight: &Arc<AtomicUsize>) -> LaneGuard {
        in_flight.fetch_add(1, Ordering::Relaxed);
        LaneGuard(in_flight.clone())
    }
}

impl Drop for LaneGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl TransportError ===

impl TransportError {
    /// A failure of the given kind; `reason` must hold no content of requests or answers.
    #[must_use]
    pub fn new(fault: Fault, reason: impl Into<String>) -> Self {
        TransportError { fault, local: false, reason: reason.into() }
    }
}

impl From<&legacy::Error> for TransportError {
    fn from(error: &legacy::Error) -> Self {
        let causes = || std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source());
        let reason = causes().last().map(ToString::to_string).unwrap_or_default();
        let tls = causes().any(is_tls);
        let local = causes().any(is_local);
        let fault = match (tls, error.is_connect()) {
            (true, _) => Fault::Tls,
            (false, true) => Fault::Connect,
            // The connection stood, and ended before a response head came.
            (false, false) => Fault::Truncated,
        };
        TransportError { fault, local, reason }
    }
}

fn is_tls(cause: &(dyn std::error::Error + 'static)) -> bool {
    let inner = cause.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
    cause.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
}

/// EMFILE and ENFILE (no descriptors), EADDRNOTAVAIL (no local port), ENOMEM, ENOBUFS: `errno(3)`.
fn is_local(cause: &(dyn std::error::Error + 'static)) -> bool {
    const LOCAL: [i32; 5] = [23, 24, 99, 12, 105];
    let errno = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
    errno.is_some_and(|errno| LOCAL.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the streams of a lane end, a new one finds the room that they leave.
    #[test]
    fn a_call_takes_the_first_lane_with_room() {
        for (in_flight, expected) in
            [([0, 0, 0], 0), ([99, 100, 0], 0), ([100, 40, 0], 1), ([100, 100, 7], 2), ([130, 110, 120], 1)]
        {
            assert_eq!(vacant(in_flight.into_iter()), expected, "{in_flight:?}");
        }
    }
}
