//! The Chat Completions form.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Event, Role, data, filler};
use crate::answer::{Answer, Block, Stop};
use crate::prompt::{Choice, Prompt};
use crate::vendor::Maker;

struct Writer<'a> {
    answer: &'a Answer,
    prompt: &'a Prompt,
    maker: Maker,
    events: Vec<Event>,
}

pub(crate) fn whole(answer: &Answer, prompt: &Prompt, maker: Maker) -> Value {
    let choices: Vec<Value> = (0..prompt.choices)
        .map(|index| {
            json!({
                "index": index,
                "message": message(answer, maker),
                "logprobs": null,
                "finish_reason": finish(answer, prompt, maker),
            })
        })
        .collect();
    let mut completion = envelope(answer, maker, "chat.completion");
    completion["choices"] = choices.into();
    completion["usage"] = usage(answer, prompt, maker);
    completion
}

pub(crate) fn events(answer: &Answer, prompt: &Prompt, maker: Maker) -> Vec<Event> {
    let mut writer = Writer { answer, prompt, maker, events: Vec::new() };
    for index in 0..prompt.choices {
        writer.choice(index);
    }
    if prompt.include_usage && maker != Maker::Xai {
        let mut chunk = writer.chunk();
        chunk["choices"] = json!([]);
        chunk["usage"] = usage(answer, prompt, maker);
        writer.push(Role::Stop, chunk);
    }
    writer.events.push(Event { bytes: Bytes::from_static(b"data: [DONE]\n\n"), role: Role::Terminal });
    writer.events
}

impl Writer<'_> {
    fn choice(&mut self, index: u32) {
        self.delta(Role::Frame, index, json!({ "role": "assistant", "content": "", "refusal": null }));
        let answer = self.answer;
        let mut ordinal = 0;
        for block in &answer.blocks {
            match block {
                Block::Text(pieces) => {
                    for text in pieces {
                        self.delta(Role::Content, index, json!({ "content": text }));
                    }
                }
                Block::Reasoning(pieces) => {
                    for text in pieces {
                        self.delta(Role::Content, index, json!({ "reasoning_content": text }));
                    }
                }
                Block::Call { .. } => {
                    self.call(index, ordinal, block);
                    ordinal += 1;
                }
            }
        }
        let finish = finish(answer, self.prompt, self.maker);
        let mut chunk = self.chunk();
        chunk["choices"] =
            json!([{ "index": index, "delta": {}, "logprobs": null, "finish_reason": finish }]);
        // xAI gives the usage with the last choice instead of in a chunk of its own.
        if self.maker == Maker::Xai && self.prompt.include_usage && index + 1 == self.prompt.choices {
            chunk["usage"] = usage(answer, self.prompt, self.maker);
        }
        self.push(Role::Stop, chunk);
    }

    /// The first fragment has id, type and name, the rest only pieces of the input.
    fn call(&mut self, index: u32, ordinal: usize, block: &Block) {
        let Block::Call { free, .. } = block else { return };
        let mut first = called(block, "");
        first["index"] = ordinal.into();
        self.delta(Role::Content, index, json!({ "tool_calls": [first] }));
        let (kind, key) = if *free { ("custom", "input") } else { ("function", "arguments") };
        for piece in block.pieces() {
            let fragment = json!({ "index": ordinal, kind: { key: piece } });
            self.delta(Role::Content, index, json!({ "tool_calls": [fragment] }));
        }
    }

    fn delta(&mut self, role: Role, index: u32, delta: Value) {
        let mut chunk = self.chunk();
        chunk["choices"] =
            json!([{ "index": index, "delta": delta, "logprobs": null, "finish_reason": null }]);
        self.push(role, chunk);
    }

    fn chunk(&self) -> Value {
        let mut chunk = envelope(self.answer, self.maker, "chat.completion.chunk");
        if self.prompt.include_usage && self.maker != Maker::Xai {
            chunk["usage"] = Value::Null;
        }
        if self.maker == Maker::OpenAi && self.prompt.obfuscate {
            chunk["obfuscation"] = filler(self.events.len(), "x").into();
        }
        chunk
    }

    fn push(&mut self, role: Role, chunk: Value) {
        self.events.push(Event { bytes: data(&chunk), role });
    }
}

fn envelope(answer: &Answer, maker: Maker, object: &str) -> Value {
    let mut envelope = json!({
        "id": answer.ids.mint("chatcmpl-", "completion", 29),
        "object": object,
        "created": answer.created,
        "model": answer.model,
    });
    if maker != Maker::Generic {
        envelope["system_fingerprint"] = "fp_5144172e1a".into();
    }
    if maker == Maker::OpenAi {
        envelope["service_tier"] = "default".into();
    }
    envelope
}

fn message(answer: &Answer, maker: Maker) -> Value {
    let calls: Vec<Value> = answer
        .blocks
        .iter()
        .filter(|block| matches!(block, Block::Call { .. }))
        .map(|block| called(block, &block.joined()))
        .collect();
    let text = answer.text();
    let mut message = json!({ "role": "assistant", "content": text, "refusal": null });
    if maker == Maker::OpenAi {
        message["annotations"] = json!([]);
    }
    if !calls.is_empty() {
        if text.is_empty() {
            message["content"] = Value::Null;
        }
        message["tool_calls"] = calls.into();
    }
    if let Some(reasoning) = answer.blocks.iter().find(|block| matches!(block, Block::Reasoning(_))) {
        message["reasoning_content"] = reasoning.joined().into();
    }
    message
}

fn called(block: &Block, input: &str) -> Value {
    match block {
        Block::Call { id, name, free: true, .. } => {
            json!({ "id": id, "type": "custom", "custom": { "name": name, "input": input } })
        }
        Block::Call { id, name, .. } => {
            json!({ "id": id, "type": "function", "function": { "name": name, "arguments": input } })
        }
        _ => Value::Null,
    }
}

fn finish(answer: &Answer, prompt: &Prompt, maker: Maker) -> &'static str {
    match answer.stop {
        Stop::End | Stop::Sequence(_) => "stop",
        Stop::Length => "length",
        // Self-hosted servers say "stop" when the call was forced by name.
        Stop::Calls if maker == Maker::Generic && matches!(prompt.choice, Choice::Named(_)) => "stop",
        Stop::Calls => "tool_calls",
    }
}

/// OpenAI counts reasoning inside the completion tokens, xAI beside them.
fn usage(answer: &Answer, prompt: &Prompt, maker: Maker) -> Value {
    let usage = answer.usage;
    let said = (usage.output - usage.reasoning.min(usage.output)) * u64::from(prompt.choices);
    let completion = if maker == Maker::Xai { said } else { said + usage.reasoning };
    let mut value = json!({
        "prompt_tokens": usage.prompt(),
        "completion_tokens": completion,
        "total_tokens": usage.prompt() + said + usage.reasoning,
    });
    if maker != Maker::Generic {
        value["prompt_tokens_details"] = json!({
            "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write, "audio_tokens": 0,
        });
        value["completion_tokens_details"] = json!({
            "reasoning_tokens": usage.reasoning, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        });
    }
    value
}
