//! The same provider behind TLS, over HTTP/1.1 and HTTP/2, with an authority made for the day.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::answers::{Form, solved, stream, whole_body};

/// Counts handshakes.
#[derive(Default)]
pub(crate) struct Handshakes(AtomicU64);

/// Makes an authority and a certificate of it for `localhost`: `ca.pem`, `leaf.pem` and `leaf.key` in `folder`.
pub(crate) fn issue(folder: &Path) -> anyhow::Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(folder.join("ca.pem"), params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    std::fs::write(folder.join("leaf.pem"), leaf.pem())?;
    std::fs::write(folder.join("leaf.key"), key.serialize_der())?;
    Ok(())
}

/// Answers on `address` until the process ends, in `protocol` (`http/1.1` or `h2`).
pub(crate) async fn serve(
    address: SocketAddr,
    protocol: &str,
    folder: &Path,
    handshakes: Arc<Handshakes>,
) -> anyhow::Result<()> {
    let acceptor = acceptor(folder, protocol)?;
    let listener = TcpListener::bind(address).await?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, handshakes) = (acceptor.clone(), handshakes.clone());
        connections.spawn(async move {
            // A caller that leaves ends its connection; nobody else is concerned.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            handshakes.0.fetch_add(1, Ordering::Relaxed);
            let server = auto::Builder::new(TokioExecutor::new());
            server.serve_connection(TokioIo::new(stream), service_fn(answer)).await.ok();
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let messages = request.uri().path().ends_with("/messages");
    let form = if messages { Form::Messages } else { Form::Chat };
    let body = request.into_body().collect().await?.to_bytes();
    let (kind, said) = match solved(&body) {
        Some(solution) => {
            let told = stream(form, &solution);
            ("text/event-stream", [told.head, told.event, told.tail].concat().into())
        }
        None => ("application/json", Bytes::from(whole_body(form))),
    };
    let mut response = Response::new(Full::new(said));
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    Ok(response)
}

fn acceptor(folder: &Path, protocol: &str) -> anyhow::Result<TlsAcceptor> {
    let leaf = rustls_pki_types::CertificateDer::from_pem_file(folder.join("leaf.pem"))?;
    let key = std::fs::read(folder.join("leaf.key")).context("leaf.key")?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)?;
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Handshakes {
    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
