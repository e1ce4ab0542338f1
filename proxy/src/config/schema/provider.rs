//! `providers:` and `models:` as written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sidestep_dialect::CapabilityOverrides;

use super::{HealthSchema, Named, OneOrMany, Period, SecretSchema};

/// One entry of `providers:`.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderSchema {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = super::form::presets())))]
    pub(crate) preset: Option<String>,
    pub(crate) dialect: Option<OneOrMany<DialectWord>>,
    pub(crate) base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<SecretSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) http: Option<HttpWord>,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    #[cfg_attr(test, schemars(extend("propertyNames" = super::form::header())))]
    pub(crate) headers: Named<SecretSchema>,
    pub(crate) connect_timeout: Option<Period>,
}

/// A dialect's name.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum DialectWord {
    Anthropic,
    OpenAi,
    Responses,
}

/// An HTTP version's name.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum HttpWord {
    Auto,
    Http1,
    Http2,
}

/// One entry of `models:`.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelSchema {
    pub(crate) provider: String,
    pub(crate) model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strip_prefix: Option<String>,
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) max_concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) context_window: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capabilities: Option<CapabilityOverrides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<PriceSchema>,
    pub(crate) health: Option<HealthSchema>,
}

/// `price:` of a model.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceSchema {
    #[cfg_attr(test, schemars(range(min = 0, max = 1_000_000)))]
    pub(crate) input_usd_per_million: f64,
    #[cfg_attr(test, schemars(range(min = 0, max = 1_000_000)))]
    pub(crate) output_usd_per_million: f64,
}
