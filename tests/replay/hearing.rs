//! What the application makes of an answer. Shares no code with Sidestep, so that a mistake cannot cancel itself out.

use http::StatusCode;
use serde_json::Value;

use crate::request::Wish;
use crate::said::Said;

/// So many characters that were said before, and come again, are a repeated passage.
const PASSAGE: usize = 12;

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
    /// It does not fit what the model says in full.
    Dishonest(Lie, String),
}

/// What is wrong with an answer that claims to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// It looks finished, and something is missing.
    Truncated,
    /// A passage, an envelope or an end came twice.
    Repeated,
    /// It holds what no model said.
    Foreign,
}

/// Judges what came; `whole` is false when the transport broke off.
pub(crate) fn judge(wish: &Wish, status: StatusCode, body: &[u8], whole: bool) -> Ending {
    if wish.bug {
        return match status.as_u16() {
            400 => Ending::Refused,
            other => Ending::Dishonest(Lie::Foreign, format!("status {other} for an invalid request")),
        };
    }
    if status != StatusCode::OK {
        return Ending::Failed(format!("status {}", status.as_u16()));
    }
    let said = if wish.stream { streamed(wish, body) } else { whole_answer(wish, body) };
    let (heard, full) = (told(wish, &said), wish.in_full());
    if said.doubled {
        return Ending::Dishonest(Lie::Repeated, "a second envelope".to_owned());
    }
    if said.error || !whole {
        // Nothing of an answer has come: the error came in its place.
        let empty = !said.has_begun();
        return match lie(&heard, &full).filter(|_| !wish.tools) {
            _ if said.error && said.ended => dishonest(Lie::Foreign, &heard, &full),
            Some(lie @ (Lie::Repeated | Lie::Foreign)) => dishonest(lie, &heard, &full),
            _ if empty => Ending::Failed("an error event before any content".to_owned()),
            _ => Ending::Told,
        };
    }
    match lie(&heard, &full) {
        None if said.ended && said.stop.as_deref() == Some(wish.stop()) => Ending::Good,
        None => dishonest(Lie::Truncated, &heard, &full),
        Some(lie) => dishonest(lie, &heard, &full),
    }
}

/// Whether these bytes of a stream, of which half a line may be missing, hold anything of an answer.
pub(crate) fn has_begun(wish: &Wish, body: &[u8]) -> bool {
    let lines = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    streamed(wish, &body[..lines]).has_begun()
}

fn lie(heard: &str, full: &str) -> Option<Lie> {
    if heard == full {
        return None;
    }
    if full.starts_with(heard) {
        return Some(Lie::Truncated);
    }
    let same = heard.chars().zip(full.chars()).take_while(|(one, other)| one == other).count();
    let rest: String = heard.chars().skip(same).take(PASSAGE).collect();
    let before: String = heard.chars().take(same).collect();
    Some(if before.contains(&rest) { Lie::Repeated } else { Lie::Foreign })
}

fn dishonest(lie: Lie, heard: &str, full: &str) -> Ending {
    Ending::Dishonest(lie, format!("{} of {} characters", heard.chars().count(), full.chars().count()))
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
            Some("[DONE]") => said.done(),
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

#[test]
fn lies_have_names() {
    let full = "You asked: Tell me of whales. Whales are large, and sing.";
    assert_eq!(lie(full, full), None);
    assert_eq!(lie(&full[..40], full), Some(Lie::Truncated));
    assert_eq!(lie(&format!("{}{}", &full[..40], &full[20..]), full), Some(Lie::Repeated));
    assert_eq!(lie(&format!("{}Sure! Here is the rest", &full[..40]), full), Some(Lie::Foreign));
}
