//! Whether a pod gets the sidecar.

use serde_json::Value;

use crate::names;
use crate::overrides::Overrides;
use crate::pod::Pod;
use crate::reason::Reason;
use crate::review::OptIn;
use crate::settings::{Settings, SidecarSettings};

/// What to do with a pod that is not skipped.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Put the sidecar in, as the annotations ask.
    Inject(Box<Overrides>),
    /// It is there: other webhooks may have added containers after it.
    Complete(Sidecar),
}

/// Where the sidecar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sidecar {
    /// Among the init containers, at this place.
    Native(usize),
    /// Among the ordinary ones.
    Plain,
}

const OS_LABELS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];

// === impl Decision ===

impl Decision {
    /// All but whether its `ConfigMap` exists.
    pub(crate) fn about(
        pod: &Pod<'_>,
        namespace: &str,
        opt_in: OptIn,
        settings: &Settings,
    ) -> Result<Self, Reason> {
        if namespace == settings.namespace || namespace == "kube-system" {
            return Err(Reason::Namespace(namespace.to_owned()));
        }
        opted_in(pod, opt_in)?;
        runs_here(pod)?;
        if let Some(sidecar) = existing(pod, &settings.sidecar)? {
            return Ok(Self::Complete(sidecar));
        }
        ports_are_free(pod)?;
        let overrides = Overrides::of(pod)?;
        let SidecarSettings { keys_secret, .. } = &settings.sidecar;
        let keys = overrides.keys_secret.is_some() || keys_secret.is_some();
        if !keys && settings.sidecar.config_of(&overrides).is_none() {
            return Err(Reason::NothingToRunWith);
        }
        Ok(Self::Inject(Box::new(overrides)))
    }
}

fn opted_in(pod: &Pod<'_>, opt_in: OptIn) -> Result<(), Reason> {
    match (pod.label(names::INJECT_LABEL), opt_in) {
        (Some(names::ENABLED), _) | (None, OptIn::Namespace) => Ok(()),
        (Some(names::DISABLED), _) => Err(Reason::OptedOut),
        (None, OptIn::Pod) => Err(Reason::NotOptedIn),
        // Whoever writes `false` in a labelled namespace does not want it.
        (Some(other), _) => Err(Reason::UnknownLabel(other.to_owned())),
    }
}

fn runs_here(pod: &Pod<'_>) -> Result<(), Reason> {
    if pod.is_mirror() {
        Err(Reason::Mirror)
    } else if pod.is_true("hostNetwork") {
        Err(Reason::HostNetwork)
    } else if is_windows(pod) {
        Err(Reason::Windows)
    } else {
        Ok(())
    }
}

/// Many Windows pods say so by their node only.
fn is_windows(pod: &Pod<'_>) -> bool {
    let windows = |value: &Value| value == "windows";
    let os = pod.spec.get("os").and_then(|os| os.get("name"));
    let selector = pod.spec.get("nodeSelector");
    os.is_some_and(windows)
        || OS_LABELS.iter().any(|label| selector.and_then(|all| all.get(label)).is_some_and(windows))
        || wants_windows_nodes(pod).unwrap_or(false)
}

/// Whether every term of the required node affinity, any one of which is enough, asks for Windows.
fn wants_windows_nodes(pod: &Pod<'_>) -> Option<bool> {
    let affinity = pod.spec.get("affinity")?.get("nodeAffinity")?;
    let required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")?;
    let terms = required.get("nodeSelectorTerms")?.as_array()?;
    let asks = |expression: &Value| {
        let text = |field| expression.get(field).and_then(Value::as_str).unwrap_or_default();
        let values = expression.get("values").and_then(Value::as_array);
        OS_LABELS.contains(&text("key"))
            && text("operator") == "In"
            && values
                .is_some_and(|values| !values.is_empty() && values.iter().all(|value| value == "windows"))
    };
    let windows = |term: &Value| {
        term.get("matchExpressions").and_then(Value::as_array).is_some_and(|all| all.iter().any(asks))
    };
    Some(!terms.is_empty() && terms.iter().all(windows))
}

/// The sidecar that is there already. One among the ordinary containers is ours only if the pod says so.
fn existing(pod: &Pod<'_>, settings: &SidecarSettings) -> Result<Option<Sidecar>, Reason> {
    let mut before = pod.init_containers.iter().flatten().enumerate();
    if let Some((place, found)) = before.find(|(_, one)| one.name == names::CONTAINER) {
        return if found.is_native_sidecar() {
            Ok(Some(Sidecar::Native(place)))
        } else {
            Err(Reason::ByHand)
        };
    }
    if !pod.containers.iter().any(|one| one.name == names::CONTAINER) {
        return Ok(None);
    }
    if !settings.native && pod.is_marked_injected() { Ok(Some(Sidecar::Plain)) } else { Err(Reason::ByHand) }
}

fn ports_are_free(pod: &Pod<'_>) -> Result<(), Reason> {
    for container in pod.all() {
        if let Some(port) =
            [names::LLM_PORT, names::ADMIN_PORT].into_iter().find(|port| container.listens_on(*port))
        {
            return Err(Reason::PortInUse { container: container.name.to_owned(), port });
        }
    }
    Ok(())
}
