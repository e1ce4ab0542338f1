//! From the upstream's body to the application's: the last third of a call's way.
//!
//! `told` reads one upstream stream event by event and writes it for the caller; `leg` drives that under a stall
//! timer; `stream` makes it a response body; `whole` is for answers that come in one piece; `settlement` tells the
//! table and the metrics how an attempt ended, exactly once.

mod answered;
mod leg;
mod settlement;
mod stream;
mod told;
mod whole;

pub use answered::{Answered, Live};
pub use settlement::Settlement;
pub use stream::StreamBody;
pub use told::{Told, failed};
pub use whole::{Whole, read_capped, whole_answer};
