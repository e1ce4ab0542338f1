//! What an attempt brings.

use http::Response;
use sidestep_table::ModelIndex;

use super::{Settlement, Told};
use crate::body::Body;

/// What an attempt brings: an answer that is over, or one that has begun.
pub enum Answered {
    /// A whole answer, settled.
    Whole(Response<Body>),
    /// The first meaningful event of a stream, and what it takes to tell the rest.
    Live(Live),
}

/// A stream that has begun and is not settled yet.
pub struct Live {
    /// What was read of it so far.
    pub told: Box<Told>,
    /// The rest.
    pub upstream: Body,
    /// Holds the target's place.
    pub settlement: Settlement,
    /// Whose stream it is.
    pub target: ModelIndex,
}
