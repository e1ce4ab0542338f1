//! Writes the stream of Anthropic Messages.

use bytes::BytesMut;
use serde_json::json;

use super::encoder::{keep_alive, write_event};
use super::event::{BlockKind, Event};
use super::sequence::Writer;
use crate::Dialect;
use crate::answer::{AnswerContext, Mint};
use crate::stop::StopReason;
use crate::usage::Usage;

pub(super) struct AnthropicWriter {
    context: AnswerContext,
    mint: Mint,
    started: bool,
    index: u32,
    block: Block,
    usage: Usage,
    stop: Option<(StopReason, Option<String>)>,
}

/// The block that is being written.
#[derive(Default)]
enum Block {
    #[default]
    None,
    /// Text of which nothing has come: an empty block could not be sent back in the next turn.
    Unsaid,
    Text,
    Tool,
    /// Reasoning is shown only with the seal that proves it genuine: the next turn would be refused otherwise. The
    /// seal comes last, so all of it is held.
    Held(String),
    Thinking,
}

impl AnthropicWriter {
    pub(super) fn new(context: AnswerContext) -> Self {
        let mint = Mint::new(context.id_seed);
        let (block, usage) = (Block::None, Usage::default());
        Self { context, mint, started: false, index: 0, block, usage, stop: None }
    }

    /// Goes on at the block of this index, which is text that is open already, or one that is still to come.
    pub(super) fn resumed(context: AnswerContext, (index, open): (u32, bool), usage: Usage) -> Self {
        let block = if open { Block::Text } else { Block::None };
        Self { started: true, index, block, usage, ..Self::new(context) }
    }

    fn start(&mut self, model: &str, out: &mut BytesMut) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let model = if model.is_empty() { &self.context.served_model } else { model };
        let message = json!({
            "id": self.mint.next("msg_"), "type": "message", "role": "assistant", "model": model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": self.usage.to_anthropic(),
        });
        write_event(Some("message_start"), &json!({ "type": "message_start", "message": message }), out);
    }

    fn open(&mut self, kind: &BlockKind, out: &mut BytesMut) {
        self.block = match kind {
            BlockKind::Thinking => Block::Held(String::new()),
            BlockKind::Tool { id, name } => {
                let id = self.mint.tool_id("toolu_", id);
                self.block_start(&json!({ "type": "tool_use", "id": id, "name": name, "input": {} }), out);
                Block::Tool
            }
            BlockKind::Text | BlockKind::Refusal | BlockKind::Opaque => Block::Unsaid,
        };
    }

    fn delta(&mut self, text: &str, out: &mut BytesMut) {
        if matches!(self.block, Block::Unsaid) {
            self.block_start(&json!({ "type": "text", "text": "" }), out);
            self.block = Block::Text;
        }
        match &mut self.block {
            Block::Text => self.block_delta("text_delta", "text", text, out),
            Block::Tool => self.block_delta("input_json_delta", "partial_json", text, out),
            Block::Held(held) => held.push_str(text),
            Block::Thinking | Block::None | Block::Unsaid => {}
        }
    }

    fn sign(&mut self, signature: &str, out: &mut BytesMut) {
        if let Block::Held(held) = &mut self.block {
            let held = std::mem::take(held);
            self.block_start(&json!({ "type": "thinking", "thinking": "", "signature": "" }), out);
            if !held.is_empty() {
                self.block_delta("thinking_delta", "thinking", &held, out);
            }
            self.block_delta("signature_delta", "signature", signature, out);
            self.block = Block::Thinking;
        }
    }

    fn close(&mut self, out: &mut BytesMut) {
        if matches!(std::mem::take(&mut self.block), Block::Text | Block::Tool | Block::Thinking) {
            let body = json!({ "type": "content_block_stop", "index": self.index });
            write_event(Some("content_block_stop"), &body, out);
            self.index += 1;
        }
    }

    fn block_start(&self, block: &serde_json::Value, out: &mut BytesMut) {
        let body = json!({ "type": "content_block_start", "index": self.index, "content_block": block });
        write_event(Some("content_block_start"), &body, out);
    }

    fn block_delta(&self, kind: &'static str, field: &'static str, text: &str, out: &mut BytesMut) {
        let body =
            BlockDelta { kind: "content_block_delta", index: self.index, delta: Delta { kind, field, text } };
        write_event(Some("content_block_delta"), &body, out);
    }

    fn end(&self, out: &mut BytesMut) {
        let (reason, sequence) = self.stop.clone().unwrap_or((StopReason::EndTurn, None));
        let body = json!({
            "type": "message_delta",
            "delta": { "stop_reason": reason.as_anthropic(), "stop_sequence": sequence },
            "usage": self.usage.to_anthropic(),
        });
        write_event(Some("message_delta"), &body, out);
        write_event(Some("message_stop"), &json!({ "type": "message_stop" }), out);
    }
}

impl Writer for AnthropicWriter {
    fn shows(&self, kind: &BlockKind) -> bool {
        !matches!(kind, BlockKind::Opaque)
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
            Event::Signature { signature, .. } => self.sign(signature, out),
            Event::Close { .. } => self.close(out),
            Event::Usage(usage) => self.usage = *usage,
            Event::Stop(reason, sequence) => self.stop = Some((*reason, sequence.clone())),
            Event::End => {
                self.start("", out);
                self.end(out);
            }
            Event::Ping => out.extend_from_slice(keep_alive(Dialect::Anthropic)),
            Event::Error { .. } => {}
        }
    }
}

#[derive(serde::Serialize)]
struct BlockDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    delta: Delta<'a>,
}

struct Delta<'a> {
    kind: &'static str,
    field: &'static str,
    text: &'a str,
}

impl serde::Serialize for Delta<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("type", self.kind)?;
        map.serialize_entry(self.field, self.text)?;
        map.end()
    }
}
