//! An answer put together from the events of its stream.

use std::fmt;

use crate::stop::StopReason;
use crate::stream::{BlockKind, Event};
use crate::usage::Usage;

/// A whole answer, whatever the dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The vendor's id of it; may be empty.
    pub id: String,
    /// The model that answered, as the vendor names it; may be empty.
    pub model: String,
    /// What it says, in order.
    pub blocks: Vec<Block>,
    /// Why it stopped.
    pub stop: Option<StopReason>,
    /// At which of the caller's stop sequences.
    pub stop_sequence: Option<String>,
    /// The tokens it took.
    pub usage: Usage,
}

/// One block of an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// What it holds.
    pub kind: BlockKind,
    /// Its text; a tool call's arguments, as JSON.
    pub text: String,
    /// The seal of a thinking block.
    pub signature: Option<String>,
    /// False for a tool call whose arguments are not a whole JSON value.
    pub sealed: bool,
}

impl Answer {
    /// Puts an answer together.
    #[must_use]
    pub fn collect<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut answer = Self::default();
        let mut places: Vec<(u32, usize)> = Vec::new();
        for event in events {
            match event {
                Event::Open { key, kind } => {
                    places.push((*key, answer.blocks.len()));
                    let (text, signature) = (String::new(), None);
                    answer.blocks.push(Block { kind: kind.clone(), text, signature, sealed: true });
                }
                Event::Delta { key, .. } | Event::Signature { key, .. } | Event::Close { key, .. } => {
                    let place = places.iter().rev().find(|(open, _)| open == key);
                    if let Some(block) = place.and_then(|&(_, at)| answer.blocks.get_mut(at)) {
                        block.take(event);
                    }
                }
                _ => answer.take(event),
            }
        }
        answer
    }

    /// All that the answer says: the text of its text blocks.
    #[must_use]
    pub fn text(&self) -> String {
        self.blocks
            .iter()
            .filter(|block| block.kind == BlockKind::Text)
            .map(|block| block.text.as_str())
            .collect()
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Start { id, model, usage } => {
                id.clone_into(&mut self.id);
                model.clone_into(&mut self.model);
                self.usage = *usage;
            }
            Event::Usage(usage) => self.usage = *usage,
            Event::Stop(reason, sequence) => {
                self.stop = Some(*reason);
                self.stop_sequence.clone_from(sequence);
            }
            _ => {}
        }
    }
}

impl Block {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Delta { text, .. } => self.text.push_str(text),
            Event::Signature { signature, .. } => self.signature = Some(signature.clone()),
            Event::Close { sealed, .. } => self.sealed = *sealed,
            _ => {}
        }
    }
}

/// Leaves out what the model said, for debug output ends up in logs.
impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.kind.as_str(), self.text.len())
    }
}
