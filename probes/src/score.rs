//! Turns an answer into a claim. *Alive* is a token of any kind and a terminal event; *right* is the nonce and
//! the sum, in that order; a cap that reasoning ate is alive but proves nothing; anything else is a quality
//! alarm, which degrades a model and never opens it by itself.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use sidestep_dialect::{BlockKind, Event, StopReason, Usage};
use sidestep_table::{Class, Fault, ProbeKind, Quality};

use crate::budget::Tokens;
use crate::prompt::{Question, TOOL};
use crate::send::{Heard, Trouble};

/// Which part of an answer a block belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Words,
    Arguments,
    /// Thoughts and what only its own dialect can say: a sign of life, but no answer.
    Aside,
}

/// Longest answer kept for checking, in bytes. A right one is a few dozen.
const KEPT: usize = 8 * 1024;

/// What an answer says of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// Its health.
    pub class: Class,
    /// Whether it thinks straight.
    pub quality: Quality,
    /// How long the vendor asks to be left alone.
    pub retry_after: Option<Duration>,
    /// The answer ran into the cap before it was right: the next question should leave more room.
    pub cut: bool,
}

/// What was heard of one answer, as far as it matters for the score. Holds model output: no `Debug`.
#[derive(Default)]
pub struct Transcript {
    text: String,
    arguments: String,
    called: bool,
    /// Called a tool that nobody offered.
    strayed: bool,
    refused: bool,
    alive: bool,
    stop: Option<StopReason>,
    usage: Usage,
    kinds: HashMap<u32, Part>,
}

// === impl Transcript ===

impl Transcript {
    /// Adds one event. Returns whether it was the first sign of life.
    pub fn hear(&mut self, event: &Event) -> bool {
        let before = self.alive;
        self.alive |= event.is_meaningful();
        match event {
            Event::Open { key, kind } => self.open(*key, kind),
            Event::Delta { key, text } => self.extend(*key, text),
            Event::Start { usage, .. } | Event::Usage(usage) => self.usage = *usage,
            Event::Stop(reason, _) => self.stop = Some(*reason),
            _ => {}
        }
        !before && self.alive
    }

    fn open(&mut self, key: u32, kind: &BlockKind) {
        let part = match kind {
            BlockKind::Text => Part::Words,
            BlockKind::Tool { name, .. } if name == TOOL => {
                self.called = true;
                Part::Arguments
            }
            BlockKind::Refusal => {
                self.refused = true;
                Part::Aside
            }
            BlockKind::Tool { .. } => {
                self.strayed = true;
                Part::Aside
            }
            BlockKind::Thinking | BlockKind::Opaque => Part::Aside,
        };
        self.kinds.insert(key, part);
    }

    fn extend(&mut self, key: u32, text: &str) {
        let kept = match self.kinds.get(&key) {
            Some(Part::Words) => &mut self.text,
            Some(Part::Arguments) => &mut self.arguments,
            _ => return,
        };
        if kept.len() + text.len() <= KEPT {
            kept.push_str(text);
        }
    }

    /// The tokens that the vendor counted, if it did.
    #[must_use]
    pub fn tokens(&self) -> Option<Tokens> {
        let tokens = Tokens { input: self.usage.prompt(), output: self.usage.output };
        (tokens != Tokens::default()).then_some(tokens)
    }

    fn refused(&self) -> bool {
        self.refused || self.stop == Some(StopReason::Refusal)
    }

    fn is_right(&self, question: &Question) -> bool {
        if question.kind() == ProbeKind::Tool && self.called {
            // A model may call twice; one right call is enough.
            let calls = serde_json::Deserializer::from_str(&self.arguments).into_iter::<Value>();
            return calls.map_while(Result::ok).any(|call| reports(&call, question));
        }
        answers(&self.text, question)
    }
}

/// Whether a call's arguments hold code and sum; a sum in quotes is still right.
fn reports(call: &Value, question: &Question) -> bool {
    let code = call["code"].as_str().unwrap_or_default().trim();
    let sum = call["sum"].as_u64().or_else(|| call["sum"].as_str().and_then(|sum| sum.trim().parse().ok()));
    code.eq_ignore_ascii_case(question.nonce()) && sum == Some(question.sum())
}

/// Whether `text` holds the nonce and, after it, the sum as a number of its own.
fn answers(text: &str, question: &Question) -> bool {
    let text = text.to_ascii_lowercase();
    let Some(at) = text.find(question.nonce()) else { return false };
    let rest = &text[at + question.nonce().len()..];
    rest.split(|letter: char| !letter.is_ascii_digit()).any(|number| number.parse() == Ok(question.sum()))
}

/// Scores one exchange. `forced` says whether the model had to call the tool.
#[must_use]
pub fn score(question: &Question, heard: &Heard, forced: bool) -> Score {
    let transcript = &heard.transcript;
    if let Some(Trouble { class, retry_after }) = heard.trouble {
        return Score { class, quality: Quality::Unproven, retry_after, cut: false };
    }
    let cut_by_length = transcript.stop == Some(StopReason::MaxTokens);
    let right = transcript.is_right(question);
    let spoke = transcript.called || transcript.strayed || !transcript.text.trim().is_empty();
    let missed_call = question.kind() == ProbeKind::Tool && !transcript.called;
    let quality = match (right, spoke) {
        (true, _) if missed_call && forced => Quality::Wrong,
        // It knows the answer and was free to say it in words: nothing is proven about calls.
        (true, _) if missed_call => Quality::Unproven,
        (true, _) => Quality::Right,
        (false, true) if !cut_by_length && !transcript.refused() => Quality::Wrong,
        (false, _) => Quality::Unproven,
    };
    // Success by status only: a whole stream with nothing in it.
    let dead = !transcript.alive && !cut_by_length;
    let class = if dead { Class::Hard(Fault::Broken) } else { Class::Ok };
    Score { class, quality, retry_after: None, cut: cut_by_length && quality == Quality::Unproven }
}

#[cfg(test)]
mod tests;
