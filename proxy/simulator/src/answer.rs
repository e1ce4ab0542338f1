//! The answer to a prompt: the same for the same prompt at every vendor, so that it can be checked.

mod told;

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::manner::Manner;
use crate::prompt::{Gist, Prompt, Tool};
use crate::sample::Source;
pub use told::full_answer;
use told::{chosen, chunks, pieces, structured, told};

/// An answer before it is written in a form.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) model: String,
    pub(crate) blocks: Vec<Block>,
    pub(crate) stop: Stop,
    pub(crate) usage: Usage,
    pub(crate) ids: Ids,
    /// Unix seconds.
    pub(crate) created: u64,
}

/// A part of an answer, in the pieces that a stream sends it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    Reasoning(Vec<String>),
    Text(Vec<String>),
    /// A call; `free` when its input is text rather than JSON.
    Call {
        id: String,
        name: String,
        input: Vec<String>,
        free: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    End,
    Length,
    Calls,
    Sequence(String),
}

/// Disjoint counts of tokens; `output` has the `reasoning` in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

/// Mints ids that differ between attempts and vendors.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    pub(crate) seed: u64,
}

/// What is to be composed beside the prompt.
#[derive(Debug, Clone)]
pub(crate) struct Style<'a> {
    pub(crate) model: &'a str,
    pub(crate) words: usize,
    pub(crate) ids: Ids,
    pub(crate) created: u64,
    pub(crate) call_prefix: &'static str,
    pub(crate) wrong: bool,
    /// How an answer that has begun is gone on with, if not simply so.
    pub(crate) manner: Option<Manner>,
    pub(crate) empty: bool,
    /// The form can show reasoning.
    pub(crate) shows_reasoning: bool,
}

impl Answer {
    pub(crate) fn compose(prompt: &Prompt, style: &Style<'_>) -> Self {
        let gist = prompt.gist();
        let mut answer = Self {
            model: style.model.to_owned(),
            blocks: Vec::new(),
            stop: Stop::End,
            usage: Usage::default(),
            ids: style.ids.clone(),
            created: style.created,
        };
        if prompt.reasoning && !style.empty {
            let thought = pieces("I think about what was asked and how to say it well.");
            answer.usage.reasoning = count(&thought);
            if style.shows_reasoning {
                answer.blocks.push(Block::Reasoning(thought));
            }
        }
        let riddle = told::riddle(&gist.asked, style.wrong);
        let calls = if style.empty { Vec::new() } else { calls(prompt, &gist, style) };
        if !calls.is_empty() {
            if gist.asked.to_lowercase().contains("explain") {
                answer.blocks.push(Block::Text(pieces("I will look that up.")));
            }
            answer.call(&calls, &mut Source::new(&gist.asked, riddle), style);
        } else if !style.empty {
            let text = if prompt.schema.is_some() {
                structured(prompt, &gist, riddle)
            } else {
                told(&gist, riddle, style)
            };
            answer.speak(&text, prompt);
        }
        answer.limit(prompt.max_output);
        answer.account(prompt);
        answer
    }

    fn call(&mut self, tools: &[&Tool], source: &mut Source, style: &Style<'_>) {
        for (place, tool) in tools.iter().enumerate() {
            let input = match &tool.schema {
                Some(schema) => source.value(schema).to_string(),
                None => "free text for the tool".to_owned(),
            };
            let id = self.ids.mint(style.call_prefix, &format!("call{place}"), 24);
            let free = tool.schema.is_none();
            self.blocks.push(Block::Call { id, name: tool.name.clone(), input: chunks(&input), free });
        }
        self.stop = Stop::Calls;
    }

    fn speak(&mut self, text: &str, prompt: &Prompt) {
        let found =
            prompt.stop.iter().filter_map(|stop| text.find(stop.as_str()).map(|place| (place, stop))).min();
        let text = match found {
            Some((place, stop)) => {
                self.stop = Stop::Sequence(stop.clone());
                text.get(..place).unwrap_or_default()
            }
            None => text,
        };
        self.blocks.push(Block::Text(if prompt.schema.is_some() { chunks(text) } else { pieces(text) }));
    }

    /// Cuts the answer off where its tokens are used up.
    fn limit(&mut self, most: Option<u64>) {
        let Some(mut left) = most else { return };
        let hidden = if self.blocks.iter().any(|block| matches!(block, Block::Reasoning(_))) {
            0
        } else {
            self.usage.reasoning
        };
        self.usage.reasoning = self.usage.reasoning.min(left);
        left = left.saturating_sub(hidden);
        let whole: u64 = self.blocks.iter().map(|block| count(block.pieces())).sum();
        if whole <= left {
            return;
        }
        self.stop = Stop::Length;
        for block in &mut self.blocks {
            let pieces = block.pieces_mut();
            pieces.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= count(pieces).min(left);
        }
        self.blocks.retain(|block| !block.pieces().is_empty());
    }

    fn account(&mut self, prompt: &Prompt) {
        let said: u64 =
            self.blocks.iter().filter(|block| !block.is_reasoning()).map(|b| count(b.pieces())).sum();
        let total = prompt.tokens();
        let (read, write) = if prompt.cached { (total * 3 / 8, total / 8) } else { (0, 0) };
        self.usage.input = total - read - write;
        self.usage.cache_read = read;
        self.usage.cache_write = write;
        self.usage.output = said + self.usage.reasoning;
    }

    pub(crate) fn text(&self) -> String {
        let texts = self.blocks.iter().filter(|block| matches!(block, Block::Text(_)));
        texts.flat_map(Block::pieces).map(String::as_str).collect()
    }
}

fn calls<'a>(prompt: &'a Prompt, gist: &Gist, style: &Style<'_>) -> Vec<&'a Tool> {
    if style.manner == Some(Manner::Call) && !gist.said.is_empty() {
        return prompt.tools.iter().take(1).collect();
    }
    chosen(prompt, gist)
}

impl Block {
    pub(crate) fn pieces(&self) -> &[String] {
        match self {
            Self::Reasoning(pieces) | Self::Text(pieces) | Self::Call { input: pieces, .. } => pieces,
        }
    }

    pub(crate) fn joined(&self) -> String {
        self.pieces().concat()
    }

    const fn pieces_mut(&mut self) -> &mut Vec<String> {
        match self {
            Self::Reasoning(pieces) | Self::Text(pieces) | Self::Call { input: pieces, .. } => pieces,
        }
    }

    const fn is_reasoning(&self) -> bool {
        matches!(self, Self::Reasoning(_))
    }
}

impl Usage {
    /// All input, as OpenAI counts it.
    pub(crate) const fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write
    }
}

impl Ids {
    /// `prefix` and so many letters and digits.
    pub(crate) fn mint(&self, prefix: &str, label: &str, length: usize) -> String {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut state = hash(&(self.seed, label));
        let mut id = prefix.to_owned();
        for place in 0..length {
            state = hash(&(state, place));
            let digit = usize::try_from(state % 62).unwrap_or(0);
            id.push(DIGITS.get(digit).map_or('0', |digit| char::from(*digit)));
        }
        id
    }
}

pub(crate) fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn count(pieces: &[String]) -> u64 {
    u64::try_from(pieces.len()).unwrap_or(u64::MAX)
}
