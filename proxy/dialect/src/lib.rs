//! What is said: the wire formats, server-sent events and errors of model providers.
//!
//! Pure: no sockets, no files, no tasks. The request side ([`ask`], [`mod@gate`], [`request`]) reads what
//! an application asks and writes it for the target that shall answer; the answer side turns what came
//! back into the application's own dialect.

pub mod answer;
pub mod ask;
pub mod auth;
mod beta;
pub mod capability;
pub mod continuation;
pub mod dialect;
pub mod error;
pub mod gate;
pub mod mark;
pub mod request;
mod scan;
pub mod schema;
pub mod sse;
pub mod stop;
pub mod stream;
pub mod tool_id;
pub mod usage;
mod wire;

pub use answer::{AnswerContext, AnswerFacts, AnswerFault, inspect_answer, translate_answer};
pub use ask::{Ask, AskError, peek, splice_model};
pub use capability::{Capabilities, CapabilityOverrides, Target};
pub use continuation::{Continuation, Tier, Uncontinuable, continue_request, estimate_tokens, tier_of};
pub use dialect::{Dialect, Endpoint, Flavor};
pub use error::{ErrorClass, ErrorForm, ErrorKind, Failure, classify, write_error, write_stream_error};
pub use gate::{Degraded, Gate, gate};
pub use request::{Translated, Untranslatable, repair_history, same_dialect_request, translate_request};
pub use sse::{RawEvent, Splitter, SseFault, Tail};
pub use stop::StopReason;
pub use stream::{
    BlockKind, Decoder, Encoder, Event, Forward, Journal, Progress, Seam, SeamFault, Splice, StreamFault,
    Unfit, keep_alive,
};
pub use usage::Usage;
