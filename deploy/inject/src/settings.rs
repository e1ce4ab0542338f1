//! The injector's own settings, one YAML file that the chart renders.

mod process;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::overrides::{self, Overrides};
use crate::quantity::Quantity;
use crate::resources::{Figures, Resources};

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
    /// When it is pulled; Kubernetes' own choice if it is not given.
    #[serde(default)]
    pub pull_policy: Option<PullPolicy>,
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
    pub guaranteed: Figures,
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

/// When an image is pulled, as Kubernetes has it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub enum PullPolicy {
    /// Each time.
    Always,
    /// Once on a node.
    IfNotPresent,
    /// It is on the node.
    Never,
}

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not the YAML that was expected.
    #[error("injector settings: {0}")]
    Yaml(#[from] serde_yaml::Error),
    /// A value that no pod could be given.
    #[error("injector settings: sidecar.{key}: {why}")]
    Value {
        /// Its key within `sidecar`.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

// === impl Settings ===

impl Settings {
    /// Reads settings from YAML. What would make pods invalid, and with them block whoever makes them, is refused.
    ///
    /// # Errors
    /// What is wrong, with its line or its key.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = serde_yaml::from_str(text)?;
        settings.sidecar.check().map_err(|(key, why)| SettingsError::Value { key, why })?;
        Ok(settings)
    }
}

// === impl SidecarSettings ===

impl SidecarSettings {
    /// The `ConfigMap` of a pod that asks for `asked`.
    pub(crate) fn config_of<'a>(&'a self, asked: &'a Overrides) -> Option<&'a str> {
        asked.config.as_deref().or(self.config.as_deref())
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        overrides::image(&self.image).map_err(|why| ("image", why))?;
        for (key, name) in [("config", &self.config), ("keys_secret", &self.keys_secret)] {
            name.as_deref().map(overrides::object_name).transpose().map_err(|why| (key, why))?;
        }
        self.log_level.as_deref().map(overrides::log_level).transpose().map_err(|why| ("log_level", why))?;
        let Resources { requests, limits } = &self.resources;
        if requests.cpu > limits.cpu || requests.memory > limits.memory {
            return Err(("resources", "a request is more than its limit".to_owned()));
        }
        if self.run_as_user == Some(0) {
            return Err(("run_as_user", "the sidecar does not run as root".to_owned()));
        }
        Ok(())
    }
}

fn default_guaranteed() -> Figures {
    Figures { cpu: Quantity::milli(200), memory: Quantity::mebi(128) }
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
