//! What is answered, and what there is to tell about it.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;

use crate::injection::Injection;
use crate::patch::Patch;
use crate::pod::Pod;
use crate::reason::Reason;

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
    /// The pod goes on without.
    Skip(Reason),
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Longest warning, in bytes: the API server cuts what is longer when there are many.
const LONGEST_WARNING: usize = 256;
/// Most warnings; the rest is counted. The API server passes 4 KiB on.
const MOST_WARNINGS: usize = 8;

// === impl Reply ===

impl Reply {
    pub(crate) fn new(uid: &str, outcome: Outcome, injection: &Injection, dry_run: bool) -> Self {
        let patch = encoded(&injection.patch);
        let response = Response {
            uid,
            allowed: true,
            patch_type: patch.is_some().then_some("JSONPatch"),
            patch,
            warnings: warnings(&injection.remarks),
        };
        let answer = Answer { api_version: "admission.k8s.io/v1", kind: "AdmissionReview", response };
        // Texts and flags only: there is nothing that JSON could not hold.
        let body = serde_json::to_vec(&answer).unwrap_or_default();
        Self { body, outcome, notice: None, dry_run }
    }
}

fn encoded(patch: &Patch) -> Option<String> {
    let json = serde_json::to_vec(patch).ok().filter(|_| !patch.is_empty())?;
    Some(STANDARD.encode(json))
}

fn warnings(remarks: &[String]) -> Vec<String> {
    let mut warnings: Vec<String> =
        remarks.iter().take(MOST_WARNINGS).map(|remark| warning(remark)).collect();
    if let Some(more) = remarks.len().checked_sub(MOST_WARNINGS).filter(|more| *more > 0) {
        warnings.push(warning(&format!("and {more} more remarks")));
    }
    warnings
}

fn warning(remark: &str) -> String {
    // It goes into an HTTP header.
    let printable = remark.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut text: String = "sidestep: ".chars().chain(printable).collect();
    let mut end = LONGEST_WARNING.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

// === impl Outcome ===

impl Outcome {
    /// In a word: what was done, and for a skipped pod why.
    pub const fn labels(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotOurs => ("not_ours", ""),
            Self::Inject => ("inject", ""),
            Self::Complete => ("complete", ""),
            Self::Unchanged => ("unchanged", ""),
            Self::Skip(reason) => ("skip", reason.label()),
        }
    }
}

// === impl Subject ===

impl Subject {
    pub(crate) fn of(pod: &Pod<'_>, namespace: &str) -> Self {
        let owners = pod.metadata.get("ownerReferences").and_then(Value::as_array);
        let controls = |owner: &&Value| owner.get("controller").and_then(Value::as_bool).unwrap_or(false);
        let namespace = namespace.to_owned();
        if let Some(owner) = owners.into_iter().flatten().find(controls) {
            let text = |field| owner.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (api_version, kind, name, uid) =
                (text("apiVersion"), text("kind"), text("name"), text("uid"));
            return Self { namespace, api_version, kind, name, uid };
        }
        let named = |field| pod.metadata.get(field).and_then(Value::as_str);
        let name = named("name").or_else(|| named("generateName")).unwrap_or_default().to_owned();
        Self { namespace, api_version: "v1".to_owned(), kind: "Pod".to_owned(), name, uid: String::new() }
    }
}
