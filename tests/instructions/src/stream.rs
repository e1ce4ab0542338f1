//! Events on their way from an upstream to the caller.

use std::hint::black_box;

use bytes::Bytes;
use http::HeaderMap;
use sidestep::relay::{Telling, Told};
use sidestep_dialect::{Decoder, Dialect, Encoder, Flavor, Journal, Splitter, peek};

use crate::pieces::{Piece, context};

/// From which dialect to which.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) from: Dialect,
    pub(crate) to: Dialect,
}

/// The longest event, as it is by default.
const EVENT_BYTES: usize = 4 << 20;

const CHAT: [&str; 2] = [
    r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-6.1-sol","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}"#,
    r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-6.1-sol","choices":[{"index":0,"delta":{"content":" lighthouse keeper"},"logprobs":null,"finish_reason":null}]}"#,
];
const MESSAGES: [&str; 3] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":200,\"output_tokens\":1}}}",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" lighthouse keeper\"}}",
];
const RESPONSES: [&str; 4] = [
    "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1790000000,\"status\":\"in_progress\",\"model\":\"gpt-6.1-sol\",\"output\":[],\"usage\":null}}",
    "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}",
    "event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\" lighthouse keeper\"}",
];

/// Cuts an event out of a piece that holds it.
pub(crate) fn splitting() -> Piece {
    let mut splitter = Splitter::new(EVENT_BYTES);
    let event = event(CHAT[1]);
    Box::new(move || {
        splitter.feed(event.clone());
        drop(black_box(splitter.next()));
    })
}

/// An event of text in the middle of a stream: split, decoded, journalled, written.
pub(crate) fn told(way: Way) -> Piece {
    let (mut told, event) = begun(way);
    Box::new(move || {
        drop(black_box(told.take(event.clone())));
        drop(black_box(told.ready()));
    })
}

/// A stream that has begun, and the event that goes on with it.
fn begun(way: Way) -> (Told, Bytes) {
    let events: &[&str] = match way.from {
        Dialect::OpenAi => &CHAT,
        Dialect::Anthropic => &MESSAGES,
        Dialect::Responses => &RESPONSES,
    };
    let abroad = way.from != way.to;
    let telling = if abroad { Telling::Anew(Encoder::new(way.to, context())) } else { Telling::AsIs };
    let mut told = Told::new(way.to, Decoder::new(way.from, Flavor::Generic), telling, EVENT_BYTES);
    let ask = br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":9,"input":"hi","stream":true}"#;
    if let Ok(ask) = peek(way.to, &HeaderMap::new(), ask) {
        told = told.with_journal(Journal::new(&ask, abroad));
    }
    let (last, before) = events.split_last().unwrap_or((&"", &[]));
    for text in before {
        drop(told.take(event(text)));
    }
    drop(told.ready());
    (told, event(last))
}

fn event(text: &str) -> Bytes {
    format!("{text}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_told() {
        let all = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Responses];
        for (from, to) in all.iter().flat_map(|from| all.iter().map(|to| (*from, *to))) {
            let (mut told, event) = begun(Way { from, to });
            assert!(told.is_meaningful() || told.journal().is_some());
            told.take(event).unwrap();
            let ready = told.ready().unwrap();
            assert!(String::from_utf8_lossy(&ready).contains(" lighthouse keeper"), "{from:?} {to:?}");
            assert_eq!(told.journal().unwrap().text(), " lighthouse keeper");
        }
    }
}
