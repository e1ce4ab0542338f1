//! Streams by hand, in each dialect.

use serde_json::{Value, json};
use sidestep_dialect::answer::Answer;
use sidestep_dialect::{Dialect, StreamFault};

use crate::exchange::{Digest, decode};

/// A stream in the framing of its dialect.
pub(crate) fn stream(dialect: Dialect, events: &[Value]) -> Vec<u8> {
    let mut stream = Vec::new();
    for event in events {
        if let Some(kind) = event["type"].as_str().filter(|_| dialect != Dialect::OpenAi) {
            stream.extend(format!("event: {kind}\n").into_bytes());
        }
        stream.extend(format!("data: {event}\n\n").into_bytes());
    }
    stream
}

pub(crate) fn anthropic(events: &[Value]) -> Vec<u8> {
    let mut all = vec![json!({ "type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-1", "content": [],
        "stop_reason": null, "usage": { "input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 1 },
    }})];
    all.extend_from_slice(events);
    stream(Dialect::Anthropic, &all)
}

pub(crate) fn ended(reason: &str) -> [Value; 2] {
    let delta = json!({ "stop_reason": reason, "stop_sequence": null });
    let usage = json!({ "input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 30 });
    [json!({ "type": "message_delta", "delta": delta, "usage": usage }), json!({ "type": "message_stop" })]
}

pub(crate) fn chunk(delta: &Value, finish: &Value) -> Value {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
    json!({ "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice] })
}

pub(crate) fn chat(deltas: &[Value], finish: &str) -> Vec<u8> {
    let mut chunks = vec![chunk(&json!({ "role": "assistant", "content": "" }), &Value::Null)];
    chunks.extend(deltas.iter().map(|delta| chunk(delta, &Value::Null)));
    chunks.push(chunk(&json!({}), &json!(finish)));
    let mut stream = stream(Dialect::OpenAi, &chunks);
    stream.extend(b"data: [DONE]\n\n");
    stream
}

pub(crate) fn responses(events: &[Value], output: &Value) -> Vec<u8> {
    let mut all = vec![json!({ "type": "response.created", "response": { "id": "resp_1", "model": "m" } })];
    all.extend_from_slice(events);
    let usage = json!({ "input_tokens": 3, "output_tokens": 4, "total_tokens": 7 });
    let response =
        json!({ "id": "resp_1", "model": "m", "status": "completed", "output": output, "usage": usage });
    all.push(json!({ "type": "response.completed", "response": response }));
    stream(Dialect::Responses, &all)
}

pub(crate) fn answer(dialect: Dialect, stream: &[u8]) -> Answer {
    let (events, result) = decode(dialect, stream);
    assert_eq!(result, Ok(()));
    Answer::collect(&events)
}

pub(crate) fn fault(dialect: Dialect, stream: &[u8]) -> StreamFault {
    decode(dialect, stream).1.unwrap_err()
}

pub(crate) fn tools(answer: &Answer) -> Vec<[String; 3]> {
    Digest::of(answer, &[Dialect::Anthropic]).tools
}

pub(crate) fn call(id: &str, name: &str, arguments: &str) -> [String; 3] {
    [id.to_owned(), name.to_owned(), arguments.to_owned()]
}

pub(crate) fn fragment(fragment: &Value) -> Value {
    json!({ "tool_calls": [fragment] })
}
