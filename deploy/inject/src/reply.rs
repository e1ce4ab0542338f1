//! What is answered, and what there is to tell about it.

use serde::Serialize;
use serde_json::Value;

/// An answer for the API server, and what became of the pod.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The `AdmissionReview` to send, as JSON, with status 200.
    pub body: Vec<u8>,
    /// What was decided.
    pub outcome: Outcome,
    /// What an Event should say; `None` on a dry run, too, which must have no effects.
    pub notice: Option<Notice>,
    /// Nothing will come of it: the pod is not to be counted.
    pub dry_run: bool,
}

/// What was decided about a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not a pod that is being made: nothing was looked at.
    NotOurs,
    /// The sidecar is put in.
    Inject,
    /// The sidecar is there; containers that came after it get what they lack.
    Complete,
    /// The sidecar is there, and nothing is missing.
    Unchanged,
    /// The pod goes on without, for a reason that a person can read.
    Skip(String),
}

/// Something to be told in an Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whom it is about.
    pub subject: Subject,
    /// In words, for a person.
    pub message: String,
}

/// What an Event about a pod that does not exist yet can refer to: its owner, or else the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Of the pod, and of its owner.
    pub namespace: String,
    /// `v1` for a pod.
    pub api_version: String,
    /// `Pod`, `ReplicaSet`, `Job` ...
    pub kind: String,
    /// Its name; a pod's may still be generated, and then this is what it will begin with.
    pub name: String,
    /// Empty for a pod, which has none yet.
    pub uid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

// === impl Reply ===

impl Reply {
    /// The pod may be made as it is.
    pub(crate) fn untouched(uid: &str, outcome: Outcome, warnings: &[String]) -> Self {
        Self { body: body(uid, warnings), outcome, notice: None, dry_run: false }
    }
}

fn body(uid: &str, warnings: &[String]) -> Vec<u8> {
    let response = Response { uid, allowed: true, warnings };
    let answer = Answer { api_version: "admission.k8s.io/v1", kind: "AdmissionReview", response };
    serde_json::to_value(&answer).map(|value: Value| value.to_string().into_bytes()).unwrap_or_default()
}
