//! Names that the webhook, the chart and the sidecar share. They are an interface: people write them in manifests.

/// Label on pods and namespaces: `enabled` or `disabled`.
pub const INJECT_LABEL: &str = "sidestep.dev/inject";
/// Value of [`INJECT_LABEL`] that asks for the sidecar.
pub const ENABLED: &str = "enabled";
/// Value of [`INJECT_LABEL`] that forbids the sidecar.
pub const DISABLED: &str = "disabled";

/// Annotation in which the webhook says what became of the pod.
pub const STATUS_ANNOTATION: &str = "sidestep.dev/status";
/// Annotation: the name of the `ConfigMap` with the configuration.
pub const CONFIG_ANNOTATION: &str = "sidestep.dev/config";

/// The sidecar's name among the containers.
pub const CONTAINER: &str = "sidestep";

/// Where applications call, on loopback.
pub const LLM_PORT: u16 = 6180;
/// Health, metrics and switches.
pub const ADMIN_PORT: u16 = 6181;

/// Path on which pods are sent that carry the label themselves.
pub const POD_PATH: &str = "/mutate/pod";
/// Path on which pods of labelled namespaces are sent.
pub const NAMESPACE_PATH: &str = "/mutate/namespace";
