//! A collector that keeps what it is sent, by the official messages, and answers as it is told to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// Listens until it is dropped.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    heard: Arc<Heard>,
    _listening: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Heard {
    posts: Mutex<Vec<Post>>,
    /// With what it answers; nothing to answer with is no answer.
    status: Mutex<Option<StatusCode>>,
    never: CancellationToken,
}

/// One request.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Collector {
    pub(crate) async fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Heard { status: Mutex::new(Some(StatusCode::OK)), ..Heard::default() });
        let shared = heard.clone();
        let listening = TaskTracker::new().spawn(async move {
            let mut lines = FuturesUnordered::new();
            loop {
                tokio::select! {
                    Ok((line, _)) = listener.accept() => {
                        let heard = shared.clone();
                        let service = service_fn(move |request| heard.clone().answer(request));
                        lines.push(http1::Builder::new().serve_connection(TokioIo::new(line), service));
                    }
                    Some(_) = lines.next() => {}
                }
            }
        });
        Collector { address, heard, _listening: AbortOnDropHandle::new(listening) }
    }

    /// From now on it answers with `status`; with none, it takes requests and does not answer.
    pub(crate) fn answers(&self, status: Option<StatusCode>) {
        *self.heard.status.lock().unwrap() = status;
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.heard.posts.lock().unwrap().clone()
    }

    /// Every span so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let resources = self.posts().into_iter().flat_map(|post| post.request().resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }
}

impl Heard {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        self.posts.lock().unwrap().push(Post {
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body,
        });
        let status = *self.status.lock().unwrap();
        let Some(status) = status else {
            self.never.cancelled().await;
            return Ok(Response::default());
        };
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        Ok(response)
    }
}

impl Post {
    pub(crate) fn request(&self) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest::decode(self.body.clone()).unwrap()
    }
}

/// An attribute as text, whatever its kind; empty when absent.
pub(crate) fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found: Vec<_> = attributes.iter().filter(|pair| pair.key == key).collect();
    assert!(found.len() <= 1, "{key} stands twice");
    match found.first().and_then(|pair| pair.value.clone()?.value) {
        None => String::new(),
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        other => panic!("{key}: {other:?}"),
    }
}
