//! `providers:` and `models:` as written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sidestep_dialect::CapabilityOverrides;

use super::{HealthSchema, Named, OneOrMany, Period, SecretSchema};

/// One entry of `providers:`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderSchema {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preset: Option<String>,
    pub(crate) dialect: Option<OneOrMany<DialectWord>>,
    pub(crate) base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<SecretSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) http: Option<HttpWord>,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub(crate) headers: Named<SecretSchema>,
    pub(crate) connect_timeout: Option<Period>,
}

/// A dialect's name.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DialectWord {
    Anthropic,
    OpenAi,
    Responses,
}

/// An HTTP version's name.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HttpWord {
    Auto,
    Http1,
    Http2,
}

/// One entry of `models:`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelSchema {
    pub(crate) provider: String,
    pub(crate) model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probe: Option<String>,
    pub(crate) max_concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context_window: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capabilities: Option<CapabilityOverrides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<PriceSchema>,
    pub(crate) health: Option<HealthSchema>,
}

/// `price:` of a model.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceSchema {
    pub(crate) input_usd_per_million: f64,
    pub(crate) output_usd_per_million: f64,
}
