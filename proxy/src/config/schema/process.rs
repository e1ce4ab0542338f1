//! `admin:`, `limits:`, `health:`, `probes:`, `drain:` and `log:` as written.

use serde::{Deserialize, Serialize};

use super::{Address, Period, SecretSchema, Size};

/// `admin:`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminSchema {
    pub(crate) listen: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<SecretSchema>,
}

/// `limits:`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSchema {
    pub(crate) body_bytes: Option<Size>,
    pub(crate) header_bytes: Option<Size>,
    pub(crate) uri_bytes: Option<Size>,
    pub(crate) header_timeout: Option<Period>,
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) connections: Option<usize>,
    pub(crate) event_bytes: Option<Size>,
    pub(crate) answer_bytes: Option<Size>,
}

/// `health:`, of all models or of one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthSchema {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 0.05, max = 0.9)))]
    pub(crate) failure_rate_threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 1, max = 100)))]
    pub(crate) consecutive_failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cooldown: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_cooldown: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slow_start: Option<Period>,
}

/// `probes:`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbesSchema {
    pub(crate) enabled: Option<bool>,
    pub(crate) interval: Option<Period>,
    pub(crate) suspect_interval: Option<Period>,
    pub(crate) timeout: Option<Period>,
    pub(crate) budget: Option<BudgetSchema>,
}

/// `budget:` of the probes: one of the two.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, schemars(extend("minProperties" = 1, "maxProperties" = 1)))]
pub(crate) struct BudgetSchema {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("exclusiveMinimum" = 0)))]
    pub(crate) usd_per_day: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) tokens_per_day: Option<u64>,
}

/// `drain:`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct DrainSchema {
    pub(crate) grace: Option<Period>,
    pub(crate) timeout: Option<Period>,
}

/// `log:`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSchema {
    pub(crate) level: Option<String>,
    pub(crate) format: Option<FormatWord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access: Option<AccessSchema>,
}

/// `access:` of the log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessSchema {
    #[cfg_attr(test, schemars(range(min = 0, max = 1)))]
    pub(crate) sample: Option<f64>,
    pub(crate) errors: Option<bool>,
}

/// What `format:` may be.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum FormatWord {
    Text,
    Json,
}
