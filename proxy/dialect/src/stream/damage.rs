//! What a malformed event has cost.
//!
//! Its name stands apart from its JSON, and often tells that nothing of the answer was in it, or that it comes again.
//! Where nothing is known, something of the answer may be lost.

use bytes::Bytes;
use serde_json::{Value, json};

use super::encoder::write_event;
use super::progress::Progress;
use crate::Dialect;
use crate::sse::RawEvent;

/// What was in an event that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// Nothing of the answer.
    None,
    /// Words that are said once more when their part is done.
    Words,
    /// Nobody knows.
    Unknown,
}

/// How the event that was decoded last goes on to a caller of the same dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forward {
    /// As it is.
    AsIs,
    /// Not at all: it is malformed, or says words that follow others which were lost and will come later.
    Nothing,
    /// As it is, after an event that says what was lost before.
    After(Bytes),
}

impl Damage {
    pub(super) fn of(dialect: Dialect, raw: &RawEvent, progress: &Progress) -> Self {
        let name = raw.name().unwrap_or_default();
        match (dialect, name) {
            _ if progress.complete => Self::None,
            (_, "ping" | "keepalive" | "keep-alive") => Self::None,
            (
                Dialect::Responses,
                "response.queued"
                | "response.in_progress"
                | "response.output_text.done"
                | "response.content_part.done",
            ) if progress.started => Self::None,
            (Dialect::Responses, "response.output_text.delta") => Self::Words,
            _ => Self::Unknown,
        }
    }
}

/// The event that says `words` of the part that `done` ends.
pub(super) fn said_late(done: &RawEvent, words: &str) -> Option<Bytes> {
    const DELTA: &str = "response.output_text.delta";
    let done: Value = serde_json::from_slice(&done.data).ok()?;
    let mut delta = json!({ "type": DELTA, "delta": words, "logprobs": [] });
    // An item of one part ends both at once where the part's own end was lost too.
    let only = || done["item"]["content"].as_array().is_some_and(|parts| parts.len() == 1);
    delta["output_index"] = done.get("output_index")?.clone();
    delta["item_id"] = done.get("item_id").or_else(|| done["item"].get("id"))?.clone();
    let part = done.get("content_index").cloned();
    delta["content_index"] = part.or_else(|| only().then(|| Value::from(0)))?;
    // Those of the events that were withheld are free.
    let number = done["sequence_number"].as_u64();
    delta["sequence_number"] = number.map(|number| number.saturating_sub(1)).into();
    let mut event = bytes::BytesMut::new();
    write_event(Some(DELTA), &delta, &mut event);
    Some(event.freeze())
}
