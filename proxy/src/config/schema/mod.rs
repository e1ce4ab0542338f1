//! The YAML as written: every key that exists, none that does not.
//!
//! Names are not looked up and nothing is substituted here; [`resolve`](super::resolve) does both.

mod faults;
#[cfg(test)]
mod form;
mod names;
mod notify;
mod process;
mod provider;
mod route;
mod scalar;
mod secret;
mod telemetry;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use self::scalar::Period;

pub(super) use self::{
    faults::FaultsSchema,
    names::{Named, OneOrMany},
    notify::{EventWord, NotifySchema, NotifyTargetSchema, TargetKindWord},
    process::{
        AccessSchema, AdminSchema, BudgetSchema, DrainSchema, FormatWord, HealthSchema, LimitsSchema,
        LogSchema, ProbesSchema,
    },
    provider::{DialectWord, HttpWord, ModelSchema, PriceSchema, ProviderSchema},
    route::{LossyWord, RetryBudgetSchema, RouteSchema, TargetSchema},
    scalar::{Address, REFUSAL, Size},
    secret::SecretSchema,
    telemetry::TelemetrySchema,
};

/// A whole file.
#[derive(Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct FileSchema {
    pub(super) listen: Option<Address>,
    pub(super) admin: Option<AdminSchema>,
    pub(super) limits: Option<LimitsSchema>,
    #[cfg_attr(test, schemars(extend("minProperties" = 1, "propertyNames" = form::name())))]
    pub(super) providers: Named<ProviderSchema>,
    #[cfg_attr(test, schemars(extend("minProperties" = 1, "propertyNames" = form::name())))]
    pub(super) models: Named<ModelSchema>,
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub(super) routes: Vec<RouteSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) health: Option<HealthSchema>,
    pub(super) probes: Option<ProbesSchema>,
    pub(super) faults: Option<FaultsSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notify: Option<NotifySchema>,
    pub(super) drain: Option<DrainSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<PathBuf>,
    pub(super) log: Option<LogSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) telemetry: Option<TelemetrySchema>,
}
