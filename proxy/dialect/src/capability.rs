//! What a model can do.

mod preset;

use serde::{Deserialize, Serialize};

use crate::scan::text_of;
use crate::{Dialect, Flavor};

/// How hard a model shall think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// Very much.
    XHigh,
    /// As much as it can.
    Max,
}

/// How a model's reasoning is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Reasoning {
    /// Not at all: the request must not mention it.
    None,
    /// By a named effort: OpenAI's `reasoning_effort`.
    Effort,
    /// Anthropic's adaptive thinking with an effort.
    Adaptive,
    /// Anthropic's thinking with a budget in tokens.
    Budget,
}

/// How a Chat Completions server is told that the last message is the beginning of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PrefillMark {
    /// Not at all: it continues a last message of the assistant's by itself.
    None,
    /// `prefix: true` in the message: Mistral, DeepSeek.
    Prefix,
    /// `partial: true` in the message: Kimi, Qwen.
    Partial,
    /// `continue_final_message: true` and `add_generation_prompt: false` in the request: vLLM, SGLang.
    ContinueFinalMessage,
}

/// Where a request may go.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The dialect that it speaks.
    pub dialect: Dialect,
    /// Whose implementation it is.
    pub flavor: Flavor,
    /// The model's name there.
    pub model: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty,)+) => {
        /// What a model can do; see [`Capabilities::preset`] for what is taken for granted.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Capabilities {
            $($(#[doc = $doc])+ pub $name: $kind,)+
        }

        /// What an operator knows better than the preset.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields, default)]
        pub struct CapabilityOverrides {
            $($(#[doc = $doc])+ #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$kind>,)+
        }

        impl Capabilities {
            /// These capabilities with every field that `overrides` sets.
            #[must_use]
            pub fn with(mut self, overrides: &CapabilityOverrides) -> Self {
                $(if let Some(value) = &overrides.$name {
                    self.$name = value.clone();
                })+
                self
            }
        }
    };
}

capabilities! {
    /// The context window in tokens; unknown when absent.
    max_input_tokens: Option<u64>,
    /// The most tokens of an answer; unknown when absent.
    max_output_tokens: Option<u64>,
    /// The highest temperature taken; absent when none is.
    temperature_max: Option<f64>,
    /// Takes `top_p`.
    top_p: bool,
    /// Takes `top_k`.
    top_k: bool,
    /// Takes presence and frequency penalties.
    penalties: bool,
    /// Takes `seed`.
    seed: bool,
    /// How many stop sequences it takes.
    stop_sequences: usize,
    /// Gives token probabilities.
    logprobs: bool,
    /// Takes biased tokens.
    logit_bias: bool,
    /// Gives more than one answer.
    many_choices: bool,
    /// Calls functions.
    tools: bool,
    /// Runs its vendor's tools.
    hosted_tools: bool,
    /// Calls freeform tools.
    custom_tools: bool,
    /// Holds arguments to their schema.
    strict_tools: bool,
    /// Can be made to call a tool.
    forced_tools: bool,
    /// Can be kept to one call at a time.
    parallel_toggle: bool,
    /// Reads images.
    images: bool,
    /// Reads PDF documents.
    documents: bool,
    /// Hears and speaks.
    audio: bool,
    /// Cites documents.
    citations: bool,
    /// Holds its answer to a schema.
    json_schema: bool,
    /// Holds its answer to JSON. Where the dialect has no such switch, the prompt asks for it.
    json_object: bool,
    /// How its reasoning is asked for.
    reasoning: Reasoning,
    /// The efforts that it takes, ascending.
    efforts: Vec<Effort>,
    /// Shows its reasoning, in the same dialect only.
    visible_reasoning: bool,
    /// Takes system messages after the first turn.
    system_mid: bool,
    /// Wants `developer` in place of `system`.
    developer_role: bool,
    /// Continues a last message of the assistant.
    prefill: bool,
    /// How it is told to, in the Chat Completions dialect.
    prefill_mark: PrefillMark,
    /// Keeps what its vendor's API keeps between requests, files included.
    server_state: bool,
}

impl Capabilities {
    /// The effort nearest to the wanted one: the highest that is taken and not above it, else the lowest.
    /// `None` when reasoning cannot be asked for.
    #[must_use]
    pub fn effort(&self, wanted: Effort) -> Option<Effort> {
        if self.reasoning == Reasoning::None {
            return None;
        }
        let below = self.efforts.iter().rev().find(|effort| **effort <= wanted && **effort != Effort::None);
        let off = self.efforts.iter().find(|effort| wanted == Effort::None && **effort == Effort::None);
        let lowest = || self.efforts.iter().find(|effort| **effort != Effort::None);
        off.or(below).or_else(lowest).copied()
    }
}

impl Effort {
    /// The name in all dialects.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort that a budget of thinking tokens stands for, in the buckets that LiteLLM uses.
    #[must_use]
    pub const fn of_budget(tokens: u64) -> Self {
        match tokens {
            4096.. => Self::High,
            2048.. => Self::Medium,
            _ => Self::Low,
        }
    }

    /// The budget of thinking tokens that stands for this effort; 0 for none.
    #[must_use]
    pub const fn budget(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal | Self::Low => 1024,
            Self::Medium => 2048,
            Self::High => 4096,
            Self::XHigh => 8192,
            Self::Max => 16_384,
        }
    }

    pub(crate) fn of_raw(raw: &str) -> Option<Self> {
        let all = [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];
        let name = text_of(raw)?;
        all.into_iter().find(|effort| effort.as_str() == name)
    }
}

#[cfg(test)]
mod tests;
