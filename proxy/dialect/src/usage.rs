//! Token counts, in one form for all vendors.
//!
//! Anthropic counts the parts of the input apart; OpenAI's `prompt_tokens` contain the cached ones. Every count
//! is absolute: a later report of the same answer replaces an earlier one, it is never added to it.

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::Flavor;

/// Tokens of one answer. The first four parts are disjoint; their sum is what was billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens that came from no cache and went into none.
    pub input: u64,
    /// Input tokens read from a prompt cache.
    pub cache_read: u64,
    /// Input tokens written to a prompt cache.
    pub cache_write: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning.
    pub reasoning: u64,
}

/// A count as vendors write it: most often an integer, at times `12.0` or `-1`.
#[derive(Debug, Clone, Copy, Default)]
struct Count(u64);

/// Anthropic's `usage`. What is absent leaves the earlier count as it is.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct AnthropicUsage {
    input_tokens: Option<Count>,
    cache_read_input_tokens: Option<Count>,
    cache_creation_input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    output_tokens_details: Option<OutputDetails>,
}

/// OpenAI's `usage`, under the names of Chat Completions or of Responses; some vendors send both.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct OpenAiUsage {
    prompt_tokens: Option<Count>,
    input_tokens: Option<Count>,
    completion_tokens: Option<Count>,
    output_tokens: Option<Count>,
    total_tokens: Option<Count>,
    prompt_tokens_details: Option<InputDetails>,
    input_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct InputDetails {
    cached_tokens: Option<Count>,
    cache_write_tokens: Option<Count>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<Count>,
    thinking_tokens: Option<Count>,
}

impl Usage {
    /// All input tokens, as OpenAI counts them.
    #[must_use]
    pub const fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// All tokens.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }

    /// The sum of two answers.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }

    /// What is left of this answer's tokens without the other's, which is a part of it.
    #[must_use]
    pub const fn minus(self, part: &Self) -> Self {
        Self {
            input: self.input.saturating_sub(part.input),
            cache_read: self.cache_read.saturating_sub(part.cache_read),
            cache_write: self.cache_write.saturating_sub(part.cache_write),
            output: self.output.saturating_sub(part.output),
            reasoning: self.reasoning.saturating_sub(part.reasoning),
        }
    }

    pub(crate) fn to_anthropic(self) -> Value {
        json!({
            "input_tokens": self.input,
            "cache_creation_input_tokens": self.cache_write,
            "cache_read_input_tokens": self.cache_read,
            "output_tokens": self.output,
            "output_tokens_details": { "thinking_tokens": self.reasoning },
        })
    }

    pub(crate) fn to_chat(self) -> Value {
        json!({
            "prompt_tokens": self.prompt(),
            "completion_tokens": self.output,
            "total_tokens": self.total(),
            "prompt_tokens_details": { "cached_tokens": self.cache_read, "cache_write_tokens": self.cache_write },
            "completion_tokens_details": { "reasoning_tokens": self.reasoning },
        })
    }

    pub(crate) fn to_responses(self) -> Value {
        json!({
            "input_tokens": self.prompt(),
            "input_tokens_details": { "cached_tokens": self.cache_read, "cache_write_tokens": self.cache_write },
            "output_tokens": self.output,
            "output_tokens_details": { "reasoning_tokens": self.reasoning },
            "total_tokens": self.total(),
        })
    }
}

impl AnthropicUsage {
    /// Replaces in `usage` what this report names.
    pub(crate) fn update(&self, usage: &mut Usage) {
        let set = |slot: &mut u64, count: Option<Count>| {
            if let Some(Count(count)) = count {
                *slot = count;
            }
        };
        set(&mut usage.input, self.input_tokens);
        set(&mut usage.cache_read, self.cache_read_input_tokens);
        set(&mut usage.cache_write, self.cache_creation_input_tokens);
        set(&mut usage.output, self.output_tokens);
        set(&mut usage.reasoning, self.output_tokens_details.and_then(|details| details.thinking_tokens));
    }
}

impl OpenAiUsage {
    /// The neutral form. xAI counts reasoning outside of the completion tokens; the total shows who does, and
    /// where there is no total, the vendor's `flavor`.
    pub(crate) fn to_usage(self, flavor: Flavor) -> Usage {
        let count = |count: Option<Count>| count.map_or(0, |Count(count)| count);
        let input = self.prompt_tokens_details.or(self.input_tokens_details).unwrap_or_default();
        let output = self.completion_tokens_details.or(self.output_tokens_details).unwrap_or_default();
        let prompt = count(self.prompt_tokens.or(self.input_tokens));
        let completion = count(self.completion_tokens.or(self.output_tokens));
        let reasoning = count(output.reasoning_tokens);
        let (cache_read, cache_write) = (count(input.cached_tokens), count(input.cache_write_tokens));
        let outside = match self.total_tokens {
            Some(Count(total)) => total == prompt.saturating_add(completion).saturating_add(reasoning),
            None => flavor == Flavor::Xai,
        };
        Usage {
            input: prompt.saturating_sub(cache_read).saturating_sub(cache_write),
            cache_read,
            cache_write,
            output: if outside { completion.saturating_add(reasoning) } else { completion },
            reasoning,
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast of a float saturates"
    )]
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(from)?;
        Ok(Self(number.as_u64().unwrap_or_else(|| number.as_f64().unwrap_or_default() as u64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn openai(text: &str, flavor: Flavor) -> Usage {
        serde_json::from_str::<OpenAiUsage>(text).unwrap().to_usage(flavor)
    }

    #[test]
    fn reasoning_outside_of_the_completion_is_told_by_the_total() {
        let outside = r#"{"prompt_tokens":12,"completion_tokens":1,"total_tokens":241,
            "completion_tokens_details":{"reasoning_tokens":228}}"#;
        assert_eq!(openai(outside, Flavor::Generic).output, 229);
        let inside = r#"{"prompt_tokens":15,"completion_tokens":78,"total_tokens":93,
            "completion_tokens_details":{"reasoning_tokens":64}}"#;
        assert_eq!(openai(inside, Flavor::Xai).output, 78);
        let unsaid =
            r#"{"prompt_tokens":1,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":3}}"#;
        assert_eq!((openai(unsaid, Flavor::Xai).output, openai(unsaid, Flavor::OpenAi).output), (5, 2));
    }

    #[test]
    fn odd_numbers_do_not_break_an_answer() {
        let odd = openai(
            r#"{"prompt_tokens":7.0,"completion_tokens":-1,"prompt_tokens_details":null}"#,
            Flavor::Generic,
        );
        assert_eq!((odd.input, odd.output), (7, 0));
    }

    #[test]
    fn a_later_report_replaces_and_never_adds() {
        let mut usage = Usage::default();
        for report in [
            r#"{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}"#,
            r#"{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":40}"#,
            r#"{"output_tokens":41}"#,
        ] {
            serde_json::from_str::<AnthropicUsage>(report).unwrap().update(&mut usage);
        }
        assert_eq!(usage, Usage { input: 10, cache_read: 5, output: 41, ..Usage::default() });
    }

    proptest! {
        #[test]
        fn every_dialect_gives_back_what_it_was_given(
            [input, cache_read, cache_write, visible, reasoning] in proptest::array::uniform5(0..1_000_000_u64),
        ) {
            let usage = Usage { input, cache_read, cache_write, output: visible + reasoning, reasoning };
            let mut read = Usage::default();
            serde_json::from_value::<AnthropicUsage>(usage.to_anthropic()).unwrap().update(&mut read);
            prop_assert_eq!(read, usage);
            for wire in [usage.to_chat(), usage.to_responses()] {
                prop_assert_eq!(serde_json::from_value::<OpenAiUsage>(wire).unwrap().to_usage(Flavor::OpenAi), usage);
            }
        }
    }
}
