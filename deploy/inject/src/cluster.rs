//! A small client for the few objects that the injector deals with, on the HTTP stack that Sidestep has
//! anyway. Why not a general client is said in this crate's `Cargo.toml`.

mod access;
mod error;
mod object;
mod place;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::access::{Access, SERVICE_ACCOUNT};
pub use self::error::ClusterError;
pub use self::object::{Lease, LeaseSpec, Meta, Secret, Webhook, WebhookConfiguration, micro_time, time};
pub use self::place::Place;

use self::error::Refusal;

/// By what name our changes go in `managedFields`.
pub const MANAGER: &str = "sidestep-inject";
/// For one call, from its sending to the end of its answer.
const CALL_TIME: Duration = Duration::from_secs(5);
/// Largest answer in bytes; an object of Kubernetes has at most about 1.5 MiB.
const ANSWER_BYTES: usize = 4 << 20;
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// The API server. Clones share connections.
#[derive(Clone)]
pub struct Cluster {
    access: Arc<Access>,
    line: Arc<ArcSwapOption<Line>>,
}

/// Connections that trust the authorities in force.
struct Line {
    authorities: Vec<u8>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// One call.
struct Ask<'a> {
    method: Method,
    place: &'a Place,
    accept: &'static str,
    content: Option<(&'static str, &'a Value)>,
}

impl Cluster {
    /// A client; nothing is read or connected yet.
    #[must_use]
    pub fn new(access: Access) -> Cluster {
        Cluster { access: Arc::new(access), line: Arc::default() }
    }

    /// Reads an object; `None` when it does not exist.
    ///
    /// # Errors
    /// When the API server is out of reach, refuses, or answers with something else.
    pub async fn get<T: DeserializeOwned>(&self, place: &Place) -> Result<Option<T>, ClusterError> {
        let ask = Ask { method: Method::GET, place, accept: "application/json", content: None };
        match self.send(&ask).await {
            Ok(answer) => read(&ask, &answer).map(Some),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says whether an object exists, without reading what is in it.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn exists(&self, place: &Place) -> Result<bool, ClusterError> {
        let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        match self.send(&Ask { method: Method::GET, place, accept, content: None }).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sees to it that an object exists (server-side apply) and has what `object` says; the rest of it stays.
    /// Unlike with `create`, the right to do this can be limited to one name.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn apply<T: DeserializeOwned>(&self, place: &Place, object: &Value) -> Result<T, ClusterError> {
        self.change(Method::PATCH, place, ("application/apply-patch+yaml", object)).await
    }

    /// Changes the fields that `change` names (RFC 7396). With a `metadata.resourceVersion` in it, only when
    /// nobody else has changed the object since.
    ///
    /// # Errors
    /// As [`Cluster::get`]; a conflict when someone has.
    pub async fn merge<T: DeserializeOwned>(&self, place: &Place, change: &Value) -> Result<T, ClusterError> {
        self.change(Method::PATCH, place, ("application/merge-patch+json", change)).await
    }

    /// Applies operations one after the other (RFC 6902), all or none.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn patch<T: DeserializeOwned>(
        &self,
        place: &Place,
        operations: &Value,
    ) -> Result<T, ClusterError> {
        self.change(Method::PATCH, place, ("application/json-patch+json", operations)).await
    }

    /// Creates an object in a collection.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn create(&self, place: &Place, object: &Value) -> Result<(), ClusterError> {
        self.change::<Value>(Method::POST, place, ("application/json", object)).await.map(drop)
    }

    async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        place: &Place,
        content: (&'static str, &Value),
    ) -> Result<T, ClusterError> {
        let ask = Ask { method, place, accept: "application/json", content: Some(content) };
        read(&ask, &self.send(&ask).await?)
    }

    async fn send(&self, ask: &Ask<'_>) -> Result<Bytes, ClusterError> {
        let silent = |reason: String| ClusterError::Silent { action: ask.action(), reason };
        let exchange = async {
            let line = self.line().await?;
            let request = ask.request(&self.access.origin, &self.token().await?)?;
            let answer = line.client.request(request).await.map_err(|error| silent(causes(&error)))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| silent(error.to_string()))?.to_bytes();
            if status.is_success() {
                return Ok(body);
            }
            let told = serde_json::from_slice(&body).map(|refusal: Refusal| refusal.message);
            let message = told.unwrap_or_else(|_| "no reason given".to_owned());
            Err(ClusterError::Refused { action: ask.action(), status, message })
        };
        let limit = tokio::time::timeout(CALL_TIME, exchange);
        limit.await.unwrap_or_else(|_| Err(silent(format!("nothing within {} s", CALL_TIME.as_secs()))))
    }

    /// Connections that trust what the file says now.
    async fn line(&self) -> Result<Arc<Line>, ClusterError> {
        let path = &self.access.authorities;
        let authorities = content(path).await?;
        if let Some(line) = self.line.load_full().filter(|line| line.authorities == authorities) {
            return Ok(line);
        }
        let unusable = |reason: String| ClusterError::File { path: path.clone(), reason };
        let client = client(&authorities).map_err(unusable)?;
        let line = Arc::new(Line { authorities, client });
        self.line.store(Some(line.clone()));
        Ok(line)
    }

    async fn token(&self) -> Result<HeaderValue, ClusterError> {
        let path = &self.access.token;
        let unusable = |reason: &str| ClusterError::File { path: path.clone(), reason: reason.to_owned() };
        let token = content(path).await?;
        let token = std::str::from_utf8(&token).map_err(|_| unusable("it is no text"))?.trim();
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| unusable("it holds characters that no HTTP header may hold"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Ask<'_> {
    fn action(&self) -> String {
        format!("{} {}", self.method, self.place.path())
    }

    fn request(&self, origin: &str, token: &HeaderValue) -> Result<Request<Full<Bytes>>, ClusterError> {
        let query = match self.content {
            // Ours is the only field that is ever applied, and a changed chart must not lock us out of it.
            Some(("application/apply-patch+yaml", _)) => format!("?fieldManager={MANAGER}&force=true"),
            Some(_) => format!("?fieldManager={MANAGER}"),
            None => String::new(),
        };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{origin}{}{query}", self.place.path()))
            .header(USER_AGENT, concat!("sidestep-inject/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, self.accept)
            .header(AUTHORIZATION, token);
        let mut body = Bytes::new();
        if let Some((kind, content)) = self.content {
            request = request.header(CONTENT_TYPE, kind);
            body = content.to_string().into();
        }
        let unusable = |error: http::Error| ClusterError::Silent {
            action: self.action(),
            reason: format!("{origin} is no address: {error}"),
        };
        request.body(Full::new(body)).map_err(unusable)
    }
}

fn read<T: DeserializeOwned>(ask: &Ask<'_>, answer: &[u8]) -> Result<T, ClusterError> {
    serde_json::from_slice(answer).map_err(|error| {
        // Where and what kind, never the content: it may be a Secret's.
        let reason =
            format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column());
        ClusterError::Unreadable { action: ask.action(), reason }
    })
}

async fn content(path: &Path) -> Result<Vec<u8>, ClusterError> {
    let unusable =
        |error: std::io::Error| ClusterError::File { path: path.to_owned(), reason: error.to_string() };
    tokio::fs::read(path).await.map_err(unusable)
}

fn client(authorities: &[u8]) -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("no certificate in it".to_owned());
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CALL_TIME));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_all_versions()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .http2_keep_alive_timeout(CALL_TIME)
        .build(https))
}

/// An error with what caused it: the outermost alone says only that connecting failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}
