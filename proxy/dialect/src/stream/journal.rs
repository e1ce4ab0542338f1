//! What has been said of a stream so far, in case that another model must say the rest.

use std::fmt;

use super::event::{BlockKind, Event};
use super::passed::Passed;
use crate::Dialect;
use crate::ask::{Ask, Feature};
use crate::continuation::estimate_tokens;
use crate::sse::RawEvent;
use crate::usage::Usage;

/// No answer is longer than a few ten thousand words; what is, is not asked for again.
const MAX_TEXT: usize = 256 * 1024;

/// About as many bytes of a request's text are a token.
const BYTES_PER_TOKEN: u64 = 4;

/// Records a stream as it is told. On the road of every stream, so it appends text and does little else.
pub struct Journal {
    text: String,
    /// Where in `text` the newest text block begins.
    block: usize,
    text_key: Option<u32>,
    /// Whether reasoning that the vendor shows is shown to the caller.
    shows_thinking: bool,
    thinking: Vec<u32>,
    unfit: Option<Unfit>,
    usage: Usage,
    /// About how many tokens the request is.
    asked: u64,
    boundaries: Boundaries,
    passed: Option<Passed>,
}

/// Why an answer is not continued by another model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unfit {
    /// A tool was called, or must be.
    #[error("a tool call")]
    ToolCall,
    /// JSON is asked for: two halves of two models' need not be one document.
    #[error("structured output")]
    StructuredOutput,
    /// The caller has seen reasoning, which is one model's own.
    #[error("visible reasoning")]
    VisibleReasoning,
    /// The model refused.
    #[error("a refusal")]
    Refusal,
    /// Sources are cited.
    #[error("citations")]
    Citations,
    /// The probabilities of tokens are asked for.
    #[error("logprobs")]
    Logprobs,
    /// Several answers are asked for.
    #[error("several choices")]
    ManyChoices,
    /// The answer is spoken.
    #[error("audio")]
    Audio,
    /// The vendor keeps the conversation, and would keep a half of it.
    #[error("server-side state")]
    ServerState,
    /// Something that only its own dialect can say, such as a search on the vendor's side.
    #[error("vendor-specific content")]
    Opaque,
    /// Nothing that a person could read was said: there is nothing to continue.
    #[error("nothing was said yet")]
    NothingSaid,
    /// The text is over 256 KiB.
    #[error("too long a text")]
    TooLong,
    /// The events that were passed on are such that no more can be added to them.
    #[error("an irregular stream")]
    Irregular,
}

/// How often a piece ended in the middle of a word, and how often at the end of one.
#[derive(Debug, Clone, Copy, Default)]
struct Boundaries {
    inside: u32,
    between: u32,
}

const ASKED: [(Feature, Unfit); 8] = [
    (Feature::JsonSchema, Unfit::StructuredOutput),
    (Feature::JsonObject, Unfit::StructuredOutput),
    (Feature::ForcedTool, Unfit::ToolCall),
    (Feature::Logprobs, Unfit::Logprobs),
    (Feature::ManyChoices, Unfit::ManyChoices),
    (Feature::AudioOutput, Unfit::Audio),
    (Feature::Citations, Unfit::Citations),
    (Feature::ServerState, Unfit::ServerState),
];

impl Journal {
    /// A journal of the answer to `ask`. `translated` says whether an [`Encoder`](super::Encoder) writes what the caller sees; if not,
    /// the journal must be shown what is [passed on](Self::pass).
    #[must_use]
    pub fn new(ask: &Ask, translated: bool) -> Self {
        let asked = ASKED.iter().find(|(feature, _)| ask.features.has(*feature));
        Self {
            text: String::new(),
            block: 0,
            text_key: None,
            // No other dialect than Responses shows the reasoning of other vendors' models.
            shows_thinking: !translated || ask.dialect == Dialect::Responses,
            thinking: Vec::new(),
            unfit: asked.map(|(_, unfit)| *unfit),
            usage: Usage::default(),
            asked: ask.features.text_bytes.div_ceil(BYTES_PER_TOKEN),
            boundaries: Boundaries::default(),
            passed: (!translated).then(|| Passed::new(ask.dialect)),
        }
    }

    /// Takes note of an event that the caller is told.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Delta { key, text } if self.text_key == Some(*key) => self.say(text),
            Event::Delta { key, .. } => {
                if self.shows_thinking && self.thinking.contains(key) {
                    self.refuse(Unfit::VisibleReasoning);
                }
            }
            Event::Open { key, kind } => self.open(*key, kind),
            Event::Close { key, .. } => self.thinking.retain(|open| open != key),
            Event::Start { usage, .. } | Event::Usage(usage) => self.usage = *usage,
            Event::Signature { .. } | Event::Stop(..) | Event::Error { .. } | Event::End | Event::Ping => {}
        }
    }

    /// Takes note of an event whose bytes go to the caller as they are.
    pub fn pass(&mut self, raw: &RawEvent) {
        if self.passed.as_mut().is_some_and(|passed| passed.note(raw)) {
            self.block = self.text.len();
        }
    }

    /// What the answer says so far: the text of its text blocks.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why the answer cannot be continued; nothing when it can.
    #[must_use]
    pub fn unfit(&self) -> Option<Unfit> {
        let irregular = || self.passed.as_ref().is_some_and(Passed::is_irregular).then_some(Unfit::Irregular);
        let silent = || self.text.trim().is_empty().then_some(Unfit::NothingSaid);
        self.unfit.or_else(silent).or_else(irregular)
    }

    /// The tokens so far. A stream that breaks off has not said how many it has put out, so that is an
    /// estimate wherever the text is longer than what was reported; and so is what it has read, where the vendor
    /// tells nothing before the end.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let output = self.usage.output.max(estimate_tokens(&self.text));
        let told = self.usage.input + self.usage.cache_read + self.usage.cache_write > 0;
        let input = if told { self.usage.input } else { self.asked };
        Usage { input, output, ..self.usage }
    }

    /// Whether pieces of this stream mostly end inside of words, as they do where a vendor cuts by size.
    #[must_use]
    pub fn splits_words(&self) -> bool {
        self.boundaries.inside > self.boundaries.between
    }

    /// The text of the newest text block.
    pub(super) fn block_text(&self) -> &str {
        self.text.get(self.block..).unwrap_or_default()
    }

    /// What was passed on byte for byte.
    pub(super) fn passed(&self) -> Option<&Passed> {
        self.passed.as_ref()
    }

    fn say(&mut self, text: &str) {
        if self.unfit.is_some() {
            return;
        }
        if self.text.len() + text.len() > MAX_TEXT {
            self.refuse(Unfit::TooLong);
            return;
        }
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if is_word(self.text.chars().next_back()) {
            let count = if is_word(text.chars().next()) {
                &mut self.boundaries.inside
            } else {
                &mut self.boundaries.between
            };
            *count = count.saturating_add(1);
        }
        self.text.push_str(text);
    }

    fn open(&mut self, key: u32, kind: &BlockKind) {
        match kind {
            BlockKind::Text => (self.text_key, self.block) = (Some(key), self.text.len()),
            BlockKind::Thinking => self.thinking.push(key),
            BlockKind::Tool { .. } => self.refuse(Unfit::ToolCall),
            BlockKind::Refusal => self.refuse(Unfit::Refusal),
            BlockKind::Opaque => self.refuse(Unfit::Opaque),
        }
    }

    /// From now on nothing needs to be kept but the count.
    fn refuse(&mut self, unfit: Unfit) {
        self.usage = self.usage();
        self.unfit.get_or_insert(unfit);
        self.text = String::new();
        self.passed = None;
    }
}

/// Leaves out what the model said, for debug output ends up in logs.
impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({} bytes, unfit: {:?})", self.text.len(), self.unfit())
    }
}

impl Unfit {
    /// The name used in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ToolCall => "tool_call",
            Self::StructuredOutput => "structured_output",
            Self::VisibleReasoning => "reasoning",
            Self::Refusal => "refusal",
            Self::Citations => "citations",
            Self::Logprobs => "logprobs",
            Self::ManyChoices => "choices",
            Self::Audio => "audio",
            Self::ServerState => "server_state",
            Self::Opaque => "opaque",
            Self::NothingSaid => "nothing_said",
            Self::TooLong => "too_long",
            Self::Irregular => "irregular",
        }
    }
}

#[cfg(test)]
mod tests;
