//! Asks another model for the rest of an answer that broke off.
//!
//! The caller's own request goes again, with what its user has read already as the assistant's last words. A model
//! that continues such words is left with them (prefill). To any other they would be a finished turn, so a turn of
//! the user's follows that says what happened and asks for the rest alone. The system prompt, the tools and the
//! stop sequences stay: without its tools a model would say in prose what it should have called, and with them it
//! shows honestly that it wants to. Whatever it calls then ends the rescue, for nobody can tell whether the first
//! model would have called the same.

mod turns;

use bytes::Bytes;
use http::HeaderMap;
use thiserror::Error;

use crate::ask::{Ask, Feature, peek};
use crate::capability::Target;
use crate::request::history::{entries, object, without};
use crate::scan::{text_of, unescape};
use crate::{Dialect, ask::member};

/// How the rest is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The answer so far is the assistant's last message, which the model continues.
    Prefill,
    /// A turn of the user's after it asks for the rest.
    Instruct,
}

/// A request for the rest of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Continuation {
    /// What it asks, for routing.
    pub ask: Ask,
    /// The body, in the caller's dialect.
    pub body: Bytes,
}

/// Why the rest of an answer cannot be asked for. Never quotes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Uncontinuable {
    /// The answer has used up the tokens that it may have.
    #[error("the answer is as long as it may be")]
    NothingLeft,
    /// The body is not what its dialect says it is.
    #[error("the request is not valid")]
    Malformed,
}

/// The fewest tokens that are asked for: OpenAI's Responses API refuses less.
const MIN_TOKENS: u64 = 16;

/// The way that suits `target`, as far as its capabilities tell.
#[must_use]
pub const fn tier_of(target: &Target) -> Tier {
    if target.capabilities.prefill { Tier::Prefill } else { Tier::Instruct }
}

/// The request of `body`, which `ask` was read from, for the rest of an answer of which `said` has been said.
///
/// An output limit is lowered by `spent` tokens, which is an estimate; an answer that still ran when it broke off
/// is given at least a few more. Where nothing but blanks was said, the request stays as it is.
///
/// # Errors
/// When the answer is longer than its limit by more than an estimate can err, and when the body cannot be read.
pub fn continue_request(
    ask: &Ask,
    body: &[u8],
    said: &str,
    tier: Tier,
    spent: u64,
) -> Result<Continuation, Uncontinuable> {
    let text = std::str::from_utf8(body).map_err(|_| Uncontinuable::Malformed)?;
    let limit = ask.max_tokens.map(|limit| left_of(limit, spent)).transpose()?;
    if said.trim().is_empty() {
        return Ok(Continuation { ask: ask.clone(), body: Bytes::copy_from_slice(body) });
    }
    let rewrite = Rewrite { dialect: ask.dialect, said, tier, limit };
    let body = Bytes::from(rewrite.write(text)?);
    let mut again = peek(ask.dialect, &HeaderMap::new(), &body).map_err(|_| Uncontinuable::Malformed)?;
    again.features.set.insert(Feature::Continued);
    // Told by a header, not by the body.
    if ask.features.has(Feature::UnknownBeta) {
        again.features.set.insert(Feature::UnknownBeta);
    }
    Ok(Continuation { ask: again, body })
}

/// About how many tokens a text is: a coarse estimate, to a quarter or so, for any model. Four characters of
/// English are one; two of other alphabets; a Han, Kana or Hangul character is one by itself.
#[must_use]
pub fn estimate_tokens(text: &str) -> u64 {
    let quarters = text.chars().map(|c| match u32::from(c) {
        0..=0x7f => 1,
        0x80..=0x2e7f => 2,
        _ => 4,
    });
    quarters.sum::<u64>().div_ceil(4)
}

fn left_of(limit: u64, spent: u64) -> Result<u64, Uncontinuable> {
    if spent >= limit.saturating_add(limit / 4).max(1) {
        return Err(Uncontinuable::NothingLeft);
    }
    Ok(limit.saturating_sub(spent).max(MIN_TOKENS.min(limit)))
}

struct Rewrite<'a> {
    dialect: Dialect,
    said: &'a str,
    tier: Tier,
    /// What is left of the output limit, if there is one.
    limit: Option<u64>,
}

impl Rewrite<'_> {
    fn write(&self, body: &str) -> Result<String, Uncontinuable> {
        let turns = if self.dialect == Dialect::Responses { "input" } else { "messages" };
        let mut written: Vec<(&str, String)> = Vec::new();
        let mut told = false;
        for (key, value) in entries(body) {
            let name = unescape(key);
            if name == turns {
                told = true;
                let value = turns::extend(self.dialect, value, self.said, self.tier);
                written.push((key, value.ok_or(Uncontinuable::Malformed)?));
            } else if value == "null" {
                written.push((key, value.to_owned()));
            } else if let Some(value) = self.field(&name, value) {
                written.push((key, value));
            }
        }
        if !told {
            let value = turns::extend(self.dialect, "[]", self.said, self.tier);
            written.push((turns, value.ok_or(Uncontinuable::Malformed)?));
        }
        let written: Vec<(&str, &str)> = written.iter().map(|(key, value)| (*key, &**value)).collect();
        Ok(object(&written))
    }

    /// A field as it stands in the new request; nothing when it goes.
    fn field(&self, name: &str, raw: &str) -> Option<String> {
        // No vendor combines thinking with words that are put into the model's mouth.
        let silent = self.tier == Tier::Prefill;
        match name {
            "max_tokens" | "max_completion_tokens" | "max_output_tokens" => {
                let wanted = raw.parse::<u64>().ok();
                Some(wanted.zip(self.limit).map_or_else(|| raw.to_owned(), |(_, left)| left.to_string()))
            }
            "thinking" | "reasoning_effort" | "reasoning" if silent => None,
            "thinking" if self.exceeds(raw) => None,
            "output_config" if silent && member(raw, "effort").is_some() => {
                Some(without(raw, "effort")).filter(|rest| rest != "{}")
            }
            _ => Some(raw.to_owned()),
        }
    }

    /// Whether a budget for thinking does not fit under the limit, which the API refuses.
    fn exceeds(&self, thinking: &str) -> bool {
        let budget = member(thinking, "budget_tokens").and_then(|budget| budget.parse::<u64>().ok());
        let enabled = member(thinking, "type").and_then(text_of).as_deref() == Some("enabled");
        enabled && budget.zip(self.limit).is_some_and(|(budget, limit)| budget >= limit)
    }
}

#[cfg(test)]
mod tests;
