//! What the application makes of an answer. Shares no code with Sidestep, so that a mistake cannot cancel itself out.

use http::StatusCode;
use serde_json::Value;

use crate::request::{Said, Wish};

/// How a request ended for the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Whole, and word for word what the model says in full.
    Good,
    /// An error instead of an answer.
    Failed(String),
    /// The answer broke off, and the application was told.
    Told,
    /// The application left first.
    GaveUp,
    /// Refused, and rightly: the request was wrong.
    Refused,
    /// It looks finished and is not, or holds what no model said.
    Dishonest(String),
}

/// Judges what came; `whole` is false when the transport broke off.
pub(crate) fn judge(wish: &Wish, status: StatusCode, body: &[u8], whole: bool) -> Ending {
    if wish.bug {
        return match status.as_u16() {
            400 => Ending::Refused,
            other => Ending::Dishonest(format!("status {other} for an invalid request")),
        };
    }
    if status != StatusCode::OK {
        return Ending::Failed(format!("status {}", status.as_u16()));
    }
    let said = if wish.stream { streamed(wish, body) } else { whole_answer(wish, body) };
    let (heard, full) = (told(wish, &said), wish.in_full());
    if said.error || !whole {
        let fits = wish.tools || full.starts_with(&heard);
        return if fits && !(said.error && said.ended) { Ending::Told } else { dishonest(&heard, &full) };
    }
    match said.ended && heard == full && said.stop.as_deref() == Some(wish.stop()) {
        true => Ending::Good,
        false => dishonest(&heard, &full),
    }
}

fn dishonest(heard: &str, full: &str) -> Ending {
    Ending::Dishonest(format!("{} of {} characters", heard.chars().count(), full.chars().count()))
}

fn told(wish: &Wish, said: &Said) -> String {
    if !wish.tools {
        return said.text.clone();
    }
    let arguments = serde_json::from_str::<Value>(&said.arguments);
    arguments.map_or_else(|_| said.arguments.clone(), |value| value.to_string())
}

fn streamed(wish: &Wish, body: &[u8]) -> Said {
    let mut said = Said::default();
    for line in String::from_utf8_lossy(body).lines() {
        match line.strip_prefix("data:").map(str::trim) {
            Some("[DONE]") => said.ended = true,
            Some(data) => match serde_json::from_str(data) {
                Ok(event) => said.event(wish.messages, &event),
                // A torn event: no SDK would take it.
                Err(_) => said.text.push('\u{fffd}'),
            },
            None => {}
        }
    }
    said
}

fn whole_answer(wish: &Wish, body: &[u8]) -> Said {
    let mut said = Said::default();
    if let Ok(answer) = serde_json::from_slice(body) {
        said.whole(wish.messages, &answer);
    }
    said
}
