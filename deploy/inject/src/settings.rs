//! The injector's own settings, one YAML file that the chart renders.

mod process;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

pub use self::process::{Drain, Log, LogFormat, OwnCertificate};

/// Everything that an injector is told.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The namespace that the injector runs in. Its pods are left alone.
    pub namespace: String,
    /// Where the API server calls, over TLS.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Where the injector's own health and metrics are served, without TLS.
    #[serde(default = "default_admin_listen")]
    pub admin_listen: SocketAddr,
    /// Where the certificate comes from.
    pub certificate: Certificate,
    /// Whether a skipped pod is told in an Event, too.
    #[serde(default = "yes")]
    pub events: bool,
    /// How the process ends.
    #[serde(default)]
    pub drain: Drain,
    /// What is logged.
    #[serde(default)]
    pub log: Log,
    /// What is put into pods.
    pub sidecar: SidecarSettings,
}

/// Where the webhook's certificate comes from.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "mode", rename_all = "lowercase", deny_unknown_fields)]
pub enum Certificate {
    /// Issued and rotated by the injectors themselves, which also write the CA into the webhook configuration.
    #[serde(rename = "self")]
    Own(OwnCertificate),
    /// Read from files, again whenever they change.
    Files {
        /// Folder with `tls.crt` and `tls.key`.
        folder: PathBuf,
    },
}

/// What is put into pods.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SidecarSettings {
    /// The image.
    pub image: String,
    /// `Always`, `IfNotPresent` or `Never`; Kubernetes' own choice if it is not given.
    #[serde(default)]
    pub pull_policy: Option<String>,
    /// Native sidecar (Kubernetes 1.29 and later), or an ordinary container.
    #[serde(default = "yes")]
    pub native: bool,
    /// The `ConfigMap` in the pod's namespace with `sidestep.yaml`. Without one, the sidecar makes its configuration
    /// from the keys that it finds.
    #[serde(default)]
    pub config: Option<String>,
    /// The Secret in the pod's namespace with the providers' keys, each under its variable's name.
    #[serde(default)]
    pub keys_secret: Option<String>,
    /// Requests and limits.
    #[serde(default)]
    pub resources: Resources,
    /// What is both request and limit in a pod of the quality class Guaranteed, which thus stays in it.
    #[serde(default = "default_guaranteed")]
    pub guaranteed: BTreeMap<String, String>,
    /// Whether the application's containers get placeholders for API keys that they do not set. SDKs insist on one.
    #[serde(default = "yes")]
    pub placeholder_keys: bool,
    /// The user and group that the sidecar runs as; `null` leaves both to the cluster.
    #[serde(default = "default_user")]
    pub run_as_user: Option<u32>,
    /// The address that health and metrics are served on; `::` in clusters with nothing but IPv6.
    #[serde(default = "default_admin_host")]
    pub admin_host: IpAddr,
    /// Log level of sidecars, in place of what their configuration says.
    #[serde(default)]
    pub log_level: Option<String>,
}

/// Requests and limits, as Kubernetes writes them.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// `cpu` and `memory`.
    pub requests: BTreeMap<String, String>,
    /// `cpu` and `memory`.
    pub limits: BTreeMap<String, String>,
}

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
#[error("injector settings: {0}")]
pub struct SettingsError(#[from] serde_yaml::Error);

// === impl Settings ===

impl Settings {
    /// Reads settings from YAML.
    ///
    /// # Errors
    /// What is wrong, with its line where that is known.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        Ok(serde_yaml::from_str(text)?)
    }
}

// === impl Resources ===

impl Default for Resources {
    fn default() -> Self {
        Self {
            requests: figures([("cpu", "50m"), ("memory", "64Mi")]),
            limits: figures([("cpu", "1"), ("memory", "256Mi")]),
        }
    }
}

fn figures(pairs: [(&str, &str); 2]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(resource, quantity)| (resource.to_owned(), quantity.to_owned())).collect()
}

fn default_guaranteed() -> BTreeMap<String, String> {
    figures([("cpu", "200m"), ("memory", "128Mi")])
}

const fn default_listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8443)
}

const fn default_admin_listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8081)
}

const fn default_admin_host() -> IpAddr {
    IpAddr::V4(Ipv4Addr::UNSPECIFIED)
}

// Not the 65532 of common base images: in a pod that shares its process namespace, an application of the same user
// could read the sidecar's memory and files.
#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
const fn default_user() -> Option<u32> {
    Some(61_800)
}

const fn yes() -> bool {
    true
}
