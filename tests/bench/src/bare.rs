//! The floor of Sidestep's own stack: a reverse proxy of hyper and hyper-util that only passes on.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tokio::task::JoinSet;

type Upstream = Client<HttpsConnector<HttpConnector>, Incoming>;
type Passed = Response<Either<Incoming, Full<Bytes>>>;

/// Passes everything that comes to `listen` on to `upstream` until the process ends. `ca` is trusted where the
/// upstream's URL says `https`.
pub(crate) async fn serve(
    listen: SocketAddr,
    upstream: Uri,
    ca: Option<&Path>,
    http2: bool,
) -> anyhow::Result<()> {
    let client = client(ca, http2)?;
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    let listener = socket.listen(4096)?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, upstream) = (client.clone(), upstream.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| pass(request, upstream.clone(), client.clone()));
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new());
            // A caller that leaves ends its connection; nobody else is concerned.
            server.serve_connection(TokioIo::new(stream), service).await.ok();
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(
    mut request: Request<Incoming>,
    upstream: Uri,
    client: Upstream,
) -> Result<Passed, http::Error> {
    let mut parts = upstream.into_parts();
    parts.path_and_query = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from_parts(parts)?;
    *request.version_mut() = http::Version::HTTP_11;
    for hop in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        request.headers_mut().remove(hop);
    }
    match client.request(request).await {
        Ok(response) => {
            let mut response = response.map(Either::Left);
            response.headers_mut().remove(header::CONNECTION);
            response.headers_mut().remove(header::TRANSFER_ENCODING);
            *response.version_mut() = http::Version::HTTP_11;
            Ok(response)
        }
        Err(_) => Response::builder().status(502).body(Either::Right(Full::default())),
    }
}

fn client(ca: Option<&Path>, http2: bool) -> anyhow::Result<Upstream> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(ca) = ca {
        roots.add(CertificateDer::from_pem_file(ca).context("the authority")?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let https = match http2 {
        true => builder.enable_http2().wrap_connector(tcp),
        false => builder.enable_http1().wrap_connector(tcp),
    };
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new()).http2_only(http2);
    Ok(builder.http2_adaptive_window(true).build(https))
}
