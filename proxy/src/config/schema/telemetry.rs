//! `telemetry:` as written.

use serde::{Deserialize, Serialize};

use super::{Named, Period, SecretSchema};

/// `telemetry:`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetrySchema {
    pub(crate) endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    #[cfg_attr(test, schemars(extend("propertyNames" = super::form::header())))]
    pub(crate) headers: Named<SecretSchema>,
    #[cfg_attr(test, schemars(range(min = 0, max = 1)))]
    pub(crate) sample: Option<f64>,
    pub(crate) service_name: Option<String>,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub(crate) resource: Named<String>,
    pub(crate) timeout: Option<Period>,
    pub(crate) propagate: Option<bool>,
}
