//! From the upstream's body to the application's: the last third of a call's way.
//!
//! `told` reads one upstream stream event by event and writes it for the caller; `leg` drives that under a stall
//! timer; `stream` makes it a response body. Should the stream break off, it asks its `lifeline` for another, which
//! `joined` puts after it, and `tally` says what came of that. `whole` is for answers that come in one piece;
//! `settlement` tells the table and the metrics how an attempt ended, exactly once.

mod answered;
mod joined;
mod leg;
mod lifeline;
mod settlement;
mod stream;
mod tally;
mod told;
mod whole;

pub use answered::{Answered, Live};
pub use lifeline::{Adrift, Found, Lifeline, Wreck};
pub use settlement::Settlement;
pub use stream::StreamBody;
pub use told::{Telling, Told, failed};
pub use whole::{Whole, read_capped, whole_answer};
