//! The fields that the injector reads of the objects that it deals with. Others are left alone: every
//! change is a patch.

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::Deserialize;

/// `metadata`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// Changes with every change of the object.
    pub resource_version: String,
    /// Differs when an object was deleted and made again.
    pub uid: String,
}

/// A Secret; values are base64.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// Its version.
    pub metadata: Meta,
    /// Absent when empty.
    pub data: Option<BTreeMap<String, String>>,
}

/// A Lease of `coordination.k8s.io/v1`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Lease {
    /// Its version.
    pub metadata: Meta,
    /// Who holds it.
    pub spec: LeaseSpec,
}

/// `spec` of a [`Lease`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeaseSpec {
    /// Nobody when absent or empty.
    pub holder_identity: Option<String>,
    /// For how long the holder holds it after each renewal, in seconds.
    pub lease_duration_seconds: Option<u32>,
    /// How often it changed hands.
    pub lease_transitions: Option<u32>,
}

/// A `MutatingWebhookConfiguration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WebhookConfiguration {
    /// Its version.
    pub metadata: Meta,
    /// What the API server calls.
    pub webhooks: Vec<Webhook>,
}

/// One entry of a [`WebhookConfiguration`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Webhook {
    /// Unique in its configuration.
    pub name: String,
    /// Whom to call, and whom to believe.
    pub client_config: ClientConfig,
}

/// `clientConfig` of a [`Webhook`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientConfig {
    /// PEM, in base64; absent until someone fills it in.
    pub ca_bundle: Option<String>,
    /// The Service that is called.
    pub service: Option<ServiceReference>,
}

/// `service` of a [`ClientConfig`].
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct ServiceReference {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// The present time as `MicroTime` (RFC 3339 with microseconds), as a Lease wants it.
#[must_use]
pub fn micro_time() -> String {
    let now = OffsetDateTime::now_utc();
    format!("{}.{:06}Z", seconds(now), now.microsecond())
}

/// The present time as `Time` (RFC 3339 in whole seconds).
#[must_use]
pub fn time() -> String {
    format!("{}Z", seconds(OffsetDateTime::now_utc()))
}

fn seconds(at: OffsetDateTime) -> String {
    let (date, (hour, minute, second)) = (at.date(), at.to_hms());
    let month = u8::from(date.month());
    format!("{:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}", date.year(), date.day())
}
