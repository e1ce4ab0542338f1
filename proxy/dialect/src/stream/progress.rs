//! What an observer knows of a stream, for instance while its bytes pass through untouched.

use super::event::{BlockKind, Event};
use crate::error::Failure;
use crate::stop::StopReason;
use crate::usage::Usage;

/// The facts of a stream so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The model that answers, as the vendor names it.
    pub model: Option<String>,
    /// Something meaningful was said: see [`Event::is_meaningful`].
    pub meaningful: bool,
    /// Something other than reasoning was said.
    pub answered: bool,
    /// The tokens so far.
    pub usage: Usage,
    /// Why the model stopped, once it has.
    pub stop: Option<StopReason>,
    /// The failure that the vendor reported inside the stream.
    pub error: Option<Failure>,
    /// The answer is whole, though its end marker may be missing.
    pub complete: bool,
    /// The end marker or a failure was seen: nothing that follows belongs to the answer.
    pub terminal: bool,
    /// Malformed events that were left out, for the answer lacks nothing without them.
    pub dropped: u64,
    /// The event that begins the answer was seen.
    pub(super) started: bool,
    /// Keys of blocks that are open reasoning.
    pub(super) thinking: Vec<u32>,
}

impl Progress {
    /// Takes one more event into account.
    pub fn observe(&mut self, event: &Event) {
        self.meaningful |= event.is_meaningful();
        match event {
            Event::Start { model, usage, .. } => {
                self.started = true;
                if !model.is_empty() {
                    self.model = Some(model.clone());
                }
                self.usage = *usage;
            }
            Event::Open { key, kind: BlockKind::Thinking } => self.thinking.push(*key),
            Event::Open { kind: BlockKind::Tool { .. } | BlockKind::Opaque, .. } => self.answered = true,
            Event::Delta { key, .. } => self.answered |= !self.thinking.contains(key),
            Event::Close { key, .. } => self.thinking.retain(|open| open != key),
            Event::Usage(usage) => self.usage = *usage,
            Event::Stop(reason, _) => self.stop = Some(*reason),
            Event::Error { failure } => (self.error, self.terminal) = (Some(failure.clone()), true),
            Event::End => (self.complete, self.terminal) = (true, true),
            Event::Open { .. } | Event::Signature { .. } | Event::Ping => {}
        }
    }

    /// Whether the answer is whole and says nothing though it stopped of its own accord.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.complete
            && !self.answered
            && matches!(self.stop, Some(StopReason::EndTurn | StopReason::ToolUse))
    }
}
