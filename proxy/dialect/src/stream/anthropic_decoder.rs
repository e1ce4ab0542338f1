//! The stream of Anthropic Messages.
//!
//! `message_start`, then per block `content_block_start`, `content_block_delta`…, `content_block_stop`, then
//! `message_delta` with the reason to stop, then `message_stop`; `ping` and `error` anywhere.

use serde_json::value::RawValue;

use super::anthropic_wire::{Block, Delta, Kind, Message, Wire, is_empty_object, parse};
use super::blocks::{Blocks, Shape};
use super::decoder::in_band;
use super::event::{BlockKind, Event, StreamFault};
use crate::Dialect;
use crate::sse::RawEvent;
use crate::stop::StopReason;
use crate::usage::{AnthropicUsage, Usage};

#[derive(Default)]
pub(super) struct AnthropicDecoder {
    id: Option<String>,
    blocks: Blocks,
    /// The vendor's index of each open block, and the key it has here.
    open: Vec<(u32, u32)>,
    usage: Usage,
    /// A reason to stop was given: the answer is whole.
    pub(super) stopped: bool,
    ended: bool,
}

impl AnthropicDecoder {
    pub(super) fn decode(&mut self, raw: &RawEvent, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        if &raw.data[..] == super::decoder::DONE {
            return Ok(());
        }
        let wire: Wire<'_> = parse(&raw.data)?;
        match &*wire.kind {
            "message_start" => self.message_start(wire.message, out)?,
            "content_block_start" => {
                let block = wire.content_block.ok_or(StreamFault::Broken("a block start without block"))?;
                self.block_start(wire.index.unwrap_or(0), block, out)?;
            }
            "content_block_delta" => {
                if let Some(delta) = wire.delta {
                    self.block_delta(wire.index.unwrap_or(0), delta, out)?;
                }
            }
            "content_block_stop" => self.block_stop(wire.index.unwrap_or(0), out),
            "message_delta" => self.message_delta(wire.delta, wire.usage, out)?,
            "message_stop" => {
                self.finish(out)?;
                self.ended = true;
            }
            "error" => out.push(Event::Error { failure: in_band(Dialect::Anthropic, &raw.data) }),
            "ping" => out.push(Event::Ping),
            // Event types are added over time, and clients are told to ignore what they do not know.
            _ => {}
        }
        Ok(())
    }

    /// A whole message is a `message_start` that has everything in it.
    pub(super) fn decode_whole(&mut self, body: &[u8], out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let message: &RawValue = parse(body)?;
        let kind: Kind<'_> = parse(message.get().as_bytes())?;
        match &*kind.kind {
            "message" => {
                self.message_start(Some(message), out)?;
                self.finish(out)
            }
            "error" => {
                out.push(Event::Error { failure: in_band(Dialect::Anthropic, body) });
                Ok(())
            }
            _ => Err(StreamFault::Broken("the body is not a message")),
        }
    }

    /// Ends the answer, which must have given its reason to stop.
    pub(super) fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        if !self.stopped {
            return Err(StreamFault::Truncated);
        }
        out.push(Event::End);
        Ok(())
    }

    pub(super) fn missing_terminal(&self) -> Option<&'static [u8]> {
        let missing = self.stopped && !self.ended;
        missing.then_some(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    }

    fn message_start(&mut self, message: Option<&RawValue>, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let message: Message<'_> = parse(message.map_or("{}", RawValue::get).as_bytes())?;
        if let Some(id) = &self.id {
            return if *id == message.id { Ok(()) } else { Err(StreamFault::Spliced) };
        }
        if let Some(usage) = message.usage {
            usage.update(&mut self.usage);
        }
        self.id = Some(message.id.clone());
        out.push(Event::Start { id: message.id, model: message.model, usage: self.usage });
        // An answer that needed no tokens, such as a tool call out of running code, is all in its start.
        for (index, block) in (0..).zip(message.content) {
            self.block_start(index, block, out)?;
            self.block_stop(index, out);
        }
        match message.stop_reason {
            Some(reason) => self.stop(StopReason::from_anthropic(&reason), message.stop_sequence, out),
            None => Ok(()),
        }
    }

    fn block_start(&mut self, index: u32, block: &RawValue, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let block: Block<'_> = parse(block.get().as_bytes())?;
        self.block_stop(index, out);
        let kind = match &*block.kind {
            "text" => BlockKind::Text,
            "thinking" => BlockKind::Thinking,
            "tool_use" => {
                let name = block.name.filter(|name| !name.is_empty());
                let name = name.ok_or(StreamFault::Broken("a tool call without name"))?;
                BlockKind::Tool { id: block.id.unwrap_or_default(), name }
            }
            _ => BlockKind::Opaque,
        };
        let shape = Shape::from(&kind);
        let key = self.blocks.open(kind, out);
        self.open.push((index, key));
        let first = match shape {
            Shape::Text => block.text,
            Shape::Thinking => block.thinking,
            // `{}` stands for an input that is still to come.
            Shape::Tool => {
                block.input.map(|input| input.get().to_owned()).filter(|input| !is_empty_object(input))
            }
            Shape::Refusal | Shape::Opaque => None,
        };
        self.blocks.delta(key, first.unwrap_or_default(), out);
        self.sign(key, block.signature, out);
        Ok(())
    }

    fn block_delta(&mut self, index: u32, delta: Delta<'_>, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let (shape, text) = match delta.kind.as_deref() {
            Some("text_delta") => (Shape::Text, delta.text),
            Some("thinking_delta") => (Shape::Thinking, delta.thinking),
            Some("input_json_delta") => (Shape::Tool, delta.partial_json),
            Some("signature_delta") => {
                if let Some(key) = self.key(index, Shape::Thinking) {
                    self.sign(key, delta.signature, out);
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let key = match (self.key(index, shape), shape) {
            (Some(key), _) => key,
            (None, Shape::Text) => self.reopen(index, BlockKind::Text, out),
            (None, Shape::Thinking) => self.reopen(index, BlockKind::Thinking, out),
            // Input of a tool that runs at the vendor's: the block is opaque here.
            (None, _) if self.key(index, Shape::Opaque).is_some() => return Ok(()),
            (None, _) => return Err(StreamFault::Broken("tool input outside of a tool call")),
        };
        self.blocks.delta(key, text.unwrap_or_default(), out);
        Ok(())
    }

    /// Text or thinking in a block that is not open, or of another kind: a vendor's slip that need not cost a word.
    fn reopen(&mut self, index: u32, kind: BlockKind, out: &mut Vec<Event>) -> u32 {
        self.block_stop(index, out);
        let key = self.blocks.open(kind, out);
        self.open.push((index, key));
        key
    }

    fn sign(&self, key: u32, signature: Option<String>, out: &mut Vec<Event>) {
        if let Some(signature) = signature.filter(|signature| !signature.is_empty()) {
            out.push(Event::Signature { key, signature });
        }
    }

    fn block_stop(&mut self, index: u32, out: &mut Vec<Event>) {
        if let Some(at) = self.open.iter().position(|(open, _)| *open == index) {
            let (_, key) = self.open.remove(at);
            self.blocks.close(key, out);
        }
    }

    fn message_delta(
        &mut self,
        delta: Option<Delta<'_>>,
        usage: Option<AnthropicUsage>,
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        if let Some(usage) = usage {
            usage.update(&mut self.usage);
            out.push(Event::Usage(self.usage));
        }
        let Some(delta) = delta else { return Ok(()) };
        let Some(reason) = delta.stop_reason else { return Ok(()) };
        self.blocks.close_all(out);
        self.open.clear();
        if let Some(explanation) = delta.stop_details.and_then(|details| details.explanation) {
            let key = self.blocks.open(BlockKind::Refusal, out);
            self.blocks.delta(key, explanation, out);
            self.blocks.close(key, out);
        }
        self.stop(StopReason::from_anthropic(&reason), delta.stop_sequence, out)
    }

    fn stop(
        &mut self,
        reason: StopReason,
        sequence: Option<String>,
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        if self.stopped {
            return Ok(());
        }
        let settled = self.blocks.settle(reason);
        out.push(Event::Stop(settled, sequence));
        self.blocks.judge(settled)?;
        self.stopped = true;
        Ok(())
    }

    fn key(&self, index: u32, shape: Shape) -> Option<u32> {
        let (_, key) = self.open.iter().find(|(open, _)| *open == index)?;
        (self.blocks.shape(*key) == Some(shape)).then_some(*key)
    }
}
