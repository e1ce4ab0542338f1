//! What the API server asks.

use serde::Deserialize;

use crate::names;
use crate::reply::{Outcome, Reply};
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    request: Option<Request>,
}

/// Only what is read. Everything else, whatever it is, is let by.
#[derive(Debug, Deserialize)]
struct Request {
    uid: String,
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
        let not = |why: String| Refusal::NotAReview(why);
        let envelope: Envelope = serde_json::from_slice(body).map_err(|error| not(error.to_string()))?;
        if envelope.kind != "AdmissionReview" || envelope.api_version != "admission.k8s.io/v1" {
            let Envelope { kind, api_version, .. } = &envelope;
            return Err(not(format!(
                "it is `{kind}` of `{api_version}`, not AdmissionReview of admission.k8s.io/v1"
            )));
        }
        let request = envelope.request.ok_or_else(|| not("it has no `request`".to_owned()))?;
        if request.uid.is_empty() {
            return Err(not("its request has no `uid`".to_owned()));
        }
        Ok(Self { request })
    }

    /// The `ConfigMap` to look for before answering; `None` if the answer does not depend on one.
    pub fn wanted_config(&self, _opt_in: OptIn, _settings: &Settings) -> Option<ConfigRef> {
        None
    }

    /// What to answer. `config` tells of the one that [`Self::wanted_config`] named.
    pub fn answer(&self, _opt_in: OptIn, _settings: &Settings, _config: Presence) -> Reply {
        Reply::untouched(&self.request.uid, Outcome::NotOurs, &[])
    }
}
