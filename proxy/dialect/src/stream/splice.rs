//! A second stream's events, made to follow those of a first that broke off.

use super::encoder::{Encoder, RESUMED};
use super::event::{BlockKind, Event};
use super::journal::Journal;
use super::seam::{Seam, SeamFault};
use crate::continuation::Tier;
use crate::stop::StopReason;
use crate::usage::Usage;

/// Joins a continuation to the answer that it continues: one start, one text, one sum of tokens, one reason to stop.
///
/// What it gives is for the encoder that it was made for. Reasoning of the second model is left out, for nobody asked
/// to see two; a tool call, a refusal or anything else that is not text is a fault.
#[derive(Debug)]
pub struct Splice {
    seam: Seam,
    /// What was used before the first stream broke off.
    spent: Usage,
    /// What the second stream has reported.
    usage: Usage,
    key: u32,
    /// A block that must be closed first.
    left_open: Option<u32>,
    /// The block of `key` has begun.
    open: bool,
    /// Keys of blocks of text.
    text: Vec<u32>,
    said: String,
}

impl Splice {
    /// A splice of the stream in `journal`, to be written by `encoder`, with a continuation that was asked for in the
    /// way of `tier`.
    #[must_use]
    pub fn new(journal: &Journal, encoder: &Encoder, tier: Tier) -> Self {
        let (key, open, left_open) = match encoder.current() {
            Some((key, true)) => (key, true, None),
            Some((key, false)) => (RESUMED, false, Some(key)),
            None => (RESUMED, false, None),
        };
        let seam = Seam::new(journal.text(), tier).splitting_words(journal.splits_words());
        let (spent, usage) = (journal.usage(), Usage::default());
        Self { seam, spent, usage, key, left_open, open, text: Vec::new(), said: String::new() }
    }

    /// Takes an event of the second stream, and appends what it is in the joined one. That may be nothing yet.
    ///
    /// # Errors
    /// The continuation does not continue the answer. What was appended before stands.
    pub fn take(&mut self, event: &Event, out: &mut Vec<Event>) -> Result<(), SeamFault> {
        match event {
            Event::Open { key, kind } => match kind {
                BlockKind::Text => self.text.push(*key),
                BlockKind::Thinking => {}
                BlockKind::Tool { .. } => return Err(SeamFault::ToolCall),
                BlockKind::Refusal => return Err(SeamFault::Refusal),
                BlockKind::Opaque => return Err(SeamFault::Opaque),
            },
            Event::Delta { key, text } if self.text.contains(key) => {
                let fed = self.seam.feed(text, &mut self.said);
                self.say(out);
                fed?;
            }
            Event::Start { usage, .. } | Event::Usage(usage) => {
                self.usage = *usage;
                out.push(Event::Usage(self.usage()));
            }
            Event::Stop(reason, sequence) => self.stop(*reason, sequence.as_deref(), out)?,
            Event::End | Event::Ping | Event::Error { .. } => out.push(event.clone()),
            Event::Delta { .. } | Event::Signature { .. } | Event::Close { .. } => {}
        }
        Ok(())
    }

    /// The caller of this has waited long enough for the beginning of the continuation: says what can be said.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn flush(&mut self, out: &mut Vec<Event>) -> Result<(), SeamFault> {
        let flushed = self.seam.flush(&mut self.said);
        self.say(out);
        flushed
    }

    /// Whether the beginning of the continuation is held back to be compared with the answer's end.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.seam.is_holding()
    }

    /// What both streams have used; of the first, what its [`Journal::usage`] says.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.spent.plus(self.usage)
    }

    fn say(&mut self, out: &mut Vec<Event>) {
        if self.said.is_empty() {
            return;
        }
        if let Some(key) = self.left_open.take() {
            out.push(Event::Close { key, sealed: true });
        }
        if !std::mem::replace(&mut self.open, true) {
            out.push(Event::Open { key: self.key, kind: BlockKind::Text });
        }
        out.push(Event::Delta { key: self.key, text: std::mem::take(&mut self.said) });
    }

    fn stop(
        &mut self,
        reason: StopReason,
        sequence: Option<&str>,
        out: &mut Vec<Event>,
    ) -> Result<(), SeamFault> {
        match reason {
            StopReason::ToolUse => return Err(SeamFault::ToolCall),
            StopReason::Refusal => return Err(SeamFault::Refusal),
            // It waits for the vendor's own tools.
            StopReason::Paused => return Err(SeamFault::Opaque),
            _ => {}
        }
        let finished = self.seam.finish(&mut self.said);
        self.say(out);
        finished?;
        out.push(Event::Close { key: self.key, sealed: true });
        out.push(Event::Usage(self.usage()));
        out.push(Event::Stop(reason, sequence.map(str::to_owned)));
        Ok(())
    }
}
