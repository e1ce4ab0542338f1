//! The listeners: HTTPS for the API server, and plain HTTP for health and metrics.

mod admin;
mod body;
#[cfg(test)]
mod tests;
mod webhook;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub(crate) use self::admin::{Admin, Readiness};
pub(crate) use self::body::Bodies;
pub(crate) use self::webhook::Webhook;
use crate::certificate::{Serving, provider};
use crate::metrics::Metrics;

/// Open connections at most; more wait in the kernel's queue. An API server needs one or two.
const CONNECTIONS: usize = 512;
/// For the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// For a request's head to arrive over HTTP/1.1, idle time on a reused connection included.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// A request's head in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// Silence on a connection that answers no pings any more; one over HTTP/2 is pinged more often than that.
const SILENCE: Duration = Duration::from_secs(45);
/// Between two pings over HTTP/2.
const PING: Duration = Duration::from_secs(20);
/// After a failed accept, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// A connection's transport, with a limit on silence in both directions.
type Transport<I> = Pin<Box<TimeoutStream<I>>>;

/// Serves the webhook.
pub(crate) struct Server {
    /// Where connections come in.
    pub(crate) listener: TcpListener,
    /// What is shown to callers.
    pub(crate) tls: Arc<ServerConfig>,
    /// What answers them.
    pub(crate) webhook: Arc<Webhook>,
    /// Counts connections.
    pub(crate) metrics: Arc<Metrics>,
    /// For requests under way when told to stop.
    pub(crate) drain: Duration,
}

/// How TLS is spoken: with what is served at the moment of each handshake.
///
/// # Errors
/// When the protocol versions cannot be configured.
pub(crate) fn tls(serving: Arc<Serving>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut tls = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(serving);
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session would go on with what was believed before.
    tls.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    Ok(Arc::new(tls))
}

impl Server {
    /// Accepts until `closing`, then lets requests under way finish. Returns how many connections it had to cut.
    pub(crate) async fn run(self, closing: CancellationToken) -> usize {
        let mut open = JoinSet::new();
        loop {
            self.metrics.connections(open.len());
            tokio::select! {
                () = closing.cancelled() => break,
                Some(ended) = open.join_next() => note(&ended, &self.metrics),
                accepted = self.listener.accept(), if open.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => drop(open.spawn(self.connection(stream, closing.clone()))),
                    Err(error) => breathe(&error).await,
                },
            }
        }
        let Server { listener, metrics, drain, .. } = self;
        // Nobody is let in who would not be served.
        drop(listener);
        tracing::info!(connections = open.len(), "draining");
        let all = async {
            while let Some(ended) = open.join_next().await {
                note(&ended, &metrics);
                metrics.connections(open.len());
            }
        };
        drop(timeout(drain, all).await);
        let cut = open.len();
        open.shutdown().await;
        cut
    }

    fn connection(
        &self,
        stream: TcpStream,
        closing: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        // A failure only costs latency.
        stream.set_nodelay(true).ok();
        connection(stream, TlsAcceptor::from(self.tls.clone()), self.webhook.clone(), closing)
    }
}

/// Serves one connection of any transport until it ends, or `closing` and what is under way is answered.
async fn connection<I>(stream: I, tls: TlsAcceptor, webhook: Arc<Webhook>, closing: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Send + 'static,
{
    let shaken = timeout(HANDSHAKE, tls.accept(limited(stream))).await;
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        // An API server that does not believe us says so in its own log; here it may be a port scan.
        Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => return tracing::debug!("a TLS handshake took too long"),
    };
    let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(|request: Request<Incoming>| {
        let webhook = webhook.clone();
        async move { Ok::<_, Infallible>(webhook.answer(request).await) }
    });
    let builder = http(two);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

fn note(ended: &Result<(), JoinError>, metrics: &Metrics) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        metrics.panicked();
        tracing::error!("a connection ended in a bug");
    }
}

/// Speaks the version that was agreed upon.
fn http(two: bool) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    if two { builder.http2_only() } else { builder.http1_only() }
}

fn limited<I: AsyncRead + AsyncWrite>(stream: I) -> Transport<I> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_read_timeout(Some(SILENCE));
    stream.set_write_timeout(Some(SILENCE));
    Box::pin(stream)
}

async fn breathe(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    sleep(BREATH).await;
}
