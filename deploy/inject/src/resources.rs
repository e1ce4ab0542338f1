//! The sidecar's requests and limits: what the settings say, what the pod asks for, and what leaves the pod as it was.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names;
use crate::overrides::{Amounts, BadAnnotation, Overrides};
use crate::pod::{Container, Pod};
use crate::quantity::Quantity;

/// Requests and limits, as Kubernetes writes them.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// What is set aside for the sidecar.
    pub requests: Figures,
    /// What it may use.
    pub limits: Figures,
}

/// An amount of each resource.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// In cores.
    pub cpu: Quantity,
    /// In bytes.
    pub memory: Quantity,
}

/// What the sidecar gets.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Share {
    #[serde(skip_serializing_if = "Map::is_empty")]
    requests: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    limits: Map<String, Value>,
    /// What a person should know of it.
    #[serde(skip)]
    pub(crate) remarks: Vec<String>,
}

/// What goes into the decision about one resource.
struct Wish<'a> {
    resource: &'static str,
    /// The annotation of the request, for what is wrong with it.
    annotation: &'static str,
    asked: &'a Amounts,
    request: &'a Quantity,
    limit: &'a Quantity,
    guaranteed: &'a Quantity,
}

// === impl Resources ===

impl Resources {
    /// What to give to the sidecar of `pod`, and in a pod of the class Guaranteed `guaranteed` of it.
    pub(crate) fn share(
        &self,
        guaranteed: &Figures,
        pod: &Pod<'_>,
        asked: &Overrides,
    ) -> Result<Share, BadAnnotation> {
        let Self { requests, limits } = self;
        let cpu = Wish {
            resource: "cpu",
            annotation: names::CPU_REQUEST_ANNOTATION,
            asked: &asked.cpu,
            request: &requests.cpu,
            limit: &limits.cpu,
            guaranteed: &guaranteed.cpu,
        };
        let memory = Wish {
            resource: "memory",
            annotation: names::MEMORY_REQUEST_ANNOTATION,
            asked: &asked.memory,
            request: &requests.memory,
            limit: &limits.memory,
            guaranteed: &guaranteed.memory,
        };
        let mut share = Share::default();
        for wish in [cpu, memory] {
            wish.grant(pod, &mut share)?;
        }
        Ok(share)
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            requests: Figures { cpu: Quantity::milli(50), memory: Quantity::mebi(64) },
            limits: Figures { cpu: Quantity::milli(1000), memory: Quantity::mebi(256) },
        }
    }
}

// === impl Wish ===

impl Wish<'_> {
    fn grant(&self, pod: &Pod<'_>, share: &mut Share) -> Result<(), BadAnnotation> {
        let (mut request, mut limit) =
            if is_guaranteed(pod) { self.equal() } else { self.ordered().map_err(|why| self.bad(why))? };
        let budget = |field| pod_level(pod, field, self.resource);
        // No container may have a higher limit than its pod.
        if let Some(most) = budget("limits").filter(|most| *most < limit) {
            limit = most;
            request = request.min(limit.clone());
        }
        let left = budget("requests").map(|all| all.nano() - used(pod, self.resource));
        if left.is_some_and(|left| left < request.nano()) {
            // A limit without a request would be taken for the request as well.
            share.remarks.push(format!(
                "the pod's own {} request leaves no room for a request of the sidecar's, which goes without",
                self.resource
            ));
            return Ok(());
        }
        share.requests.insert(self.resource.to_owned(), Value::String(request.to_string()));
        share.limits.insert(self.resource.to_owned(), Value::String(limit.to_string()));
        Ok(())
    }

    fn bad(&self, why: String) -> BadAnnotation {
        BadAnnotation { annotation: self.annotation, why }
    }

    /// Request and limit the same, so that the pod's class stays what it is.
    fn equal(&self) -> (Quantity, Quantity) {
        let Amounts { request, limit } = self.asked;
        let both = limit.as_ref().or(request.as_ref()).unwrap_or(self.guaranteed);
        (both.clone(), both.clone())
    }

    /// Request and limit, the request not above the limit: the one that the pod did not ask for gives way.
    fn ordered(&self) -> Result<(Quantity, Quantity), String> {
        let request = self.asked.request.as_ref().unwrap_or(self.request);
        let limit = self.asked.limit.as_ref().unwrap_or(self.limit);
        if request <= limit {
            return Ok((request.clone(), limit.clone()));
        }
        match (&self.asked.request, &self.asked.limit) {
            (Some(_), Some(_)) => Err(format!("{request} is more than the limit of {limit}")),
            (None, _) => Ok((limit.clone(), limit.clone())),
            (Some(_), None) => Ok((request.clone(), request.clone())),
        }
    }
}

/// Whether all that the pod consists of has limits, and requests that equal them. A pod with resources of its own
/// has its class from those, whatever is added to it.
fn is_guaranteed(pod: &Pod<'_>) -> bool {
    !pod.spec.contains_key("resources")
        && pod.all().all(|container| {
            ["cpu", "memory"].into_iter().all(|resource| {
                let limit = of(container, "limits", resource);
                limit.is_some() && limit == of(container, "requests", resource).or(limit.clone())
            })
        })
}

fn of(container: &Container<'_>, field: &str, resource: &str) -> Option<Quantity> {
    amount(container.object.get("resources")?, field, resource)
}

fn pod_level(pod: &Pod<'_>, field: &str, resource: &str) -> Option<Quantity> {
    amount(pod.spec.get("resources")?, field, resource)
}

/// Kubernetes allows numbers here, and so does this.
fn amount(resources: &Value, field: &str, resource: &str) -> Option<Quantity> {
    serde_json::from_value(resources.get(field)?.get(resource)?.clone()).ok()
}

/// What the containers request together, as the API server counts it: those that run at the same time add up, and
/// an init container counts with the sidecars that have been started before it.
fn used(pod: &Pod<'_>, resource: &str) -> i128 {
    let request = |container: &Container<'_>| {
        let request = of(container, "requests", resource).or_else(|| of(container, "limits", resource));
        request.map_or(0, |request| request.nano())
    };
    let mut sidecars = 0;
    let mut peak = 0;
    for container in pod.init_containers.iter().flatten() {
        if container.is_native_sidecar() {
            sidecars += request(container);
        } else {
            peak = peak.max(sidecars + request(container));
        }
    }
    peak.max(sidecars + pod.containers.iter().map(request).sum::<i128>())
}
