//! What any stream says, whatever the dialect.

use crate::error::Failure;
use crate::sse::SseFault;
use crate::stop::StopReason;
use crate::usage::Usage;

/// What a block of an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    /// What the model says.
    Text,
    /// Why the model says nothing.
    Refusal,
    /// Reasoning that the vendor shows.
    Thinking,
    /// A call of one of the caller's tools. The deltas are its arguments: JSON.
    Tool {
        /// The vendor's id of the call; empty where the vendor gave none.
        id: String,
        /// The tool's name.
        name: String,
    },
    /// Something that only its own dialect can say, such as a search on the vendor's side. It has no deltas.
    Opaque,
}

/// One step of an answer. Blocks are told apart by a key, unique within the stream.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// The answer begins.
    Start {
        /// The vendor's id of it; may be empty.
        id: String,
        /// The model that answers, as the vendor names it; may be empty.
        model: String,
        /// What is counted so far.
        usage: Usage,
    },
    /// A block begins.
    Open {
        /// Its key.
        key: u32,
        /// What it holds.
        kind: BlockKind,
    },
    /// More of a block; never empty.
    Delta {
        /// The block's key.
        key: u32,
        /// What is added to it.
        text: String,
    },
    /// The seal with which a vendor recognises its own thinking block.
    Signature {
        /// The block's key.
        key: u32,
        /// The vendor's token.
        signature: String,
    },
    /// A block ends.
    Close {
        /// The block's key.
        key: u32,
        /// False for a tool call whose arguments are not a whole JSON value.
        sealed: bool,
    },
    /// The tokens so far; replaces every earlier count.
    Usage(Usage),
    /// Why the model stopped, and at which of the caller's stop sequences.
    Stop(StopReason, Option<String>),
    /// The vendor reports a failure inside the stream; nothing follows.
    Error {
        /// What it reports.
        failure: Failure,
    },
    /// The answer is complete.
    End,
    /// A sign of life.
    Ping,
}

/// Why a stream is not an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// Not server-sent events, or not within the limits.
    #[error(transparent)]
    Sse(#[from] SseFault),
    /// An event that is not what the dialect allows there.
    #[error("broken event: {0}")]
    Broken(&'static str),
    /// A second answer began inside the first.
    #[error("a second answer began inside the first")]
    Spliced,
    /// The stream ended before the answer did.
    #[error("the stream ended before the answer did")]
    Truncated,
    /// The vendor gave a failure as the reason to stop.
    #[error("the answer stopped for an unknown reason or a failure")]
    Finish,
    /// A tool call's arguments are not JSON, though nothing cut the answer short.
    #[error("the arguments of a tool call are not whole")]
    ToolArguments,
    /// The answer stopped for a tool call that it does not contain.
    #[error("the answer calls a tool without saying which")]
    MissingTool,
    /// The answer is complete and says nothing.
    #[error("the answer is empty")]
    Empty,
    /// The body is something else than an event stream.
    #[error("the body is not an event stream")]
    NotAStream,
    /// The vendor reported a failure inside the stream.
    #[error("the upstream reported a failure inside the stream")]
    InBand(Failure),
}

impl Event {
    /// Whether the answer has got anywhere by this: text, a refusal, reasoning, or a named tool. Until then nothing
    /// has been said, and another provider can still answer in this one's place.
    #[must_use]
    pub fn is_meaningful(&self) -> bool {
        match self {
            Self::Delta { text, .. } => !text.is_empty(),
            Self::Open { kind: BlockKind::Tool { name, .. }, .. } => !name.is_empty(),
            Self::Open { kind: BlockKind::Opaque, .. } => true,
            _ => false,
        }
    }
}

/// Leaves out what the model said, for debug output ends up in logs.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start { model, .. } => write!(f, "Start({model})"),
            Self::Open { key, kind } => write!(f, "Open({key}, {})", kind.as_str()),
            Self::Delta { key, text } => write!(f, "Delta({key}, {} bytes)", text.len()),
            Self::Signature { key, .. } => write!(f, "Signature({key})"),
            Self::Close { key, sealed } => write!(f, "Close({key}, sealed: {sealed})"),
            Self::Usage(usage) => usage.fmt(f),
            Self::Stop(reason, _) => write!(f, "Stop({reason:?})"),
            Self::Error { failure } => write!(f, "Error({failure:?})"),
            Self::End => f.write_str("End"),
            Self::Ping => f.write_str("Ping"),
        }
    }
}

impl BlockKind {
    /// The kind's name, without what it holds.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Refusal => "refusal",
            Self::Thinking => "thinking",
            Self::Tool { .. } => "tool",
            Self::Opaque => "opaque",
        }
    }
}
