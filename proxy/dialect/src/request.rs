//! Requests: read from one dialect into a neutral conversation, written in another.
//!
//! Values that are the application's own (schemas, arguments, numbers) are carried as the text that they
//! are, never through a number type: 0.7 stays 0.7, and big integers stay whole.

mod adapt;
mod anthropic;
mod arrange;
mod conversation;
pub(crate) mod history;
mod json;
mod media;
mod openai;
mod prefill;
mod responses;
mod user;

use thiserror::Error;

pub use adapt::{repair_history, same_dialect_request};
use conversation::Request;

use crate::Dialect;
use crate::ask::Ask;
use crate::capability::{Effort, Target};
use crate::gate::{Degraded, Gate, gate};

/// A request in the target's dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The body.
    pub body: Vec<u8>,
    /// What was dropped or changed, the gate's findings included.
    pub degraded: Vec<Degraded>,
}

/// Why a request cannot be had in the target's dialect. Never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Untranslatable {
    /// The answer depends on something that the target lacks.
    #[error("the target cannot do {0}")]
    Feature(&'static str),
    /// A field is not what its dialect says it is.
    #[error("`{0}` is not valid")]
    Malformed(&'static str),
    /// There is nothing to answer.
    #[error("the request has no messages")]
    Empty,
}

/// What the writers need to know beside the request itself.
struct Writing<'a> {
    ask: &'a Ask,
    target: &'a Target,
    degraded: Vec<Degraded>,
}

/// Writes the request of `body` in the target's dialect, addressed to the target's model. Streams always
/// ask for usage.
///
/// # Errors
/// When the [gate] skips the target, or the body is not a valid request of its own dialect.
pub fn translate_request(ask: &Ask, body: &[u8], target: &Target) -> Result<Translated, Untranslatable> {
    let degraded = match gate(ask, target) {
        Gate::Pass { degraded } => degraded,
        Gate::Skip { feature } => return Err(Untranslatable::Feature(feature)),
    };
    if ask.max_tokens == Some(0) {
        return Err(Untranslatable::Feature("prompts without an answer"));
    }
    let request = read(ask.dialect, body)?;
    let mut writing = Writing { ask, target, degraded };
    let node = match target.dialect {
        Dialect::Anthropic => anthropic::write(request, &mut writing)?,
        Dialect::OpenAi => openai::write(request, &mut writing)?,
        Dialect::Responses => responses::write(request, &mut writing)?,
    };
    let body = node.to_bytes();
    let body = prefill::mark(ask, &body, target).map_or(body, String::into_bytes);
    Ok(Translated { body, degraded: writing.degraded })
}

fn read(dialect: Dialect, body: &[u8]) -> Result<Request, Untranslatable> {
    match dialect {
        Dialect::Anthropic => anthropic::read(body),
        Dialect::OpenAi => openai::read(body),
        Dialect::Responses => responses::read(body),
    }
}

impl Writing<'_> {
    fn lose(&mut self, field: &str, reason: &'static str) {
        if !self.degraded.iter().any(|lost| lost.field == field) {
            self.degraded.push(Degraded { field: field.to_owned(), reason });
        }
    }

    /// The effort that the target takes for the one that is asked for.
    fn effort(&self) -> Option<&'static str> {
        let wanted = self.ask.features.effort?;
        self.target.capabilities.effort(wanted).map(Effort::as_str)
    }

    /// The most tokens of the answer that are asked for and that the target gives.
    fn max_tokens(&self) -> Option<u64> {
        let most = self.target.capabilities.max_output_tokens.unwrap_or(u64::MAX);
        self.ask.max_tokens.map(|wanted| wanted.min(most))
    }
}

#[cfg(test)]
mod tests;
