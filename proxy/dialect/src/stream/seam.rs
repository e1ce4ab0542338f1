//! The seam between an answer that broke off and its continuation by another model.
//!
//! The beginning of the continuation is held and compared with what was said. A model may do as it was told and go on;
//! say the last words again; start over; talk about what it is going to do; or say something that has nothing to do
//! with the answer. Only new words get through, and only such as can follow. Whatever cannot be told for sure ends the
//! rescue, for an error can be tried again and a corrupt answer cannot be taken back.
//!
//! Matches ignore how blanks and line breaks are set, except inside of code fences, where they matter.

mod align;
mod cycle;
mod joint;
mod language;
mod opening;

use std::fmt;

use align::{Alignment, Said, Step};
use cycle::Cycle;

use crate::continuation::Tier;

/// What is held of a continuation before it is let through, in characters.
const HELD: usize = 400;

/// What a continuation may have, in bytes: a model that does not end is ended.
const MAX_CONTINUATION: usize = 1 << 20;

/// Why a continuation is not let through, or not any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SeamFault {
    /// It talks about continuing, or apologises.
    #[error("the continuation begins with a preamble")]
    Preamble,
    /// It starts over, and then says something else.
    #[error("the continuation starts over and cannot be aligned")]
    Diverged,
    /// It says nothing that has not been said.
    #[error("the continuation adds nothing")]
    NothingNew,
    /// It says the same again and again.
    #[error("the continuation goes round in circles")]
    Loops,
    /// It is written in another language.
    #[error("the continuation is in another language")]
    Language,
    /// It does not end.
    #[error("the continuation does not end")]
    Endless,
    /// It calls a tool.
    #[error("the continuation calls a tool")]
    ToolCall,
    /// It refuses.
    #[error("the continuation is a refusal")]
    Refusal,
    /// It has something that only its own dialect can say.
    #[error("the continuation has more than text")]
    Opaque,
}

/// Lets the text of one continuation through.
pub struct Seam {
    said: Said,
    tier: Tier,
    splits_words: bool,
    phase: Phase,
    /// What came and was not let through.
    held: String,
    /// The time for holding is over: what is not in doubt goes through.
    due: bool,
    cycle: Cycle,
    /// Bytes that came, whatever became of them.
    came: usize,
    added: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Holding,
    /// What comes repeats what was said from this byte on.
    Skipping(usize),
    Flowing,
}

impl Seam {
    /// A seam after `said`, for a continuation that was asked for in the way of `tier`.
    #[must_use]
    pub fn new(said: &str, tier: Tier) -> Self {
        Self {
            cycle: Cycle::new(said),
            said: Said::new(said, tier),
            tier,
            splits_words: false,
            phase: Phase::Holding,
            held: String::new(),
            due: false,
            came: 0,
            added: false,
        }
    }

    /// Whether the answer came in pieces that end inside of words, so that it is likely to have broken off in one.
    #[must_use]
    pub fn splitting_words(mut self, splits: bool) -> Self {
        self.splits_words = splits;
        self
    }

    /// Takes text of the continuation and appends what of it may be said now.
    ///
    /// # Errors
    /// The continuation cannot be joined. What was appended before stands.
    pub fn feed(&mut self, text: &str, out: &mut String) -> Result<(), SeamFault> {
        self.came = self.came.saturating_add(text.len());
        if self.came > MAX_CONTINUATION + self.said.text().len() {
            return Err(SeamFault::Endless);
        }
        match self.phase {
            Phase::Flowing => self.flow(text, out),
            Phase::Holding | Phase::Skipping(_) => {
                self.held.push_str(text);
                self.work(false, out)
            }
        }
    }

    /// Enough was waited for: lets through what is not in doubt.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn flush(&mut self, out: &mut String) -> Result<(), SeamFault> {
        self.due = true;
        self.work(false, out)
    }

    /// The continuation is complete.
    ///
    /// # Errors
    /// As [`Self::feed`], and when nothing new was said.
    pub fn finish(&mut self, out: &mut String) -> Result<(), SeamFault> {
        self.due = true;
        self.work(true, out)?;
        if self.phase == Phase::Flowing && self.added { Ok(()) } else { Err(SeamFault::NothingNew) }
    }

    /// Whether text is held back.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.phase != Phase::Flowing
    }

    /// Judges what is held, if there is enough of it.
    fn work(&mut self, last: bool, out: &mut String) -> Result<(), SeamFault> {
        if self.phase == Phase::Holding {
            let enough = last || self.due || self.held.chars().nth(HELD - 1).is_some();
            if !enough || self.held.trim().is_empty() {
                return Ok(());
            }
            self.judge(last, out)?;
        }
        if let Phase::Skipping(from) = self.phase {
            return self.skip(from, out);
        }
        Ok(())
    }

    fn judge(&mut self, last: bool, out: &mut String) -> Result<(), SeamFault> {
        let full = last || self.held.chars().nth(HELD - 1).is_some();
        if !self.begin(full) {
            return Ok(());
        }
        let window = self.held.char_indices().nth(HELD).map_or(self.held.len(), |(at, _)| at);
        match self.said.align(&self.held[..window], full) {
            Alignment::Undecided => return Ok(()),
            Alignment::Diverged => return Err(SeamFault::Diverged),
            Alignment::Repeats(from) => {
                self.phase = Phase::Skipping(from);
                return Ok(());
            }
            Alignment::Overlaps(used) => {
                let used = used + self.said.blanks_left(&self.held[..used], &self.held[used..]);
                if used == self.held.len() && !last {
                    // The next may be blanks that were said.
                    return Ok(());
                }
                let rest = self.held.split_off(used);
                self.held.clear();
                return self.open(&rest, out);
            }
            Alignment::New => {}
        }
        if opening::is_preamble(self.said.text(), &self.held) {
            return Err(SeamFault::Preamble);
        }
        if !full && opening::may_become_preamble(self.said.text(), &self.held) {
            return Ok(());
        }
        if language::changes(self.said.text(), &self.held) {
            return Err(SeamFault::Language);
        }
        let held = std::mem::take(&mut self.held);
        let joined = joint::join(self.said.text(), &held, self.tier, self.splits_words);
        self.phase = Phase::Flowing;
        self.flow(&joined, out)
    }

    /// Takes away what belongs to a turn of its own: a code fence that is open already, and dots that stand for what
    /// was said. Whether enough has come to tell.
    fn begin(&mut self, full: bool) -> bool {
        let reopened = self.said.reopened(&self.held);
        self.held.drain(..reopened.unwrap_or_default());
        let dots = self.said.dots(&self.held);
        self.held.drain(..dots.filter(|_| self.tier == Tier::Instruct).unwrap_or_default());
        full || (reopened.is_some() && dots.is_some())
    }

    /// Follows a repetition as far as it has come.
    fn skip(&mut self, from: usize, out: &mut String) -> Result<(), SeamFault> {
        match self.said.follow(from, &self.held) {
            Step::Diverged { .. } => Err(SeamFault::Diverged),
            Step::More { at, used } => {
                self.phase = Phase::Skipping(at);
                self.held.drain(..used);
                Ok(())
            }
            Step::Whole { used } => {
                let rest = self.held.split_off(used);
                self.held.clear();
                self.open(&rest, out)
            }
        }
    }

    /// Goes on after a repetition of what was said.
    fn open(&mut self, rest: &str, out: &mut String) -> Result<(), SeamFault> {
        self.phase = Phase::Flowing;
        self.flow(rest, out)
    }

    fn flow(&mut self, text: &str, out: &mut String) -> Result<(), SeamFault> {
        self.cycle.check(text)?;
        self.added |= !text.trim().is_empty();
        out.push_str(text);
        Ok(())
    }
}

/// Leaves out what the model says, for debug output ends up in logs.
impl fmt::Debug for Seam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seam({:?}, {:?}, {} bytes held)", self.tier, self.phase, self.held.len())
    }
}

#[cfg(test)]
mod tests;
