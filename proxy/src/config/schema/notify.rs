//! `notify:` as written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Named, OneOrMany, SecretSchema};

/// `notify:`.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct NotifySchema {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) runbook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
    #[cfg_attr(test, schemars(extend("minProperties" = 1, "propertyNames" = super::form::name())))]
    pub(crate) targets: Named<NotifyTargetSchema>,
}

/// One entry of `targets:`.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct NotifyTargetSchema {
    pub(crate) kind: TargetKindWord,
    pub(crate) url: SecretSchema,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<SecretSchema>,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    #[cfg_attr(test, schemars(extend("propertyNames" = super::form::header())))]
    pub(crate) headers: Named<SecretSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) events: Option<OneOrMany<EventWord>>,
}

/// What `kind:` may be.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum TargetKindWord {
    Slack,
    Webhook,
    Alertmanager,
}

/// What `events:` may name.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventWord {
    Opened,
    Restored,
    NothingEligible,
    CredentialRefused,
    ProbeBudgetSpent,
    ConfigRefused,
    Rehearsal,
}
