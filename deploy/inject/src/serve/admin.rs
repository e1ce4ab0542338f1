//! Health and metrics, over plain HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::breathe;
use crate::certificate::Serving;
use crate::metrics::Metrics;

/// Open connections at most.
const CONNECTIONS: usize = 64;
/// For a request's head to arrive, idle time on a reused connection included.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A request's head in bytes; hyper takes no buffer below 8 KiB.
const HEAD_BYTES: usize = 8 * 1024;

/// Whether the API server should call here.
#[derive(Default)]
pub(crate) struct Readiness {
    /// What callers are shown.
    pub(crate) serving: Arc<Serving>,
    draining: AtomicBool,
}

/// Answers `/livez`, `/readyz` and `/metrics`.
#[derive(Clone)]
pub(crate) struct Admin {
    /// What `/readyz` says.
    pub(crate) readiness: Arc<Readiness>,
    /// What is scraped.
    pub(crate) metrics: Arc<Metrics>,
}

impl Readiness {
    /// Ends readiness for good: the process is shutting down.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    fn now(&self) -> Result<&'static str, &'static str> {
        if self.draining.load(Ordering::Acquire) {
            return Err("not ready: shutting down");
        }
        match (self.serving.now(), self.serving.ready()) {
            (None, _) => Err("not ready: no certificate yet"),
            (_, false) => Err("not ready: the API server is not known to believe the certificate (caBundle)"),
            (_, true) => Ok("ready"),
        }
    }
}

impl Admin {
    /// Serves until `over`; keep it up while requests drain, so that readiness is seen falling.
    pub(crate) async fn run(self, listener: TcpListener, over: CancellationToken) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                () = over.cancelled() => break,
                Some(_) = open.join_next() => {}
                accepted = listener.accept(), if open.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => drop(open.spawn(self.clone().connection(stream))),
                    Err(error) => breathe(&error).await,
                },
            }
        }
        open.shutdown().await;
    }

    async fn connection(self, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let answer = self.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an admin connection ended badly");
        }
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if !matches!(path, "/livez" | "/readyz" | "/metrics") {
            return text(StatusCode::NOT_FOUND, "there are /livez, /readyz and /metrics");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "use GET here");
            refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        match path {
            "/livez" => text(StatusCode::OK, "alive"),
            "/readyz" => match self.readiness.now() {
                Ok(ready) => text(StatusCode::OK, ready),
                Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
            },
            _ => match self.metrics.scrape() {
                Ok(scrape) => reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", scrape),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            },
        }
    }
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    reply(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn reply(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
