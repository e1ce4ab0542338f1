//! The providers: how each is reached and signed for.

mod tls;
mod transport;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use sidestep_dialect::{Dialect, Flavor, auth};
use sidestep_table::{ModelId, ProviderId};

pub use tls::{TlsError, client_config};
pub use transport::{Dial, Transport, TransportError, connect, connect_over};

use crate::config::{HttpVersion, ProviderConfig};
use crate::faults::{Faults, Passage};

/// One provider, ready to be asked.
pub struct Upstream {
    /// Its name in the configuration.
    pub id: ProviderId,
    /// Which vendor's habits it has.
    pub flavor: Flavor,
    /// The wire formats that it speaks; the first is the one to translate into.
    pub dialects: Vec<Dialect>,
    base: Base,
    headers: HeaderMap,
    signatures: Vec<Signature>,
    lacks_key: bool,
    transport: Transport,
    faults: Arc<Faults>,
    reached_by: Reach,
}

/// Everything that a connection depends on: equal reaches share connections across a reload.
#[derive(Clone, PartialEq, Eq)]
struct Reach {
    base_url: Uri,
    ca_file: Option<std::path::PathBuf>,
    http: HttpVersion,
    connect_timeout: std::time::Duration,
    lanes: usize,
}

struct Base {
    origin: String,
    path: String,
}

/// How a dialect's requests are signed: a header, marked sensitive.
struct Signature {
    dialect: Dialect,
    name: HeaderName,
    value: HeaderValue,
}

/// Makes what carries requests to a provider; the number is the most calls that it will get at once. [`dial`] is
/// the one that opens sockets; another puts a provider elsewhere, in the same process for example.
pub type Carrier = Arc<dyn Fn(&ProviderConfig, usize) -> Result<Transport, UpstreamError> + Send + Sync>;

/// Why a provider cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Its trust store cannot be made.
    #[error("provider {provider}: {source}")]
    Tls {
        /// The provider's name.
        provider: String,
        /// What is wrong.
        source: TlsError,
    },
    /// Its key cannot stand in a header.
    #[error("provider {provider}: its api_key holds characters that no HTTP header may hold (a line break?)")]
    Key {
        /// The provider's name.
        provider: String,
    },
}

impl Upstream {
    /// Makes the provider usable. Connections of `previous` are kept when nothing about them changed.
    ///
    /// # Errors
    /// When the trust store or the key is unusable.
    pub fn build(
        config: &ProviderConfig,
        max_concurrency: usize,
        previous: Option<&Upstream>,
        (carrier, faults): (&Carrier, &Arc<Faults>),
    ) -> Result<Upstream, UpstreamError> {
        let reached_by = Reach {
            base_url: config.base_url.clone(),
            ca_file: config.ca_file.clone(),
            http: config.http,
            connect_timeout: config.connect_timeout,
            lanes: reach(config, max_concurrency).lanes(),
        };
        let transport = match previous {
            // The trust store is a file that may have changed behind an unchanged name.
            Some(old) if old.reached_by == reached_by && config.ca_file.is_none() => old.transport.clone(),
            _ => carrier(config, max_concurrency)?,
        };
        Ok(Upstream {
            id: ProviderId::from(config.id.clone()),
            flavor: config.flavor,
            dialects: config.dialects.clone(),
            base: Base::from(&config.base_url),
            headers: extra_headers(config)?,
            signatures: signatures(config)?,
            lacks_key: !config.has_credential(),
            transport,
            faults: faults.clone(),
            reached_by,
        })
    }

    /// True when the provider speaks `dialect` itself.
    #[must_use]
    pub fn speaks(&self, dialect: Dialect) -> bool {
        self.dialects.contains(&dialect)
    }

    /// True when a key is configured whose variable or file is not there: asking would be in vain.
    #[must_use]
    pub fn lacks_key(&self) -> bool {
        self.lacks_key
    }

    /// Where it is: scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.base.origin
    }

    /// The way there for one request, about `model` if it is about one; a rehearsed fault may stand in it.
    #[must_use]
    pub fn passage(&self, model: Option<&ModelId>) -> Passage {
        Passage::new(self.transport.clone(), self.flavor, self.faults.draw(&self.id, model))
    }

    /// A signed request for `path` (as in `/v1/messages`), with `headers` beside the provider's own.
    #[must_use]
    pub fn request(
        &self,
        dialect: Dialect,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.base.join(path);
        *request.headers_mut() = headers;
        self.sign(dialect, request.headers_mut());
        request
    }

    fn sign(&self, dialect: Dialect, headers: &mut HeaderMap) {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json, text/event-stream"));
        // Events must be seen as they come; a compressor in between would hold them back.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(signature) = self.signatures.iter().find(|signature| signature.dialect == dialect) {
            headers.insert(signature.name.clone(), signature.value.clone());
        }
        headers.extend(self.headers.clone());
    }
}

/// Carries requests over TCP, with TLS where the URL says so.
///
/// # Errors
/// When the trust store is unusable.
pub fn dial(config: &ProviderConfig, max_concurrency: usize) -> Result<Transport, UpstreamError> {
    let tls = client_config(config.ca_file.as_deref())
        .map_err(|source| UpstreamError::Tls { provider: config.id.to_string(), source })?;
    Ok(connect(&reach(config, max_concurrency), tls))
}

fn reach(config: &ProviderConfig, max_concurrency: usize) -> Dial {
    Dial { http: config.http, connect_timeout: config.connect_timeout, max_concurrency }
}

fn signatures(config: &ProviderConfig) -> Result<Vec<Signature>, UpstreamError> {
    let Some(key) = config.api_key.as_ref().and_then(|key| key.secret()) else { return Ok(Vec::new()) };
    let unusable = || UpstreamError::Key { provider: config.id.to_string() };
    let sign = |dialect: &Dialect| {
        let (name, value) = auth::sign(*dialect, key.expose()).ok_or_else(unusable)?;
        Ok(Signature { dialect: *dialect, name, value })
    };
    config.dialects.iter().map(sign).collect()
}

fn extra_headers(config: &ProviderConfig) -> Result<HeaderMap, UpstreamError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let Some(value) = value.secret() else { continue };
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| UpstreamError::Key { provider: config.id.to_string() })?;
        value.set_sensitive(true);
        headers.append(name.clone(), value);
    }
    Ok(headers)
}

// === impl Base ===

impl From<&Uri> for Base {
    fn from(uri: &Uri) -> Self {
        let scheme = uri.scheme_str().unwrap_or("https");
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        Base { origin: format!("{scheme}://{authority}"), path: uri.path().trim_end_matches('/').to_owned() }
    }
}

impl Base {
    /// The URL of `path`, which may begin with `/v1`: the base URL has the version segment already.
    fn join(&self, path: &str) -> Uri {
        let path = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let joined = format!("{}{}{path}", self.origin, self.path);
        // A base URL was parsed once and a path is one of ours; the fallback resolves nowhere (RFC 2606).
        joined.parse().unwrap_or_else(|_| Uri::from_static("http://sidestep.invalid/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_continues_the_version_segment_of_the_base_url() {
        for (base, expected) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
            ("https://api.groq.com/openai/v1/", "https://api.groq.com/openai/v1/chat/completions"),
            ("https://example.test/v1beta/openai", "https://example.test/v1beta/openai/chat/completions"),
        ] {
            let base = Base::from(&base.parse::<Uri>().unwrap());
            assert_eq!(base.join("/v1/chat/completions").to_string(), expected);
            assert_eq!(base.join("/chat/completions").to_string(), expected);
        }
    }
}
