//! A provider and a model as configured.

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderName, Uri};
use sidestep_dialect::CapabilityOverrides;
use sidestep_table::Policy;

use super::{Credential, Dialect, Flavor};

/// One provider: an API surface that fails together.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderConfig {
    /// The name under `providers:`, used in metrics, switches and headers.
    pub id: String,
    /// The preset that it began with, if any.
    pub preset: Option<&'static str>,
    /// Whose peculiarities the wire format has.
    pub flavor: Flavor,
    /// What it speaks; never empty. The first one is what translated calls are sent in.
    pub dialects: Vec<Dialect>,
    /// Absolute `http` or `https` URL that ends in the version segment, without a trailing slash:
    /// `https://api.anthropic.com/v1`. Endpoints such as `/messages` are appended to it.
    pub base_url: Uri,
    /// The key that the provider is called with; `None` for one that wants none.
    pub api_key: Option<Credential>,
    /// PEM file with certificate authorities trusted for this provider beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Which HTTP version is spoken.
    pub http: HttpVersion,
    /// Headers added to every call, `anthropic-beta` or a gateway's tenant for example.
    pub headers: Vec<(HeaderName, Credential)>,
    /// Longest time for TCP and TLS to be established.
    pub connect_timeout: Duration,
}

/// Which HTTP version is spoken to a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// Whatever TLS negotiates; HTTP/1.1 without TLS.
    #[default]
    Auto,
    /// HTTP/1.1 always.
    Http1,
    /// HTTP/2 always, without TLS by prior knowledge.
    Http2,
}

/// One upstream model at one provider, the unit that is probed and broken.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The name under `models:`.
    pub id: String,
    /// Index into [`Config::providers`](super::Config::providers).
    pub provider: usize,
    /// The name sent upstream.
    pub model: UpstreamName,
    /// Most calls in flight at once.
    pub max_concurrency: u32,
    /// What is known better than by its name: `capabilities:`, with `context_window` and `max_output_tokens`.
    pub capabilities: CapabilityOverrides,
    /// When it is given up, left alone and taken back: `health:` of the file, and of the model over it.
    pub policy: Arc<Policy>,
    /// What it costs, for a probe budget in money.
    pub price: Option<Price>,
}

/// The name that a model is asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamName {
    /// Always this one.
    Exact(String),
    /// The one that the caller asked for; `probe` is the name that probes use.
    AsAsked {
        /// The name that probes use.
        probe: String,
        /// What is taken off the front of what the caller asked for; empty for nothing.
        prefix: String,
    },
}

/// What a model costs, in US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Per million tokens of input.
    pub input_usd_per_million: f64,
    /// Per million tokens of output.
    pub output_usd_per_million: f64,
}

// === impl ProviderConfig ===

impl ProviderConfig {
    /// Whether it can be called: it needs no key, or its key is there.
    pub fn has_credential(&self) -> bool {
        self.api_key.as_ref().is_none_or(|key| key.secret().is_some())
    }
}

// === impl UpstreamName ===

impl UpstreamName {
    /// The name to send for a caller that asked for `asked`.
    pub fn for_caller<'a>(&'a self, asked: &'a str) -> &'a str {
        match self {
            Self::Exact(name) => name,
            Self::AsAsked { prefix, .. } => asked.strip_prefix(prefix.as_str()).unwrap_or(asked),
        }
    }

    /// The name that probes use.
    pub fn for_probe(&self) -> &str {
        match self {
            Self::Exact(name) | Self::AsAsked { probe: name, .. } => name,
        }
    }
}
