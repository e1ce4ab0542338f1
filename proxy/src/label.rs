//! Who answered and why, as the application is told: in headers, and in a comment of the stream where the head had
//! to go out before that was known.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::story::Chapters;

/// Names the model that answered, as configured.
const UPSTREAM: &str = "sidestep-upstream";
/// How many attempts were made.
const ATTEMPTS: &str = "sidestep-attempts";
/// Why the route's first choice did not answer.
const FALLBACK_REASON: &str = "sidestep-fallback-reason";
/// What the answering model was not asked for although the application asked.
const DEGRADED: &str = "sidestep-degraded";
/// The kind of the rehearsed fault that an attempt met: what happened to this call is not the provider's doing.
const REHEARSAL: &str = "sidestep-rehearsal";

/// Tells in headers who answered, or why nobody did.
pub(crate) fn label(chapters: &Chapters, headers: &mut HeaderMap) {
    for (name, text) in facts(chapters) {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The same as a comment between two events.
pub(crate) fn comment(chapters: &Chapters) -> Bytes {
    let facts = facts(chapters).into_iter().map(|(name, text)| format!("{name}={text}"));
    let told = facts.collect::<Vec<_>>().join("; ").replace(char::is_control, " ");
    format!(": {told}\n\n").into()
}

/// Who told the rest of an answer that broke off, as a comment before its end.
pub(crate) fn rescued(by: &str, attempts: usize) -> Bytes {
    format!(": sidestep-rescued-by={by}; {ATTEMPTS}={attempts}\n\n").into()
}

fn facts(chapters: &Chapters) -> Vec<(&'static str, String)> {
    let mut facts = Vec::with_capacity(4);
    if let Some(model) = &chapters.served_by {
        facts.push((UPSTREAM, model.to_string()));
    }
    facts.push((ATTEMPTS, chapters.attempts.len().to_string()));
    if let Some(reason) = chapters.fallback {
        facts.push((FALLBACK_REASON, reason.to_owned()));
    }
    if !chapters.degraded.is_empty() {
        let lost = chapters.degraded.iter().map(|lost| format!("{}={}", lost.field, lost.reason));
        facts.push((DEGRADED, lost.collect::<Vec<_>>().join(", ")));
    }
    if let Some(kind) = chapters.rehearsed {
        facts.push((REHEARSAL, kind.to_owned()));
    }
    facts
}
