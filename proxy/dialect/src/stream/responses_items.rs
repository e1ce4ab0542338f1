//! The parts of a Responses answer's items, each with what has been said of it so far.
//!
//! The stream says everything up to four times: in deltas, when a part is done, when its item is done, and in the
//! final response. Not every provider sends every one of these, so each only adds what is still missing.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::blocks::{Blocks, Shape};
use super::event::{BlockKind, Event, StreamFault};
use crate::wire::{Prose, arguments};

/// Where in an item a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A content part of a message, by its index.
    Content(u32),
    /// A part of a reasoning item's summary, by its index.
    Summary(u32),
    /// A part of a reasoning item's own text, by its index.
    Reasoning(u32),
    /// The item itself: a tool call, or what only this dialect has.
    Whole,
}

#[derive(Debug)]
struct Part {
    item: u32,
    slot: Slot,
    shape: Shape,
    key: u32,
    /// Bytes said so far.
    said: usize,
}

/// All parts of an answer.
#[derive(Default)]
pub(super) struct Items {
    pub(super) blocks: Blocks,
    parts: Vec<Part>,
    calls: Vec<String>,
    words: Option<Words>,
}

/// Words that were in an event which could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// They are still to come: nothing that follows them can be said before.
    Missing,
    /// They have come, with what followed them.
    Found,
}

/// An item, in whichever state.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(default, rename = "type")]
    kind: Prose,
    #[serde(default)]
    call_id: Prose,
    #[serde(default)]
    name: Prose,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ContentPart {
    #[serde(default, rename = "type")]
    kind: Prose,
    #[serde(default)]
    text: Prose,
    #[serde(default)]
    refusal: Prose,
}

impl Items {
    /// Adds to a part, which is opened if it is new.
    pub(super) fn append(
        &mut self,
        (item, slot): (u32, Slot),
        kind: BlockKind,
        text: String,
        out: &mut Vec<Event>,
    ) {
        if kind == BlockKind::Text && self.words == Some(Words::Missing) {
            return;
        }
        let at = self.part((item, slot), kind, out);
        let part = &mut self.parts[at];
        part.said += text.len();
        self.blocks.delta(part.key, text, out);
    }

    /// Words were lost. The event that ends their part has them once more.
    pub(super) fn lose_words(&mut self) {
        self.words = Some(Words::Missing);
    }

    /// Whether words are missing, or were found by the event that was taken last.
    pub(super) fn words(&mut self) -> Option<Words> {
        let words = self.words;
        self.words = words.filter(|words| *words == Words::Missing);
        words
    }

    /// Adds to a tool call's arguments; a call that was never announced cannot be named any more.
    pub(super) fn append_arguments(
        &mut self,
        item: u32,
        text: String,
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        let at =
            self.find((item, Slot::Whole)).ok_or(StreamFault::Broken("arguments of an unknown tool call"))?;
        let part = &mut self.parts[at];
        part.said += text.len();
        self.blocks.delta(part.key, text, out);
        Ok(())
    }

    /// Adds what is missing of a part whose whole is known now, and closes it.
    pub(super) fn complete(
        &mut self,
        place: (u32, Slot),
        kind: BlockKind,
        whole: &str,
        out: &mut Vec<Event>,
    ) {
        if whole.is_empty() && self.find(place).is_none() {
            return;
        }
        let is_text = kind == BlockKind::Text;
        let at = self.part(place, kind, out);
        if is_text && self.words.is_some() && whole.is_char_boundary(self.parts[at].said) {
            self.words = Some(Words::Found);
        }
        self.complete_part(at, whole, out);
    }

    /// Adds what is missing of a tool call's arguments. The call stays open: only its item names it for sure.
    pub(super) fn complete_arguments(&mut self, item: u32, whole: &str, out: &mut Vec<Event>) {
        if let Some(at) = self.find((item, Slot::Whole)) {
            self.say_rest(at, whole, out);
        }
    }

    /// An item was announced.
    pub(super) fn announce(
        &mut self,
        index: u32,
        item: &Item<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        match item.kind.text.as_str() {
            "message" | "reasoning" => Ok(()),
            "function_call" => {
                let at = self.call(index, item, out)?;
                self.say_rest(at, &arguments(item.arguments), out);
                Ok(())
            }
            _ => {
                self.part((index, Slot::Whole), BlockKind::Opaque, out);
                Ok(())
            }
        }
    }

    /// An item is done: whatever of it was not said yet is said now.
    pub(super) fn settle(
        &mut self,
        index: u32,
        item: &Item<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        match item.kind.text.as_str() {
            "message" => {
                for (at, part) in (0..).zip(parts(item.content)) {
                    let place = (index, Slot::Content(at));
                    match part.kind.text.as_str() {
                        "refusal" => self.complete(place, BlockKind::Refusal, &part.refusal.text, out),
                        _ => self.complete(place, BlockKind::Text, &part.text.text, out),
                    }
                }
            }
            "reasoning" => {
                for (at, part) in (0..).zip(parts(item.summary)) {
                    self.complete((index, Slot::Summary(at)), BlockKind::Thinking, &part.text.text, out);
                }
                for (at, part) in (0..).zip(parts(item.content)) {
                    self.complete((index, Slot::Reasoning(at)), BlockKind::Thinking, &part.text.text, out);
                }
            }
            "function_call" => {
                let at = self.call(index, item, out)?;
                self.complete_part(at, &arguments(item.arguments), out);
            }
            _ => {
                let at = self.part((index, Slot::Whole), BlockKind::Opaque, out);
                self.blocks.close(self.parts[at].key, out);
            }
        }
        Ok(())
    }

    /// The final response's items: those of which the stream itself has said nothing are said now. Positions and
    /// ids are no guide here, for providers leave items out of the list and give them new ids.
    pub(super) fn settle_rest(
        &mut self,
        items: &[Item<'_>],
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        let said = |shapes: &[Shape]| self.parts.iter().any(|part| shapes.contains(&part.shape));
        let said_text = said(&[Shape::Text, Shape::Refusal]);
        let said_thinking = said(&[Shape::Thinking]);
        let said_opaque = said(&[Shape::Opaque]);
        let first = self.parts.iter().map(|part| part.item + 1).max().unwrap_or(0);
        for (index, item) in (first..).zip(items) {
            let known = match item.kind.text.as_str() {
                "message" => said_text,
                "reasoning" => said_thinking,
                "function_call" => self.calls.contains(&item.call_id.text),
                _ => said_opaque,
            };
            if !known {
                self.settle(index, item, out)?;
            }
        }
        Ok(())
    }

    fn call(&mut self, index: u32, item: &Item<'_>, out: &mut Vec<Event>) -> Result<usize, StreamFault> {
        if let Some(at) = self.find((index, Slot::Whole)) {
            return Ok(at);
        }
        let (id, name) = (item.call_id.text.clone(), item.name.text.clone());
        if name.is_empty() {
            return Err(StreamFault::Broken("a tool call without name"));
        }
        self.calls.push(id.clone());
        Ok(self.part((index, Slot::Whole), BlockKind::Tool { id, name }, out))
    }

    fn find(&self, (item, slot): (u32, Slot)) -> Option<usize> {
        self.parts.iter().rposition(|part| part.item == item && part.slot == slot)
    }

    fn part(&mut self, (item, slot): (u32, Slot), kind: BlockKind, out: &mut Vec<Event>) -> usize {
        if let Some(at) = self.find((item, slot)) {
            return at;
        }
        let shape = Shape::from(&kind);
        let key = self.blocks.open(kind, out);
        self.parts.push(Part { item, slot, shape, key, said: 0 });
        self.parts.len() - 1
    }

    fn complete_part(&mut self, at: usize, whole: &str, out: &mut Vec<Event>) {
        self.say_rest(at, whole, out);
        self.blocks.close(self.parts[at].key, out);
    }

    fn say_rest(&mut self, at: usize, whole: &str, out: &mut Vec<Event>) {
        let part = &mut self.parts[at];
        if let Some(rest) = whole.get(part.said..).filter(|rest| !rest.is_empty()) {
            part.said = whole.len();
            self.blocks.delta(part.key, rest.to_owned(), out);
        }
    }
}

/// A list of content parts; what is no such list is empty.
fn parts(list: Option<&RawValue>) -> Vec<ContentPart> {
    list.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default()
}
