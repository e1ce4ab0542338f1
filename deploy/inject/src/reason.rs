//! Why a pod goes on without the sidecar.

use std::fmt;

use crate::names;
use crate::overrides::{BadAnnotation, short};
use crate::pod::Malformed;

/// Why a pod goes on without the sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Neither the pod nor its namespace asked for it.
    NotOptedIn,
    /// The pod's label has a value that means nothing.
    UnknownLabel(String),
    /// The pod's label forbids it.
    OptedOut,
    /// The injector's own namespace, or one of the cluster's.
    Namespace(String),
    /// What the kubelet made for a static pod.
    Mirror,
    /// It shares the node's network.
    HostNetwork,
    /// It runs on Windows.
    Windows,
    /// A container of that name is there that is not ours.
    ByHand,
    /// One of its containers listens on one of our ports.
    PortInUse {
        /// The container's name.
        container: String,
        /// The port.
        port: u16,
    },
    /// One of its annotations cannot be read.
    Annotation(String),
    /// Its `ConfigMap` does not exist.
    NoConfig {
        /// The `ConfigMap`'s name.
        name: String,
        /// The pod's namespace.
        namespace: String,
    },
    /// Neither a `ConfigMap` nor a Secret is named.
    NothingToRunWith,
    /// The object is not as a pod is.
    Malformed(String),
}

// === impl Reason ===

impl Reason {
    /// All that [`Self::label`] may say.
    pub const LABELS: [&'static str; 13] = [
        "not_opted_in",
        "unknown_label",
        "opted_out",
        "namespace",
        "mirror_pod",
        "host_network",
        "windows",
        "already_injected",
        "port_in_use",
        "bad_annotation",
        "no_config",
        "nothing_to_run_with",
        "malformed",
    ];

    /// In a word.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::NotOptedIn => "not_opted_in",
            Self::UnknownLabel(_) => "unknown_label",
            Self::OptedOut => "opted_out",
            Self::Namespace(_) => "namespace",
            Self::Mirror => "mirror_pod",
            Self::HostNetwork => "host_network",
            Self::Windows => "windows",
            Self::ByHand => "already_injected",
            Self::PortInUse { .. } => "port_in_use",
            Self::Annotation(_) => "bad_annotation",
            Self::NoConfig { .. } => "no_config",
            Self::NothingToRunWith => "nothing_to_run_with",
            Self::Malformed(_) => "malformed",
        }
    }

    /// Whether somebody should hear of it. Who did not ask for the sidecar has no need to.
    pub(crate) const fn is_told(&self) -> bool {
        !matches!(self, Self::NotOptedIn | Self::Namespace(_))
    }

    /// Whether the pod is to carry it. What is there by hand is left alone, and a mirror pod only shows what runs.
    pub(crate) const fn is_written(&self) -> bool {
        self.is_told() && !matches!(self, Self::ByHand | Self::Mirror | Self::Malformed(_))
    }

    /// Whether it is worth an Event: somebody asked for the sidecar and has to change something to get it.
    pub(crate) const fn is_event(&self) -> bool {
        self.is_written() && !matches!(self, Self::OptedOut)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOptedIn => write!(
                f,
                "neither the pod nor its namespace asks for it by the label {}",
                names::INJECT_LABEL
            ),
            Self::UnknownLabel(value) => write!(
                f,
                "label {} is {:?}; only {} and {} mean something",
                names::INJECT_LABEL,
                short(value),
                names::ENABLED,
                names::DISABLED
            ),
            Self::OptedOut => write!(f, "label {} is {}", names::INJECT_LABEL, names::DISABLED),
            Self::Namespace(name) => write!(f, "nothing is injected in namespace {name}"),
            Self::Mirror => f.write_str("it mirrors a static pod; change the manifest on its node"),
            Self::HostNetwork => {
                f.write_str("it uses hostNetwork, where loopback is shared by the whole node")
            }
            Self::Windows => f.write_str("it runs on Windows, and the sidecar is for Linux"),
            Self::ByHand => write!(f, "it already has a container named {}", names::CONTAINER),
            Self::PortInUse { container, port } => {
                write!(f, "container {} listens on port {port}, which the sidecar needs", short(container))
            }
            Self::Annotation(why) | Self::Malformed(why) => f.write_str(why),
            Self::NoConfig { name, namespace } => write!(
                f,
                "ConfigMap {} does not exist in namespace {namespace}; create it, or name another in {}",
                short(name),
                names::CONFIG_ANNOTATION
            ),
            Self::NothingToRunWith => write!(
                f,
                "neither a ConfigMap nor a Secret with keys is named; name one in {} or {}",
                names::CONFIG_ANNOTATION,
                names::KEYS_ANNOTATION
            ),
        }
    }
}

impl From<BadAnnotation> for Reason {
    fn from(error: BadAnnotation) -> Self {
        Self::Annotation(error.to_string())
    }
}

impl From<Malformed> for Reason {
    fn from(Malformed(why): Malformed) -> Self {
        Self::Malformed(format!("it cannot be read: {why}"))
    }
}
