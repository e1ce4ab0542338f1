//! What to ask. Every question holds a nonce, so that no cache and no replay can answer it, and a sum, so
//! that an echo cannot.

mod body;

use bytes::Bytes;
use rand::Rng;
use sidestep_dialect::Target;
use sidestep_table::ProbeKind;

use crate::budget::Tokens;

/// Letters of a nonce: consonants make no words that a model could complete or a filter could dislike.
const CONSONANTS: &[u8] = b"bcdfghjklmnpqrstvwxz";

/// The words of the long context. Short and plain: about one token each.
const WORDS: [&str; 24] = [
    "river", "stone", "green", "paper", "under", "seven", "light", "house", "table", "quiet", "north",
    "apple", "train", "cloud", "early", "small", "music", "round", "field", "water", "glass", "bread",
    "winter", "garden",
];

/// Words in a long context, for about 4000 tokens.
const CONTEXT_WORDS: usize = 3_600;

/// A context of this many tokens holds the long question with ease.
const ROOMY: u64 = 16_000;

/// The function that a tool probe asks to be called.
pub(crate) const TOOL: &str = "report";

/// One question and its answer. Deliberately without `Debug`: prompts are not logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    kind: ProbeKind,
    nonce: String,
    terms: (u8, u8),
    /// The long text before the question; empty for the other kinds.
    context: String,
}

/// How many output tokens a probe may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Room {
    /// As few as the model's class allows.
    #[default]
    Tight,
    /// As many as a reasoning model needs; for a model that ran into the tight cap.
    Ample,
}

/// A question in an upstream's own words.
pub struct Prompt {
    /// Path below the upstream's base URL, such as `/v1/messages`.
    pub path: &'static str,
    /// The JSON body.
    pub body: Bytes,
    /// No tokenizer makes more input tokens of it than this.
    pub input_bound: u64,
    /// The cap on output tokens that the body asks for.
    pub output_cap: u64,
}

// === impl Question ===

impl Question {
    /// Draws a new question.
    pub fn draw(kind: ProbeKind, draw: &mut impl Rng) -> Self {
        let mut letter = || char::from(CONSONANTS[draw.random_range(0..CONSONANTS.len())]);
        let nonce = [letter(), letter(), letter(), letter()].iter().collect();
        let terms = (draw.random_range(10..=99), draw.random_range(10..=99));
        let context = if kind == ProbeKind::Context { ramble(draw) } else { String::new() };
        Self { kind, nonce, terms, context }
    }

    /// What kind of question it is.
    #[must_use]
    pub fn kind(&self) -> ProbeKind {
        self.kind
    }

    /// The code that the answer must repeat: four consonants.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The number that the answer must give.
    #[must_use]
    pub fn sum(&self) -> u64 {
        u64::from(self.terms.0) + u64::from(self.terms.1)
    }

    /// The words of the question.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { nonce, terms: (a, b), context, .. } = self;
        match self.kind {
            ProbeKind::Echo => {
                format!("Reply with only this code: {nonce} {a}+{b}=?\nPut the sum in place of {a}+{b}=?")
            }
            ProbeKind::Tool => {
                format!("Call the tool {TOOL} once, with this code and the sum: {nonce} {a}+{b}=?")
            }
            ProbeKind::Context => format!(
                "{context}\n\nIgnore the words above. Reply with only this code: {nonce} {a}+{b}=?\n\
                 Put the sum in place of {a}+{b}=?"
            ),
        }
    }
}

// === impl Prompt ===

impl Prompt {
    /// The most that the probe may use.
    #[must_use]
    pub fn bound(&self) -> Tokens {
        Tokens { input: self.input_bound, output: self.output_cap }
    }
}

/// Seven in ten questions are the cheapest, two call a tool, one brings a long context.
pub fn draw_kind(draw: &mut impl Rng) -> ProbeKind {
    match draw.random_range(0..10u8) {
        0..7 => ProbeKind::Echo,
        7..9 => ProbeKind::Tool,
        _ => ProbeKind::Context,
    }
}

/// The kind of the `trial`-th probe of a half-open model: no two of three in a row are alike.
#[must_use]
pub fn trial_kind(trial: u32) -> ProbeKind {
    match trial % 3 {
        0 => ProbeKind::Echo,
        1 => ProbeKind::Tool,
        _ => ProbeKind::Context,
    }
}

/// Writes `question` for `target`.
#[must_use]
pub fn write(question: &Question, target: &Target, room: Room) -> Prompt {
    let text = question.text();
    // A vendor's own wrapping of a tool definition takes up to 350 tokens.
    let wrapping = if question.kind == ProbeKind::Tool { 600 } else { 100 };
    let words = u64::try_from(text.len()).unwrap_or(u64::MAX) / 3;
    let (body, output_cap) = body::write(&text, question.kind, target, room);
    Prompt { path: target.dialect.generate_path(), body, input_bound: words + wrapping, output_cap }
}

/// Whether `target` can be asked this kind of question at all.
#[must_use]
pub fn can_ask(kind: ProbeKind, target: &Target) -> bool {
    match kind {
        ProbeKind::Echo => true,
        ProbeKind::Tool => target.capabilities.tools,
        ProbeKind::Context => target.capabilities.max_input_tokens.is_none_or(|most| most >= ROOMY),
    }
}

fn ramble(draw: &mut impl Rng) -> String {
    let mut text = String::with_capacity(CONTEXT_WORDS * 7);
    for word in 0..CONTEXT_WORDS {
        text.push_str(if word == 0 { "" } else { " " });
        text.push_str(WORDS[draw.random_range(0..WORDS.len())]);
    }
    text
}

#[cfg(test)]
mod tests;
