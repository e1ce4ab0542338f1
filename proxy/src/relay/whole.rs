//! Answers that come in one piece, good and bad.

use bytes::Bytes;
use sidestep_dialect::{
    AnswerContext, AnswerFacts, AnswerFault, Dialect, Flavor, inspect_answer, translate_answer,
};
use sidestep_probes::class_of;
use sidestep_table::Fault;
use tokio::time::{Instant, timeout_at};

use crate::body::{Body, Ungathered, gather};
use crate::miss::Failed;

/// A complete answer for the caller.
pub struct Whole {
    /// In the caller's dialect.
    pub body: Bytes,
    /// What it reports.
    pub facts: AnswerFacts,
}

/// Reads a body of at most `limit` bytes until `deadline`.
///
/// # Errors
/// The fault that kept it from arriving.
pub async fn read_capped(body: Body, limit: usize, deadline: Instant) -> Result<Bytes, Fault> {
    match timeout_at(deadline, gather(body, limit)).await {
        Ok(Ok(whole)) => Ok(whole),
        Ok(Err(Ungathered::TooLarge)) => Err(Fault::Broken),
        Ok(Err(Ungathered::Lost)) => Err(Fault::Truncated),
        Err(_) => Err(Fault::Stall),
    }
}

/// Checks that `body` is a real answer of `from`, and says it in `to`. The bytes go on untouched when the two
/// are the same.
///
/// # Errors
/// When it is no answer: an error behind a 200, nothing at all, or not the dialect's JSON.
pub fn whole_answer(
    from: (Dialect, Flavor),
    to: Dialect,
    body: Bytes,
    context: &AnswerContext,
) -> Result<Whole, Failed> {
    let (dialect, flavor) = from;
    if dialect != to {
        let (translated, facts) = translate_answer(dialect, to, flavor, &body, context).map_err(failed)?;
        return Ok(Whole { body: translated.into(), facts });
    }
    let facts = inspect_answer(dialect, flavor, &body).map_err(failed)?;
    if facts.empty {
        return Err(Failed::fault(Fault::Broken));
    }
    Ok(Whole { body, facts })
}

fn failed(fault: AnswerFault) -> Failed {
    match fault {
        AnswerFault::InBand(failure) => {
            Failed { class: class_of(&failure), failure: Some(failure), answer: None }
        }
        AnswerFault::Finish => Failed::fault(Fault::InBand),
        _ => Failed::fault(Fault::Broken),
    }
}
