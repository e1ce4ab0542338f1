//! Answers written in a wire form, whole or as a stream's events.

pub(crate) mod chat;
pub(crate) mod messages;
pub(crate) mod responses;

use bytes::Bytes;
use serde_json::Value;

use crate::answer::Answer;
use crate::complaint::Complaint;
use crate::prompt::Prompt;
use crate::vendor::{Form, Maker};

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) bytes: Bytes,
    pub(crate) role: Role,
}

/// What an event is for its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Frames the content.
    Frame,
    /// Opens a call: it comes when the first piece would, for its name is content already.
    Opening,
    /// Carries a piece of it.
    Content,
    /// Says why the answer stops, or belongs to that.
    Stop,
    /// Ends the stream.
    Terminal,
}

/// Where an error strikes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) maker: Maker,
    pub(crate) request_id: &'a str,
    pub(crate) answer: &'a Answer,
    /// Events that were sent before.
    pub(crate) sent: usize,
}

pub(crate) fn whole(form: Form, answer: &Answer, prompt: &Prompt, maker: Maker) -> Value {
    match form {
        Form::Messages => messages::whole(answer),
        Form::Chat => chat::whole(answer, prompt, maker),
        Form::Responses => responses::whole(answer, prompt),
    }
}

pub(crate) fn events(form: Form, answer: &Answer, prompt: &Prompt, maker: Maker) -> Vec<Event> {
    match form {
        Form::Messages => messages::events(answer),
        Form::Chat => chat::events(answer, prompt, maker),
        Form::Responses => responses::events(answer, prompt),
    }
}

/// An error inside a stream, after so many events.
pub(crate) fn error(form: Form, complaint: &Complaint, place: &Place<'_>) -> Bytes {
    match form {
        Form::Messages => named("error", &complaint.body(place.maker, place.request_id)),
        Form::Chat => data(&serde_json::json!({ "error": complaint.in_band(place.maker) })),
        Form::Responses => responses::error(&complaint.in_band(place.maker), place),
    }
}

fn named(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

fn data(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// Filler of a length that hides how long a piece of content is, as vendors send it.
fn filler(seed: usize, with: &str) -> String {
    with.repeat(1 + seed.wrapping_mul(7) % 13)
}
