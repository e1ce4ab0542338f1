//! The Messages form.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Event, Role, filler};
use crate::answer::{Answer, Block, Stop};
use crate::request::messages::signature;

pub(crate) fn whole(answer: &Answer) -> Value {
    let content: Vec<Value> = answer.blocks.iter().map(|block| finished(block, &answer.model)).collect();
    let (reason, sequence) = stop(answer);
    let mut message = envelope(answer);
    message["content"] = content.into();
    message["stop_reason"] = reason.into();
    message["stop_sequence"] = sequence;
    message["usage"] = usage(answer, answer.usage.output);
    message
}

pub(crate) fn events(answer: &Answer) -> Vec<Event> {
    let mut events = Vec::new();
    let mut push = |role, name: &str, data: Value| {
        let place = events.len();
        events.push(Event { bytes: padded(name, &data, place), role });
    };
    push(Role::Frame, "message_start", json!({ "type": "message_start", "message": envelope(answer) }));
    for (index, block) in answer.blocks.iter().enumerate() {
        let start = json!({ "type": "content_block_start", "index": index, "content_block": opened(block) });
        let role = if matches!(block, Block::Call { .. }) { Role::Opening } else { Role::Frame };
        push(role, "content_block_start", start);
        if index == 0 {
            push(Role::Frame, "ping", json!({ "type": "ping" }));
        }
        for delta in deltas(block, &answer.model) {
            let delta = json!({ "type": "content_block_delta", "index": index, "delta": delta });
            push(Role::Content, "content_block_delta", delta);
        }
        push(Role::Frame, "content_block_stop", json!({ "type": "content_block_stop", "index": index }));
    }
    let (reason, sequence) = stop(answer);
    let delta = json!({ "stop_reason": reason, "stop_sequence": sequence, "stop_details": null });
    let usage = usage(answer, answer.usage.output);
    push(Role::Stop, "message_delta", json!({ "type": "message_delta", "delta": delta, "usage": usage }));
    push(Role::Terminal, "message_stop", json!({ "type": "message_stop" }));
    events
}

fn envelope(answer: &Answer) -> Value {
    json!({
        "id": answer.ids.mint("msg_01", "message", 22),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "stop_details": null,
        "usage": usage(answer, 1),
    })
}

fn usage(answer: &Answer, output: u64) -> Value {
    let usage = answer.usage;
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": output,
        "output_tokens_details": { "thinking_tokens": usage.reasoning.min(output) },
        "service_tier": "standard",
    })
}

fn stop(answer: &Answer) -> (&'static str, Value) {
    match &answer.stop {
        Stop::End => ("end_turn", Value::Null),
        Stop::Length => ("max_tokens", Value::Null),
        Stop::Calls => ("tool_use", Value::Null),
        Stop::Sequence(found) => ("stop_sequence", found.as_str().into()),
    }
}

fn finished(block: &Block, model: &str) -> Value {
    match block {
        Block::Text(_) => json!({ "type": "text", "text": block.joined() }),
        Block::Reasoning(_) => {
            let thought = block.joined();
            json!({ "type": "thinking", "signature": signature(model, &thought), "thinking": thought })
        }
        Block::Call { id, name, .. } => {
            // An input that was cut off by max_tokens is no JSON any more.
            let input = serde_json::from_str(&block.joined()).unwrap_or_else(|_| json!({}));
            json!({ "type": "tool_use", "id": id, "name": name, "input": input })
        }
    }
}

fn opened(block: &Block) -> Value {
    match block {
        Block::Text(_) => json!({ "type": "text", "text": "" }),
        Block::Reasoning(_) => json!({ "type": "thinking", "thinking": "", "signature": "" }),
        Block::Call { id, name, .. } => json!({ "type": "tool_use", "id": id, "name": name, "input": {} }),
    }
}

fn deltas(block: &Block, model: &str) -> Vec<Value> {
    let pieces = block.pieces().iter();
    match block {
        Block::Text(_) => pieces.map(|text| json!({ "type": "text_delta", "text": text })).collect(),
        Block::Reasoning(_) => {
            let signature = signature(model, &block.joined());
            let thoughts = pieces.map(|text| json!({ "type": "thinking_delta", "thinking": text }));
            thoughts.chain([json!({ "type": "signature_delta", "signature": signature })]).collect()
        }
        Block::Call { .. } => {
            let first = json!({ "type": "input_json_delta", "partial_json": "" });
            let rest = pieces.map(|text| json!({ "type": "input_json_delta", "partial_json": text }));
            [first].into_iter().chain(rest).collect()
        }
    }
}

fn padded(name: &str, data: &Value, place: usize) -> Bytes {
    format!("event: {name}\ndata: {data}{}\n\n", filler(place, " ")).into()
}
