//! The blocks that a decoder has open.

use serde::de::IgnoredAny;

use super::event::{BlockKind, Event, StreamFault};
use crate::stop::StopReason;

/// The open blocks of a stream, and what the closed ones leave to be judged at its end.
#[derive(Default)]
pub(super) struct Blocks {
    next: u32,
    open: Vec<OpenBlock>,
    tools: bool,
    opaque: bool,
    refused: bool,
    unsealed: bool,
}

struct OpenBlock {
    key: u32,
    shape: Shape,
    /// A tool call's arguments so far: they are checked when it closes.
    arguments: String,
}

/// A block's kind without what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Refusal,
    Thinking,
    Tool,
    Opaque,
}

impl From<&BlockKind> for Shape {
    fn from(kind: &BlockKind) -> Self {
        match kind {
            BlockKind::Text => Self::Text,
            BlockKind::Refusal => Self::Refusal,
            BlockKind::Thinking => Self::Thinking,
            BlockKind::Tool { .. } => Self::Tool,
            BlockKind::Opaque => Self::Opaque,
        }
    }
}

impl Blocks {
    /// Opens a block and gives its key.
    pub(super) fn open(&mut self, kind: BlockKind, out: &mut Vec<Event>) -> u32 {
        let (key, shape) = (self.next, Shape::from(&kind));
        self.next += 1;
        self.tools |= shape == Shape::Tool;
        self.opaque |= shape == Shape::Opaque;
        self.refused |= shape == Shape::Refusal;
        self.open.push(OpenBlock { key, shape, arguments: String::new() });
        out.push(Event::Open { key, kind });
        key
    }

    /// The shape of an open block.
    pub(super) fn shape(&self, key: u32) -> Option<Shape> {
        self.open.iter().find(|block| block.key == key).map(|block| block.shape)
    }

    /// Adds to an open block; empty additions and those to closed blocks are nothing.
    pub(super) fn delta(&mut self, key: u32, text: String, out: &mut Vec<Event>) {
        let Some(block) = self.open.iter_mut().find(|block| block.key == key) else { return };
        if text.is_empty() {
            return;
        }
        if block.shape == Shape::Tool {
            block.arguments.push_str(&text);
        }
        out.push(Event::Delta { key, text });
    }

    /// Closes a block; one that is closed already stays so.
    pub(super) fn close(&mut self, key: u32, out: &mut Vec<Event>) {
        let Some(at) = self.open.iter().position(|block| block.key == key) else { return };
        let mut block = self.open.remove(at);
        if block.shape == Shape::Tool && block.arguments.trim().is_empty() {
            // A call without arguments: not every client takes an empty string for an empty object.
            block.arguments.push_str("{}");
            out.push(Event::Delta { key, text: "{}".to_owned() });
        }
        let sealed = block.shape != Shape::Tool || is_whole(&block.arguments);
        self.unsealed |= !sealed;
        out.push(Event::Close { key, sealed });
    }

    /// Closes every open block, in the order in which they were opened.
    pub(super) fn close_all(&mut self, out: &mut Vec<Event>) {
        while let Some(block) = self.open.first() {
            self.close(block.key, out);
        }
    }

    /// Closes every open block of the given shapes.
    pub(super) fn close_shapes(&mut self, shapes: &[Shape], out: &mut Vec<Event>) {
        let keys: Vec<u32> =
            self.open.iter().filter(|block| shapes.contains(&block.shape)).map(|block| block.key).collect();
        for key in keys {
            self.close(key, out);
        }
    }

    /// Closes the tool calls whose arguments are a whole JSON object, to which nothing can be added.
    pub(super) fn close_whole_tools(&mut self, out: &mut Vec<Event>) {
        let keys: Vec<u32> =
            self.open.iter().filter(|block| block.is_whole_tool()).map(|block| block.key).collect();
        for key in keys {
            self.close(key, out);
        }
    }

    /// The reason to stop, put right by what the answer holds: vendors report `stop` after tool calls.
    pub(super) fn settle(&self, reason: StopReason) -> StopReason {
        match reason {
            StopReason::EndTurn if self.refused => StopReason::Refusal,
            StopReason::EndTurn if self.tools => StopReason::ToolUse,
            other => other,
        }
    }

    /// Whether the answer keeps what its reason to stop promises.
    pub(super) fn judge(&self, settled: StopReason) -> Result<(), StreamFault> {
        if self.unsealed && !settled.cuts() {
            return Err(StreamFault::ToolArguments);
        }
        if settled == StopReason::ToolUse && !self.tools && !self.opaque {
            return Err(StreamFault::MissingTool);
        }
        Ok(())
    }
}

impl OpenBlock {
    fn is_whole_tool(&self) -> bool {
        self.shape == Shape::Tool && self.arguments.trim_end().ends_with('}') && is_whole(&self.arguments)
    }
}

/// Whether a tool call's arguments are one complete JSON value.
pub(crate) fn is_whole(arguments: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(arguments).is_ok()
}
