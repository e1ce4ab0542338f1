//! A stand-in for the Kubernetes API server: the few kinds that the injector deals with, over TLS, with tokens,
//! rights, versions and conflicts as the real one has them, and with faults.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use sidestep_inject::cluster::{Access, Cluster};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::store::{Refusal, Store, Wish};

/// What happens to the calls of one replica.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// The connection ends without an answer.
    Down,
    /// Answers come late.
    Slow(Duration),
    /// Every call is answered so.
    Status(u16),
}

/// The stand-in, until it is dropped.
pub(crate) struct ApiServer {
    address: SocketAddr,
    state: Arc<State>,
    folder: TempDir,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct State {
    store: Mutex<Store>,
    faults: Mutex<HashMap<String, Fault>>,
    calls: Mutex<BTreeMap<String, usize>>,
}

impl ApiServer {
    /// Starts with a webhook configuration such as the chart renders: without a caBundle.
    pub(crate) async fn start() -> ApiServer {
        let folder = tempfile::tempdir().unwrap();
        let (tls, authority) = tls();
        std::fs::write(folder.path().join("ca.crt"), authority).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let task = TaskTracker::new().spawn(accept(listener, tls, state.clone()));
        ApiServer { address, state, folder, _task: AbortOnDropHandle::new(task) }
    }

    /// A client with a token of its own: whose it is can be told, and cut off.
    pub(crate) fn cluster(&self, who: &str) -> Cluster {
        let token = self.folder.path().join(format!("token-{who}"));
        std::fs::write(&token, format!("token-of-{who}\n")).unwrap();
        let authorities: PathBuf = self.folder.path().join("ca.crt");
        Cluster::new(Access { origin: format!("https://{}", self.address), token, authorities })
    }

    pub(crate) fn fault(&self, who: &str, fault: Fault) {
        self.state.faults.lock().unwrap().insert(who.to_owned(), fault);
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.state.store.lock().unwrap()
    }

    /// How often `METHOD path` was called.
    pub(crate) fn calls(&self, call: &str) -> usize {
        self.state.calls.lock().unwrap().get(call).copied().unwrap_or_default()
    }
}

fn tls() -> (Arc<ServerConfig>, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (Arc::new(tls), authority.pem())
}

async fn accept(listener: TcpListener, tls: Arc<ServerConfig>, state: Arc<State>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = open.join_next() => {}
            accepted = listener.accept() => {
                open.spawn(connection(accepted.unwrap().0, TlsAcceptor::from(tls.clone()), state.clone()));
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, state: Arc<State>) {
    let Ok(stream) = tls.accept(stream).await else { return };
    let (hang_up, hung_up) = tokio::sync::mpsc::channel::<()>(1);
    let mut hung_up = hung_up;
    let service = service_fn(move |request: Request<Incoming>| {
        let (state, hang_up) = (state.clone(), hang_up.clone());
        async move {
            let Some(answer) = answer(request, &state).await else {
                hang_up.send(()).await.ok();
                return std::future::pending().await;
            };
            Ok::<_, Infallible>(answer)
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        ended = builder.serve_connection(TokioIo::new(stream), service) => drop(ended),
        _ = hung_up.recv() => {}
    }
}

/// `None` hangs up.
async fn answer(request: Request<Incoming>, state: &State) -> Option<Response<Full<Bytes>>> {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|token| token.to_str().ok());
    let who = token.and_then(|token| token.strip_prefix("Bearer token-of-")).map(str::to_owned);
    let fault = state.faults.lock().unwrap().get(who.as_deref().unwrap_or_default()).copied();
    match fault.unwrap_or_default() {
        Fault::None => {}
        Fault::Down => return None,
        Fault::Slow(time) => tokio::time::sleep(time).await,
        Fault::Status(status) => {
            return Some(refused(StatusCode::from_u16(status).unwrap(), "out of order"));
        }
    }
    if who.is_none() {
        return Some(refused(StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    let call = format!("{} {}", request.method(), request.uri().path());
    *state.calls.lock().unwrap().entry(call).or_default() += 1;
    let wish = wish(request).await?;
    Some(match state.store.lock().unwrap().act(wish) {
        Ok((status, object)) => reply(status, &object),
        Err(Refusal(status, why)) => refused(status, &why),
    })
}

async fn wish(request: Request<Incoming>) -> Option<Wish> {
    let (head, body) = request.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let body = body.collect().await.ok()?.to_bytes();
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default());
    let sent = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(match (head.method, kind) {
        (Method::GET, _) => Wish::Read(path),
        (Method::POST, "application/json") => Wish::Create(path, sent),
        (Method::PATCH, "application/merge-patch+json") => Wish::Merge(path, sent),
        (Method::PATCH, "application/json-patch+json") => Wish::Operations(path, sent),
        (Method::PATCH, "application/apply-patch+yaml") if query.contains("fieldManager=") => {
            Wish::Apply(path, sent)
        }
        (method, kind) => panic!("{method} {path} with {kind}: no such call"),
    })
}

fn refused(status: StatusCode, why: &str) -> Response<Full<Bytes>> {
    let told = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": why });
    reply(status, &told)
}

fn reply(status: StatusCode, object: &Value) -> Response<Full<Bytes>> {
    let body = Full::new(Bytes::from(object.to_string()));
    Response::builder().status(status).header(header::CONTENT_TYPE, "application/json").body(body).unwrap()
}
