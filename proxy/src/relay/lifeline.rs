//! What a stream that broke needs of the rest of the proxy.

use futures_util::future::BoxFuture;
use sidestep_dialect::{Tier, Unfit};
use sidestep_table::{Class, ModelId, ModelIndex};

use super::Live;

/// Finds somebody who tells the rest of an answer.
pub trait Lifeline: Send + Unpin + 'static {
    /// Asks for the rest of the answer that broke off as `wreck` says.
    fn rescue(self, wreck: Wreck) -> BoxFuture<'static, Result<Found, Adrift>>;
}

/// An answer that broke off.
pub struct Wreck {
    /// Whose it was.
    pub target: ModelIndex,
    /// How it failed.
    pub class: Class,
    /// What was said.
    pub said: String,
    /// About how many tokens that was.
    pub spent: u64,
}

/// A stream with the rest of an answer.
pub struct Found {
    /// The stream.
    pub live: Live,
    /// Who tells it.
    pub by: ModelId,
    /// How it was asked for.
    pub tier: Tier,
    /// How many attempts the whole call has made.
    pub attempts: usize,
}

/// Why an answer that broke off is not continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adrift {
    /// It is not an answer that another model may continue.
    Unfit(Unfit),
    /// The provider found fault with the request or with what it led to.
    Rejected,
    /// The text was over or had all the tokens that it may have, or its request cannot be read.
    Uncontinuable,
    /// No other target may be asked now.
    Nobody,
    /// The route's budget is spent.
    Budget,
    /// Those who were asked did not begin.
    Failed,
}
