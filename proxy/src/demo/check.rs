//! The application's judgement of an answer: whole, and of the right kind?

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use sidestep_dialect::{BlockKind, Decoder, Dialect, Event, Flavor, Splitter, StopReason};

use super::load::Kind;

/// What the application thinks of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Complete, and what was asked for.
    Good,
    /// It began and did not end.
    Truncated,
    /// An error, or not what was asked for.
    Failed(String),
}

/// Judges one answer.
#[must_use]
pub(super) fn check(kind: Kind, status: StatusCode, body: &Bytes) -> Verdict {
    if status != StatusCode::OK {
        return Verdict::Failed(format!("status {}", status.as_u16()));
    }
    if kind.stream { stream(kind, body) } else { whole(kind, body) }
}

fn whole(kind: Kind, body: &[u8]) -> Verdict {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Verdict::Truncated };
    let (text, tool) = match kind.dialect {
        Dialect::Anthropic => {
            let block = |wanted: &str| {
                let blocks = answer["content"].as_array().into_iter().flatten();
                blocks.into_iter().any(|block| block["type"] == wanted)
            };
            (block("text"), block("tool_use") && answer["stop_reason"] == "tool_use")
        }
        _ => {
            let choice = &answer["choices"][0];
            let called = choice["message"]["tool_calls"][0]["function"]["name"] == "get_weather";
            let said = choice["message"]["content"].as_str().is_some_and(|text| !text.is_empty());
            (said && choice["finish_reason"] == "stop", called && choice["finish_reason"] == "tool_calls")
        }
    };
    judged(kind, text, tool)
}

fn stream(kind: Kind, body: &Bytes) -> Verdict {
    let mut splitter = Splitter::new(1 << 20);
    let mut decoder = Decoder::new(kind.dialect, Flavor::Generic);
    let mut events = Vec::new();
    splitter.feed(body.clone());
    while let Some(event) = splitter.next() {
        let Ok(event) = event else { return Verdict::Failed("an oversize event".to_owned()) };
        if decoder.decode(&event, &mut events).is_err() {
            return Verdict::Failed("an unreadable event".to_owned());
        }
    }
    if events.iter().any(|event| matches!(event, Event::Error { .. })) || !events.contains(&Event::End) {
        return Verdict::Truncated;
    }
    let text = events.iter().any(|event| matches!(event, Event::Delta { .. }));
    let called = |event: &Event| matches!(event, Event::Open { kind: BlockKind::Tool { .. }, .. });
    let stopped = |event: &Event| matches!(event, Event::Stop(StopReason::ToolUse, _));
    judged(kind, text, events.iter().any(called) && events.iter().any(stopped))
}

fn judged(kind: Kind, text: bool, tool: bool) -> Verdict {
    match (kind.tools, text, tool) {
        (true, _, true) | (false, true, _) => Verdict::Good,
        (true, ..) => Verdict::Failed("no tool call in the answer".to_owned()),
        (false, ..) => Verdict::Failed("no text in the answer".to_owned()),
    }
}
