//! The patch that carries a decision out.

use serde_json::{Value, json};

use crate::decision::Sidecar as Place;
use crate::names;
use crate::overrides::{BadAnnotation, Overrides, short};
use crate::patch::Patch;
use crate::pod::{Container, Pod};
use crate::settings::SidecarSettings;
use crate::sidecar::Sidecar;
use crate::variables::{Lacking, is_provided};

/// What is to be changed in a pod, and what a person should know of it.
#[derive(Debug, Default)]
pub(crate) struct Injection {
    pub(crate) patch: Patch,
    pub(crate) remarks: Vec<String>,
}

// === impl Injection ===

impl Injection {
    /// Puts the sidecar into `pod`.
    pub(crate) fn of_sidecar(
        settings: &SidecarSettings,
        pod: &Pod<'_>,
        asked: &Overrides,
    ) -> Result<Self, BadAnnotation> {
        let Sidecar { container, volumes, remarks } = Sidecar::of(settings, pod, asked)?;
        let mut injection = Self { remarks, ..Self::default() };
        injection.remark(settings, pod, asked);
        // Their places are those before the sidecar is put at the head.
        let callers: Vec<&Container<'_>> = if settings.native {
            pod.all().filter(|container| !container.is_native_sidecar()).collect()
        } else {
            pod.containers.iter().collect()
        };
        for container in callers {
            injection.provide(container, settings);
        }
        injection.patch.append("/spec/volumes", pod.volumes.is_some(), volumes);
        if settings.native {
            injection.patch.prepend("/spec/initContainers", pod.init_containers.is_some(), container);
        } else {
            injection.patch.append("/spec/containers", true, vec![container]);
        }
        injection.mark(pod, names::INJECTED.to_owned());
        Ok(injection)
    }

    /// Gives what they lack to the containers that came after the sidecar was put in.
    pub(crate) fn of_latecomers(settings: &SidecarSettings, pod: &Pod<'_>, sidecar: Place) -> Self {
        let mut injection = Self::default();
        // Another call for the same pod is nothing to speak of; a copied pod, or one that somebody else saw to, is.
        if !pod.is_marked_injected() {
            injection.remarks.push("the pod has the sidecar already, which is left as it is".to_owned());
        }
        for (place, container) in pod.init_containers.iter().flatten().enumerate() {
            let Place::Native(own) = sidecar else { break };
            if container.is_native_sidecar() || is_provided(container) {
                continue;
            }
            if place < own {
                injection.remarks.push(format!(
                    "init container {} was put before the sidecar, and cannot call it",
                    short(container.name)
                ));
            } else {
                injection.provide(container, settings);
            }
        }
        for container in pod.containers.iter().filter(|one| one.name != names::CONTAINER && !is_provided(one))
        {
            injection.provide(container, settings);
        }
        injection
    }

    /// Writes why into a pod that goes on without.
    pub(crate) fn of_reason(pod: &Pod<'_>, why: &str) -> Self {
        let mut injection = Self::default();
        injection.mark(pod, format!("skipped: {why}"));
        injection
    }

    fn provide(&mut self, container: &Container<'_>, settings: &SidecarSettings) {
        let Lacking { variables, remarks } = Lacking::of(container, settings.placeholder_keys);
        self.remarks.extend(remarks);
        let values = variables.into_iter().map(|(name, value)| json!({ "name": name, "value": value }));
        let values: Vec<Value> = values.collect();
        self.patch.append(&format!("{}/env", container.pointer), container.env.is_some(), values);
    }

    fn mark(&mut self, pod: &Pod<'_>, status: String) {
        if pod.annotation(names::STATUS_ANNOTATION) != Some(status.as_str()) {
            let entry = (names::STATUS_ANNOTATION, status);
            self.patch.set("/metadata/annotations", pod.annotations().is_some(), entry);
        }
    }

    fn remark(&mut self, settings: &SidecarSettings, pod: &Pod<'_>, asked: &Overrides) {
        for annotation in &asked.unknown {
            self.remarks.push(format!("annotation {} means nothing", short(annotation)));
        }
        if pod.is_true("shareProcessNamespace") {
            self.remarks.push(
                "the pod shares its process namespace: a container that runs as root, or as the sidecar's user, can read its keys"
                    .to_owned(),
            );
        }
        if !settings.native && pod.is_job() {
            self.remarks.push(
                "without native sidecars the sidecar goes on after the application has ended, and the Job does not complete"
                    .to_owned(),
            );
        }
        if !settings.native && pod.init_containers.iter().flatten().next().is_some() {
            self.remarks.push(
                "without native sidecars, init containers run before the sidecar and cannot call it"
                    .to_owned(),
            );
        }
    }
}
