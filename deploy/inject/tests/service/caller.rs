//! Calls the webhook as an API server does: over TLS, believing what the webhook configuration says, by the
//! Service's name.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// As long as an API server waits by default.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const HOST: &str = "hook.sidestep.svc";

/// Which HTTP version is spoken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Http {
    One,
    Two,
}

/// A review of a dry run, of something that is no pod: it is answered, and nothing comes of it.
pub(crate) fn review() -> Bytes {
    let review = serde_json::json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "8e0e7bb8", "operation": "CREATE", "namespace": "shop", "dryRun": true,
            "kind": { "group": "", "version": "v1", "kind": "Service" },
            "resource": { "group": "", "version": "v1", "resource": "services" },
            "object": { "apiVersion": "v1", "kind": "Service", "metadata": { "name": "x" } },
        },
    });
    review.to_string().into()
}

/// A connection that believes `bundle`.
pub(crate) async fn connect(
    address: SocketAddr,
    bundle: &str,
    http: Http,
) -> Result<TlsStream<TcpStream>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![if http == Http::Two { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let stream = TcpStream::connect(address).await.map_err(|error| format!("connect: {error}"))?;
    let name = ServerName::try_from(HOST).unwrap();
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await;
    stream.map_err(|error| format!("TLS: {error}"))
}

/// One request over a connection of its own.
pub(crate) async fn send(
    address: SocketAddr,
    bundle: &str,
    http: Http,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, String> {
    let sent = tokio::time::timeout(PATIENCE, exchange(address, bundle, http, request)).await;
    sent.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}

async fn exchange(
    address: SocketAddr,
    bundle: &str,
    http: Http,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, String> {
    let stream = TokioIo::new(connect(address, bundle, http).await?);
    let failed = |error: hyper::Error| format!("HTTP: {error}");
    let answer = match http {
        Http::One => {
            let (mut sender, connection) = http1::handshake(stream).await.map_err(failed)?;
            over(connection, whole(sender.send_request(request))).await
        }
        Http::Two => {
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), stream).await.map_err(failed)?;
            over(connection, whole(sender.send_request(request))).await
        }
    };
    answer.map_err(failed)
}

/// A review to `/mutate/pod`, and the status of its answer.
pub(crate) async fn call(address: SocketAddr, bundle: &str, http: Http) -> Result<u16, String> {
    let request = post("/mutate/pod?timeout=5s", review());
    send(address, bundle, http, request).await.map(|answer| answer.status().as_u16())
}

pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(format!("https://{HOST}{path}"))
        .header("host", HOST)
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

async fn whole(
    sent: impl Future<Output = hyper::Result<Response<hyper::body::Incoming>>>,
) -> hyper::Result<Response<Bytes>> {
    let (head, body) = sent.await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}

/// Drives a connection until the answer is there.
async fn over<T>(connection: impl Future, answer: impl Future<Output = T>) -> T {
    let (mut connection, mut answer) = (std::pin::pin!(connection), std::pin::pin!(answer));
    tokio::select! {
        _ = &mut connection => answer.await,
        answer = &mut answer => answer,
    }
}
