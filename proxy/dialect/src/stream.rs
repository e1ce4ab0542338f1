//! Answers as streams: a vendor's events become neutral ones, and neutral ones the events of the caller's dialect.
//!
//! The grammars are those of the three vendors' published API references. Where real providers stray from them,
//! decoders follow the providers, and encoders write only what every official client library accepts.

mod anthropic_decoder;
mod anthropic_encoder;
mod anthropic_wire;
mod blocks;
mod damage;
mod decoder;
mod encoder;
mod event;
mod journal;
mod openai_decoder;
mod openai_encoder;
mod openai_tools;
mod passed;
mod progress;
mod responses_decoder;
mod responses_encoder;
mod responses_items;
mod responses_resumed;
mod seam;
mod sequence;
mod splice;

pub use damage::Forward;
pub use decoder::Decoder;
pub use encoder::{Encoder, keep_alive};
pub use event::{BlockKind, Event, StreamFault};
pub use journal::{Journal, Unfit};
pub use progress::Progress;
pub use seam::{Seam, SeamFault};
pub use splice::Splice;
