//! Writes the stream of Chat Completions.

use bytes::BytesMut;
use serde::Serialize;
use serde_json::{Value, json};

use super::encoder::{keep_alive, write_json};
use super::event::{BlockKind, Event};
use super::sequence::Writer;
use crate::Dialect;
use crate::answer::{AnswerContext, Mint};
use crate::usage::Usage;

pub(super) struct OpenAiWriter {
    context: AnswerContext,
    mint: Mint,
    /// What every chunk begins with, up to its choices; empty until the answer has begun.
    head: String,
    block: Block,
    /// How many tool calls have begun.
    tools: u32,
    usage: Usage,
}

#[derive(Debug, Clone, Copy)]
enum Block {
    Text,
    Refusal,
    Tool(u32),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Delta<'a> {
    Content(&'a str),
    Refusal(&'a str),
    ToolCalls([ToolDelta<'a>; 1]),
}

#[derive(Serialize)]
struct ToolDelta<'a> {
    index: u32,
    function: Arguments<'a>,
}

#[derive(Serialize)]
struct Arguments<'a> {
    arguments: &'a str,
}

impl OpenAiWriter {
    pub(super) fn new(context: AnswerContext) -> Self {
        let mint = Mint::new(context.id_seed);
        Self { context, mint, head: String::new(), block: Block::Text, tools: 0, usage: Usage::default() }
    }

    /// Goes on with the text of chunks that begin with `head`.
    pub(super) fn resumed(context: AnswerContext, head: String, usage: Usage) -> Self {
        Self { head, usage, ..Self::new(context) }
    }

    fn start(&mut self, model: &str, out: &mut BytesMut) {
        if !self.head.is_empty() {
            return;
        }
        let model = if model.is_empty() { &self.context.served_model } else { model };
        let (id, created) = (json!(self.mint.next("chatcmpl-")), self.context.created);
        let (object, model) = (json!("chat.completion.chunk"), json!(model));
        self.head =
            format!(r#"{{"id":{id},"object":{object},"created":{created},"model":{model},"choices":["#);
        self.chunk(&json!({ "role": "assistant", "content": "", "refusal": null }), &Value::Null, out);
    }

    fn open(&mut self, kind: &BlockKind, out: &mut BytesMut) {
        self.block = match kind {
            BlockKind::Tool { id, name } => {
                let index = self.tools;
                self.tools += 1;
                let id = self.mint.tool_id("call_", id);
                let call = json!({
                    "index": index, "id": id, "type": "function", "function": { "name": name, "arguments": "" },
                });
                self.chunk(&json!({ "tool_calls": [call] }), &Value::Null, out);
                Block::Tool(index)
            }
            BlockKind::Refusal => Block::Refusal,
            BlockKind::Text | BlockKind::Thinking | BlockKind::Opaque => Block::Text,
        };
    }

    fn delta(&self, text: &str, out: &mut BytesMut) {
        let delta = match self.block {
            Block::Text => Delta::Content(text),
            Block::Refusal => Delta::Refusal(text),
            Block::Tool(index) => {
                Delta::ToolCalls([ToolDelta { index, function: Arguments { arguments: text } }])
            }
        };
        self.chunk(&delta, &Value::Null, out);
    }

    fn chunk(&self, delta: &impl Serialize, finish_reason: &Value, out: &mut BytesMut) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(br#"{"index":0,"delta":"#);
        write_json(delta, out);
        out.extend_from_slice(br#","logprobs":null,"finish_reason":"#);
        write_json(finish_reason, out);
        // A client that asked for the usage finds the field in every chunk, and counts in the last one only.
        out.extend_from_slice(if self.context.include_usage {
            b"}],\"usage\":null}\n\n"
        } else {
            b"}]}\n\n"
        });
    }

    fn end(&self, out: &mut BytesMut) {
        if self.context.include_usage {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(self.head.as_bytes());
            out.extend_from_slice(br#"],"usage":"#);
            write_json(&self.usage.to_chat(), out);
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

impl Writer for OpenAiWriter {
    fn shows(&self, kind: &BlockKind) -> bool {
        !matches!(kind, BlockKind::Opaque | BlockKind::Thinking)
    }

    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { model, usage, .. } => {
                self.usage = *usage;
                self.start(model, out);
            }
            Event::Open { kind, .. } => {
                self.start("", out);
                self.open(kind, out);
            }
            Event::Delta { text, .. } => self.delta(text, out),
            Event::Usage(usage) => self.usage = *usage,
            Event::Stop(reason, _) => {
                self.start("", out);
                self.chunk(&json!({}), &json!(reason.as_chat()), out);
            }
            Event::End => {
                self.start("", out);
                self.end(out);
            }
            Event::Ping => out.extend_from_slice(keep_alive(Dialect::OpenAi)),
            Event::Signature { .. } | Event::Close { .. } | Event::Error { .. } => {}
        }
    }
}
