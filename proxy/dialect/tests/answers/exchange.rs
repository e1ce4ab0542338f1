//! Reading and writing streams, and what must be the same before and after.

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use sidestep_dialect::answer::Answer;
use sidestep_dialect::{
    AnswerContext, BlockKind, Decoder, Dialect, Encoder, ErrorForm, ErrorKind, Event, Flavor, Splitter,
    StopReason, StreamFault, Usage, tool_id,
};

/// What must not change by translation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) text: String,
    /// Id, name and arguments.
    pub(crate) tools: Vec<[String; 3]>,
    pub(crate) usage: Usage,
    pub(crate) stop: Option<StopReason>,
}

impl Digest {
    /// `through` are the dialects that the answer went through: not all have a name for every reason to stop.
    pub(crate) fn of(answer: &Answer, through: &[Dialect]) -> Self {
        let said = |wanted: &BlockKind| -> String {
            answer
                .blocks
                .iter()
                .filter(|block| block.kind == *wanted)
                .map(|block| block.text.as_str())
                .collect()
        };
        let tools = answer.blocks.iter().filter_map(|block| match &block.kind {
            BlockKind::Tool { id, name } => {
                Some([tool_id::conform(id).into_owned(), name.clone(), block.text.clone()])
            }
            _ => None,
        });
        let only_anthropic = through.iter().all(|dialect| *dialect == Dialect::Anthropic);
        let stop = answer.stop.map(|stop| match stop {
            stop if only_anthropic => stop,
            StopReason::StopSequence | StopReason::Paused => StopReason::EndTurn,
            StopReason::ContextWindow => StopReason::MaxTokens,
            stop => stop,
        });
        let text = said(&BlockKind::Text) + &said(&BlockKind::Refusal);
        Self { text, tools: tools.collect(), usage: answer.usage, stop }
    }
}

pub(crate) fn context() -> AnswerContext {
    AnswerContext {
        id_seed: 7,
        created: 1_800_000_000,
        include_usage: true,
        served_model: "served".to_owned(),
        request_id: "req_1".to_owned(),
    }
}

pub(crate) fn error_form() -> ErrorForm {
    ErrorForm {
        status: 503,
        kind: ErrorKind::Unavailable,
        message: "the upstream broke off".to_owned(),
        code: None,
        param: None,
        retry_after: None,
        should_retry: None,
        request_id: "req_1".to_owned(),
    }
}

/// Reads a stream that arrives in pieces, up to its end or its first fault.
pub(crate) fn decode(dialect: Dialect, stream: &[u8]) -> (Vec<Event>, Result<(), StreamFault>) {
    let (mut splitter, mut events) = (Splitter::new(1 << 24), Vec::new());
    let mut decoder = Decoder::new(dialect, Flavor::Generic);
    for piece in stream.chunks(1000) {
        splitter.feed(Bytes::copy_from_slice(piece));
        while let Some(raw) = splitter.next() {
            let read = raw.map_err(StreamFault::from).and_then(|raw| decoder.decode(&raw, &mut events));
            if read.is_err() {
                return (events, read);
            }
        }
    }
    let result = decoder.finish(&splitter.finish(), &mut events);
    (events, result)
}

pub(crate) fn encode(dialect: Dialect, events: &[Event]) -> BytesMut {
    let (mut encoder, mut out) = (Encoder::new(dialect, context()), BytesMut::new());
    for event in events {
        encoder.encode(event, &mut out);
    }
    out
}

/// The JSON of every event that has any.
pub(crate) fn bodies(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// Whether a stream has anything by which a client takes it for finished.
pub(crate) fn looks_finished(stream: &[u8]) -> bool {
    let ends =
        ["data: [DONE]", "event: message_stop", "event: response.completed", "event: response.incomplete"];
    String::from_utf8_lossy(stream).lines().any(|line| ends.contains(&line))
}
