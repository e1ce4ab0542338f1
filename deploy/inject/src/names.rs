//! Names that the webhook, the chart and the sidecar share. They are an interface: people write them in manifests.

/// Label on pods and namespaces: `enabled` or `disabled`.
pub const INJECT_LABEL: &str = "sidestep.dev/inject";
/// Value of [`INJECT_LABEL`] that asks for the sidecar.
pub const ENABLED: &str = "enabled";
/// Value of [`INJECT_LABEL`] that forbids the sidecar.
pub const DISABLED: &str = "disabled";

/// What all annotations begin with.
pub(crate) const PREFIX: &str = "sidestep.dev/";
/// Annotation in which the webhook says what became of the pod: [`INJECTED`], or `skipped: ` and why.
pub const STATUS_ANNOTATION: &str = "sidestep.dev/status";
/// Value of [`STATUS_ANNOTATION`] on a pod that was given the sidecar.
pub const INJECTED: &str = "injected";

/// Annotation: the `ConfigMap` with the configuration, in the pod's namespace.
pub const CONFIG_ANNOTATION: &str = "sidestep.dev/config";
/// Annotation: the Secret with the providers' keys, in the pod's namespace.
pub const KEYS_ANNOTATION: &str = "sidestep.dev/keys-secret";
/// Annotation: the sidecar's image.
pub const IMAGE_ANNOTATION: &str = "sidestep.dev/image";
/// Annotation: the sidecar's log level.
pub const LOG_LEVEL_ANNOTATION: &str = "sidestep.dev/log-level";
/// Annotation: the sidecar's cpu request.
pub const CPU_REQUEST_ANNOTATION: &str = "sidestep.dev/cpu-request";
/// Annotation: the sidecar's cpu limit.
pub const CPU_LIMIT_ANNOTATION: &str = "sidestep.dev/cpu-limit";
/// Annotation: the sidecar's memory request.
pub const MEMORY_REQUEST_ANNOTATION: &str = "sidestep.dev/memory-request";
/// Annotation: the sidecar's memory limit.
pub const MEMORY_LIMIT_ANNOTATION: &str = "sidestep.dev/memory-limit";
/// Annotation: more environment variables for the sidecar, as `NAME=value`, one a line.
pub const ENV_ANNOTATION: &str = "sidestep.dev/env";

/// All that a pod may ask for.
pub const ANNOTATIONS: [&str; 9] = [
    CONFIG_ANNOTATION,
    KEYS_ANNOTATION,
    IMAGE_ANNOTATION,
    LOG_LEVEL_ANNOTATION,
    CPU_REQUEST_ANNOTATION,
    CPU_LIMIT_ANNOTATION,
    MEMORY_REQUEST_ANNOTATION,
    MEMORY_LIMIT_ANNOTATION,
    ENV_ANNOTATION,
];

/// The sidecar's name among the containers.
pub const CONTAINER: &str = "sidestep";
/// The name of its port with health and metrics, [`ADMIN_PORT`].
pub const ADMIN_PORT_NAME: &str = "sidestep-admin";

/// Where applications call, on loopback.
pub const LLM_PORT: u16 = 6180;
/// Health, metrics and switches.
pub const ADMIN_PORT: u16 = 6181;

/// Folder of the configuration in the sidecar.
pub const CONFIG_FOLDER: &str = "/etc/sidestep";
/// The configuration's key in its `ConfigMap`, and its name in [`CONFIG_FOLDER`].
pub const CONFIG_KEY: &str = "sidestep.yaml";
/// Folder of the providers' keys in the sidecar, a file each.
pub const KEYS_FOLDER: &str = "/var/run/secrets/sidestep";

/// Path on which pods are sent that carry the label themselves.
pub const POD_PATH: &str = "/mutate/pod";
/// Path on which pods of labelled namespaces are sent.
pub const NAMESPACE_PATH: &str = "/mutate/namespace";
