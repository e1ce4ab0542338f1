//! What the API server asks, and what it is answered.

use serde::Deserialize;
use serde_json::Value;

use crate::decision::Decision;
use crate::injection::Injection;
use crate::names;
use crate::overrides::Overrides;
use crate::pod::Pod;
use crate::reason::Reason;
use crate::reply::{Notice, Outcome, Reply, Subject};
use crate::settings::Settings;

/// Largest body that is read, in bytes. The API server takes objects of 3 MiB at most; a review holds one, and what
/// is needed around it.
pub const MAX_BODY_BYTES: usize = 8 << 20;

/// Who asked for the sidecar. The request does not say it: namespaces' labels are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptIn {
    /// The pod, by its own label.
    Pod,
    /// The namespace; the pod's label can only forbid it.
    Namespace,
}

/// A `ConfigMap` that a pod's sidecar would mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigRef {
    /// The pod's.
    pub namespace: String,
    /// The `ConfigMap`'s.
    pub name: String,
}

/// Whether a `ConfigMap` exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It was seen.
    Present,
    /// The API server says that it is not there.
    Missing,
    /// Nobody could say: it may not be read, or the API server did not answer. Taken to be there.
    Unknown,
}

/// Why a body is no review. Answered with an HTTP status and words, since there is no `uid` to answer to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 413.
    #[error("the body has {size} bytes, and {MAX_BODY_BYTES} is the most that is read")]
    TooLarge {
        /// In bytes.
        size: usize,
    },
    /// 400.
    #[error("not a review that can be answered: {0}")]
    NotAReview(String),
}

/// One request of the API server.
#[derive(Debug)]
pub struct Review {
    request: Request,
}

/// Fields may be absent or `null`; what is not read here, whatever it is, is let by.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    api_version: Option<String>,
    kind: Option<String>,
    request: Option<Request>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: Option<String>,
    operation: Option<String>,
    sub_resource: Option<String>,
    resource: Option<Resource>,
    namespace: Option<String>,
    dry_run: Option<bool>,
    #[serde(default)]
    object: Value,
}

#[derive(Debug, Deserialize)]
struct Resource {
    group: Option<String>,
    version: Option<String>,
    resource: Option<String>,
}

// === impl OptIn ===

impl OptIn {
    /// Who asked for it if the API server called `path`; `None` if nothing is served there.
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            names::POD_PATH => Some(Self::Pod),
            names::NAMESPACE_PATH => Some(Self::Namespace),
            _ => None,
        }
    }
}

// === impl Refusal ===

impl Refusal {
    /// The HTTP status to answer with.
    pub const fn status(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 413,
            Self::NotAReview(_) => 400,
        }
    }
}

// === impl Review ===

impl Review {
    /// Reads a body.
    ///
    /// # Errors
    /// If it is too large, or no `AdmissionReview` of `admission.k8s.io/v1` with a request in it.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.len() > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge { size: body.len() });
        }
        let not = |why: &str| Refusal::NotAReview(why.to_owned());
        let envelope: Envelope = serde_json::from_slice(body).map_err(|error| not(&error.to_string()))?;
        if envelope.kind.as_deref() != Some("AdmissionReview") {
            return Err(not("its kind is not AdmissionReview"));
        }
        if envelope.api_version.as_deref() != Some("admission.k8s.io/v1") {
            return Err(not("its apiVersion is not admission.k8s.io/v1"));
        }
        let request = envelope.request.ok_or_else(|| not("it has no request"))?;
        if request.uid.as_deref().unwrap_or_default().is_empty() {
            return Err(not("its request has no uid"));
        }
        Ok(Self { request })
    }

    /// The `ConfigMap` to look for before answering; `None` if the answer does not depend on one.
    pub fn wanted_config(&self, opt_in: OptIn, settings: &Settings) -> Option<ConfigRef> {
        let pod = self.is_ours().then(|| Pod::read(&self.request.object))?.ok()?;
        match Decision::about(&pod, self.namespace(), opt_in, settings).ok()? {
            Decision::Inject(asked) => self.config_ref(settings, &asked),
            Decision::Complete(_) => None,
        }
    }

    /// What to answer. `config` tells of the one that [`Self::wanted_config`] named.
    pub fn answer(&self, opt_in: OptIn, settings: &Settings, config: Presence) -> Reply {
        if !self.is_ours() {
            return self.reply(Outcome::NotOurs, &Injection::default());
        }
        let pod = match Pod::read(&self.request.object) {
            Ok(pod) => pod,
            Err(malformed) => return self.skip(None, malformed.into()),
        };
        let decided = Decision::about(&pod, self.namespace(), opt_in, settings);
        match decided.and_then(|decision| self.carry_out(decision, &pod, settings, config)) {
            Ok((outcome, injection)) => self.reply(outcome, &injection),
            Err(reason) => self.skip(Some(&pod), reason),
        }
    }

    fn carry_out(
        &self,
        decision: Decision,
        pod: &Pod<'_>,
        settings: &Settings,
        config: Presence,
    ) -> Result<(Outcome, Injection), Reason> {
        match decision {
            Decision::Complete(sidecar) => {
                let injection = Injection::of_latecomers(&settings.sidecar, pod, sidecar);
                let outcome = if injection.patch.is_empty() { Outcome::Unchanged } else { Outcome::Complete };
                Ok((outcome, injection))
            }
            Decision::Inject(asked) => {
                if let (Some(ConfigRef { namespace, name }), Presence::Missing) =
                    (self.config_ref(settings, &asked), config)
                {
                    return Err(Reason::NoConfig { name, namespace });
                }
                Ok((Outcome::Inject, Injection::of_sidecar(&settings.sidecar, pod, &asked)?))
            }
        }
    }

    fn skip(&self, pod: Option<&Pod<'_>>, reason: Reason) -> Reply {
        let why = reason.to_string();
        let mut injection = match pod {
            Some(pod) if reason.is_written() => Injection::of_reason(pod, &why),
            _ => Injection::default(),
        };
        if reason.is_told() {
            injection.remarks.insert(0, format!("the pod is to run without the sidecar: {why}"));
        }
        let notice = pod.filter(|_| reason.is_event() && !self.is_dry_run()).map(|pod| Notice {
            subject: Subject::of(pod, self.namespace()),
            message: format!("Runs without the sidecar: {why}."),
        });
        Reply { notice, ..self.reply(Outcome::Skip(reason), &injection) }
    }

    fn reply(&self, outcome: Outcome, injection: &Injection) -> Reply {
        let uid = self.request.uid.as_deref().unwrap_or_default();
        Reply::new(uid, outcome, injection, self.is_dry_run())
    }

    /// The making of a pod, and of nothing that hangs on one.
    fn is_ours(&self) -> bool {
        let Request { operation, sub_resource, resource, .. } = &self.request;
        let named = resource
            .as_ref()
            .map(|one| (one.group.as_deref(), one.version.as_deref(), one.resource.as_deref()));
        let pods = matches!(named, Some((None | Some(""), Some("v1"), Some("pods"))));
        pods && operation.as_deref() == Some("CREATE")
            && sub_resource.as_deref().unwrap_or_default().is_empty()
    }

    fn is_dry_run(&self) -> bool {
        self.request.dry_run.unwrap_or(false)
    }

    fn namespace(&self) -> &str {
        let own = || self.request.object.get("metadata")?.get("namespace")?.as_str();
        self.request.namespace.as_deref().or_else(own).unwrap_or_default()
    }

    fn config_ref(&self, settings: &Settings, asked: &Overrides) -> Option<ConfigRef> {
        let name = settings.sidecar.config_of(asked)?.to_owned();
        Some(ConfigRef { namespace: self.namespace().to_owned(), name })
    }
}
