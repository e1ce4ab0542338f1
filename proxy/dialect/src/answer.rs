//! Whole answers: read, judged, and written in the caller's dialect.

mod anthropic;
mod collect;
mod context;
mod openai;
mod responses;

pub use collect::{Answer, Block};
pub use context::AnswerContext;

pub(crate) use context::Mint;
pub(crate) use responses::{ResponseFrame, Status, item};

use serde_json::Value;

use crate::error::Failure;
use crate::stop::StopReason;
use crate::stream::{BlockKind, Decoder, Event, StreamFault};
use crate::usage::Usage;
use crate::{Dialect, Flavor};

/// Why a body with status 200 is not an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// Not the JSON of an answer.
    #[error("broken answer: {0}")]
    Broken(&'static str),
    /// An error in the place of an answer.
    #[error("the upstream reported a failure with status 200")]
    InBand(Failure),
    /// The answer says that it is not finished.
    #[error("the answer is not finished")]
    Unfinished,
    /// The vendor gave a failure as the reason to stop.
    #[error("the answer stopped for an unknown reason or a failure")]
    Finish,
    /// A tool call's arguments are not JSON, or cannot be told in the caller's dialect.
    #[error("the arguments of a tool call are not whole")]
    ToolArguments,
    /// The answer stopped for a tool call that it does not contain.
    #[error("the answer calls a tool without saying which")]
    MissingTool,
    /// The answer is complete and says nothing.
    #[error("the answer is empty")]
    Empty,
    /// The answer has only parts that the caller's dialect has no form for.
    #[error("the answer has no form in the caller's dialect")]
    Untellable,
}

/// What is to be known of an answer that is forwarded as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The model that answered, as the vendor names it; may be empty.
    pub model: String,
    /// The tokens it took.
    pub usage: Usage,
    /// Why it stopped; nothing for an answer that the caller wanted in the background and that is still to come.
    pub stop: Option<StopReason>,
    /// It stopped of its own accord and says nothing.
    pub empty: bool,
}

/// Reads a whole answer.
///
/// # Errors
/// The body is no complete answer. An empty one is told by [`AnswerFault::Empty`].
pub fn read_answer(dialect: Dialect, flavor: Flavor, body: &[u8]) -> Result<Answer, AnswerFault> {
    let (answer, empty) = read(dialect, flavor, body)?;
    if empty { Err(AnswerFault::Empty) } else { Ok(answer) }
}

/// Writes an upstream's whole answer in the caller's dialect, and says what is to be known of it.
///
/// # Errors
/// The body is no complete answer, an empty one, or one that the caller's dialect cannot tell.
pub fn translate_answer(
    from: Dialect,
    to: Dialect,
    flavor: Flavor,
    body: &[u8],
    context: &AnswerContext,
) -> Result<(Vec<u8>, AnswerFacts), AnswerFault> {
    let answer = read_answer(from, flavor, body)?;
    let (mut opaque, mut told) = (false, false);
    for block in &answer.blocks {
        opaque |= block.kind == BlockKind::Opaque;
        told |= !matches!(block.kind, BlockKind::Opaque | BlockKind::Thinking);
    }
    if opaque && !told {
        return Err(AnswerFault::Untellable);
    }
    let written = match to {
        Dialect::Anthropic => anthropic::write(&answer, context)?,
        Dialect::OpenAi => bytes(&openai::write(&answer, context)),
        Dialect::Responses => bytes(&responses::write(&answer, context)),
    };
    Ok((written, AnswerFacts { model: answer.model, usage: answer.usage, stop: answer.stop, empty: false }))
}

/// As it goes onto the wire.
fn bytes(value: &Value) -> Vec<u8> {
    // Nothing that has no form in JSON is ever put into a value.
    serde_json::to_vec(value).unwrap_or_default()
}

/// Judges a whole answer that is forwarded in its own dialect.
///
/// # Errors
/// The body is no answer. An empty one is an answer here; [`AnswerFacts::empty`] says so.
pub fn inspect_answer(dialect: Dialect, flavor: Flavor, body: &[u8]) -> Result<AnswerFacts, AnswerFault> {
    if dialect == Dialect::Responses
        && let Some(pending) = responses::read_pending(body)
    {
        return Ok(pending);
    }
    let (events, empty) = events(dialect, flavor, body)?;
    let mut facts = AnswerFacts { empty, ..AnswerFacts::default() };
    for event in events {
        facts.take(event);
    }
    Ok(facts)
}

fn read(dialect: Dialect, flavor: Flavor, body: &[u8]) -> Result<(Answer, bool), AnswerFault> {
    let (events, empty) = events(dialect, flavor, body)?;
    Ok((Answer::collect(&events), empty))
}

/// What the answer says, and whether it is empty.
fn events(dialect: Dialect, flavor: Flavor, body: &[u8]) -> Result<(Vec<Event>, bool), AnswerFault> {
    let mut events = Vec::new();
    let mut decoder = Decoder::new(dialect, flavor);
    let empty = match decoder.decode_whole(body, &mut events) {
        Err(StreamFault::Empty) => true,
        result => result.map(|()| false)?,
    };
    Ok((events, empty))
}

impl AnswerFacts {
    fn take(&mut self, event: Event) {
        match event {
            Event::Start { model, usage, .. } => (self.model, self.usage) = (model, usage),
            Event::Usage(usage) => self.usage = usage,
            Event::Stop(reason, _) => self.stop = Some(reason),
            _ => {}
        }
    }
}

impl From<StreamFault> for AnswerFault {
    fn from(fault: StreamFault) -> Self {
        match fault {
            StreamFault::Broken(what) => Self::Broken(what),
            StreamFault::Sse(_) | StreamFault::NotAStream | StreamFault::Spliced => {
                Self::Broken("the body is not the JSON of an answer")
            }
            StreamFault::Truncated => Self::Unfinished,
            StreamFault::Finish => Self::Finish,
            StreamFault::ToolArguments => Self::ToolArguments,
            StreamFault::MissingTool => Self::MissingTool,
            StreamFault::Empty => Self::Empty,
            StreamFault::InBand(failure) => Self::InBand(failure),
        }
    }
}
