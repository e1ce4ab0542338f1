//! The Responses form.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Event, Place, Role, filler, named};
use crate::answer::{Answer, Block, Stop};
use crate::prompt::Prompt;

/// Fields of the request that the answer repeats, with what they are when absent.
fn echoed(prompt: &Prompt) -> Vec<(&'static str, Value)> {
    let defaults = [
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("max_tool_calls", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("previous_response_id", Value::Null),
        ("prompt_cache_key", Value::Null),
        ("reasoning", json!({ "effort": null, "summary": null })),
        ("safety_identifier", Value::Null),
        ("store", json!(true)),
        ("temperature", json!(1.0)),
        ("text", json!({ "format": { "type": "text" }, "verbosity": "medium" })),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_logprobs", json!(0)),
        ("top_p", json!(1.0)),
        ("truncation", json!("disabled")),
        ("user", Value::Null),
    ];
    let asked = |key: &str| prompt.echo.get(key).filter(|value| !value.is_null()).cloned();
    defaults.into_iter().map(|(key, default)| (key, asked(key).unwrap_or(default))).collect()
}

struct Writer<'a> {
    answer: &'a Answer,
    prompt: &'a Prompt,
    events: Vec<Event>,
    output: Vec<Value>,
}

pub(crate) fn whole(answer: &Answer, prompt: &Prompt) -> Value {
    let output = answer.blocks.iter().enumerate().map(|(place, block)| done(answer, place, block)).collect();
    ended(answer, prompt, output)
}

pub(crate) fn events(answer: &Answer, prompt: &Prompt) -> Vec<Event> {
    let mut writer = Writer { answer, prompt, events: Vec::new(), output: Vec::new() };
    for kind in ["response.created", "response.in_progress"] {
        writer.push(Role::Frame, kind, json!({ "response": response(answer, prompt, "in_progress") }));
    }
    for (place, block) in answer.blocks.iter().enumerate() {
        writer.item(place, block);
    }
    let output = std::mem::take(&mut writer.output);
    let kind = if answer.stop == Stop::Length { "response.incomplete" } else { "response.completed" };
    writer.push(Role::Terminal, kind, json!({ "response": ended(answer, prompt, output) }));
    writer.events
}

/// The error event as it is seen on the wire, and the failed response after it.
pub(crate) fn error(error: &Value, place: &Place<'_>) -> Bytes {
    let event = json!({ "type": "error", "sequence_number": place.sent, "error": error });
    let mut response = response(place.answer, &Prompt::default(), "failed");
    let code = error["code"].as_str().unwrap_or("server_error");
    response["error"] = json!({ "code": code, "message": error["message"] });
    let failed =
        json!({ "type": "response.failed", "sequence_number": place.sent + 1, "response": response });
    [named("error", &event), named("response.failed", &failed)].concat().into()
}

impl Writer<'_> {
    fn item(&mut self, index: usize, block: &Block) {
        let finished = done(self.answer, index, block);
        let mut opened = finished.clone();
        match block {
            Block::Text(_) => opened["content"] = json!([]),
            Block::Reasoning(_) => opened["summary"] = json!([]),
            Block::Call { free, .. } => opened[if *free { "input" } else { "arguments" }] = json!(""),
        }
        if opened.get("status").is_some() {
            opened["status"] = json!("in_progress");
        }
        self.push(
            if matches!(block, Block::Call { .. }) { Role::Opening } else { Role::Frame },
            "response.output_item.added",
            json!({ "output_index": index, "item": opened }),
        );
        let at = json!({ "output_index": index, "item_id": finished["id"] });
        match block {
            Block::Text(_) => self.text(&at, &finished["content"][0], block),
            Block::Reasoning(_) => self.summary(&at, &finished["summary"][0], block),
            Block::Call { .. } => self.call(&at, block),
        }
        self.push(
            Role::Frame,
            "response.output_item.done",
            json!({ "output_index": index, "item": finished }),
        );
        self.output.push(finished);
    }

    fn text(&mut self, at: &Value, part: &Value, block: &Block) {
        let mut empty = part.clone();
        empty["text"] = json!("");
        let at = joined(at, json!({ "content_index": 0 }));
        self.push(Role::Frame, "response.content_part.added", joined(&at, json!({ "part": empty })));
        for piece in block.pieces() {
            let delta = joined(&at, json!({ "delta": piece, "logprobs": [] }));
            self.push(Role::Content, "response.output_text.delta", delta);
        }
        let text = joined(&at, json!({ "text": part["text"], "logprobs": [] }));
        self.push(Role::Frame, "response.output_text.done", text);
        self.push(Role::Frame, "response.content_part.done", joined(&at, json!({ "part": part })));
    }

    fn summary(&mut self, at: &Value, part: &Value, block: &Block) {
        let at = joined(at, json!({ "summary_index": 0 }));
        let mut empty = part.clone();
        empty["text"] = json!("");
        self.push(
            Role::Frame,
            "response.reasoning_summary_part.added",
            joined(&at, json!({ "part": empty })),
        );
        for piece in block.pieces() {
            let delta = joined(&at, json!({ "delta": piece }));
            self.push(Role::Content, "response.reasoning_summary_text.delta", delta);
        }
        let text = joined(&at, json!({ "text": part["text"] }));
        self.push(Role::Frame, "response.reasoning_summary_text.done", text);
        self.push(Role::Frame, "response.reasoning_summary_part.done", joined(&at, json!({ "part": part })));
    }

    fn call(&mut self, at: &Value, block: &Block) {
        let Block::Call { name, free, .. } = block else { return };
        let (kind, key) = if *free {
            ("custom_tool_call_input", "input")
        } else {
            ("function_call_arguments", "arguments")
        };
        for piece in block.pieces() {
            self.push(
                Role::Content,
                &format!("response.{kind}.delta"),
                joined(at, json!({ "delta": piece })),
            );
        }
        let mut whole = joined(at, json!({ key: block.joined() }));
        if !free {
            whole["name"] = json!(name);
        }
        self.push(Role::Frame, &format!("response.{kind}.done"), whole);
    }

    fn push(&mut self, role: Role, kind: &str, mut event: Value) {
        event["type"] = kind.into();
        event["sequence_number"] = self.events.len().into();
        if role == Role::Content && self.prompt.obfuscate {
            event["obfuscation"] = filler(self.events.len(), "x").into();
        }
        self.events.push(Event { bytes: named(kind, &event), role });
    }
}

fn joined(left: &Value, right: Value) -> Value {
    let mut joined = left.clone();
    if let (Some(joined), Value::Object(right)) = (joined.as_object_mut(), right) {
        joined.extend(right);
    }
    joined
}

fn response(answer: &Answer, prompt: &Prompt, status: &str) -> Value {
    let mut response = json!({
        "id": answer.ids.mint("resp_", "response", 48),
        "object": "response",
        "created_at": answer.created,
        "completed_at": null,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "model": answer.model,
        "output": [],
        "service_tier": "default",
        "usage": null,
    });
    for (key, value) in echoed(prompt) {
        response[key] = value;
    }
    response
}

fn ended(answer: &Answer, prompt: &Prompt, output: Vec<Value>) -> Value {
    let status = if answer.stop == Stop::Length { "incomplete" } else { "completed" };
    let mut response = response(answer, prompt, status);
    if answer.stop == Stop::Length {
        response["incomplete_details"] = json!({ "reason": "max_output_tokens" });
    } else {
        response["completed_at"] = answer.created.into();
    }
    let usage = answer.usage;
    response["output"] = output.into();
    response["usage"] = json!({
        "input_tokens": usage.prompt(),
        "input_tokens_details": { "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write },
        "output_tokens": usage.output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.prompt() + usage.output,
    });
    response
}

fn done(answer: &Answer, place: usize, block: &Block) -> Value {
    let id = |prefix: &str| answer.ids.mint(prefix, &format!("item{place}"), 48);
    match block {
        Block::Text(_) => json!({
            "id": id("msg_"), "type": "message", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": block.joined(), "annotations": [], "logprobs": [] }],
        }),
        Block::Reasoning(_) => json!({
            "id": id("rs_"), "type": "reasoning",
            "summary": [{ "type": "summary_text", "text": block.joined() }],
        }),
        Block::Call { id: call, name, free: false, .. } => json!({
            "id": id("fc_"), "type": "function_call", "call_id": call, "name": name, "status": "completed",
            "arguments": block.joined(),
        }),
        Block::Call { id: call, name, .. } => json!({
            "id": id("ctc_"), "type": "custom_tool_call", "call_id": call, "name": name, "input": block.joined(),
        }),
    }
}
