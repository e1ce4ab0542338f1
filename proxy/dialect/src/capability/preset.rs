//! What is known of the model families, by name.
//!
//! Sources: Anthropic's and OpenAI's SDKs and migration guides, LiteLLM's model table (MIT). An unknown
//! model of a known vendor gets what the vendor's newest models share; an unknown vendor's gets the least.

use super::{Capabilities, Effort, PrefillMark, Reasoning};
use crate::Flavor;

const K: u64 = 1000;

impl Capabilities {
    /// What a model of this name can do, as far as that is known.
    #[must_use]
    pub fn preset(flavor: Flavor, model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        if let Some(claude) = Claude::of(&model) {
            return claude.capabilities();
        }
        match flavor {
            Flavor::Anthropic => Claude { family: "", version: (5, 5) }.capabilities(),
            Flavor::OpenAi => openai(&model),
            Flavor::Xai => xai(&model),
            Flavor::Generic => Capabilities { prefill_mark: prefill_mark(&model), ..generic() },
        }
    }
}

/// A Claude model's family and version.
struct Claude<'a> {
    family: &'a str,
    version: (u32, u32),
}

impl<'a> Claude<'a> {
    /// Reads `claude-opus-4-5-20251101`, `claude-3-5-sonnet-latest`, `anthropic.claude-sonnet-4-6-v1:0`.
    fn of(model: &'a str) -> Option<Self> {
        let name = model.get(model.find("claude")?..)?;
        let mut family = "";
        let mut numbers = Vec::new();
        for word in name.split(['-', '.', '@', ':', '_']).skip(1) {
            match word {
                "opus" | "sonnet" | "haiku" | "fable" | "mythos" => family = word,
                _ if word.len() <= 2 && numbers.len() < 2 => numbers.extend(word.parse::<u32>().ok()),
                _ => {}
            }
        }
        let mut numbers = numbers.into_iter();
        let major = numbers.next()?;
        Some(Self { family, version: (major, numbers.next().unwrap_or(0)) })
    }

    fn capabilities(&self) -> Capabilities {
        let since = |opus, sonnet, haiku| match self.family {
            "opus" => self.version >= opus,
            "sonnet" => self.version >= sonnet,
            "haiku" => self.version >= haiku,
            _ => true,
        };
        let unsampled = since((4, 7), (5, 0), (5, 5));
        let adaptive = since((4, 6), (4, 6), (5, 5));
        let sealed = since((5, 5), (5, 5), (99, 0)) && self.version.0 >= 5;
        let always_thinks = sealed && self.family != "sonnet";
        let thinks = self.version >= (3, 7);
        Capabilities {
            max_input_tokens: Some(if adaptive && self.family != "haiku" { K * K } else { 200 * K }),
            max_output_tokens: Some(self.max_output(adaptive)),
            temperature_max: (!unsampled).then_some(1.0),
            top_p: !unsampled,
            top_k: !unsampled,
            stop_sequences: 8192,
            forced_tools: !sealed,
            audio: false,
            citations: true,
            json_schema: self.version >= (4, 5),
            reasoning: match (thinks, adaptive) {
                (false, _) => Reasoning::None,
                (true, false) => Reasoning::Budget,
                (true, true) => Reasoning::Adaptive,
            },
            efforts: self.efforts(adaptive, unsampled, always_thinks),
            visible_reasoning: true,
            system_mid: since((4, 8), (5, 0), (5, 5)),
            prefill: !adaptive,
            server_state: true,
            hosted_tools: true,
            ..vendor()
        }
    }

    fn max_output(&self, adaptive: bool) -> u64 {
        match (self.version, self.family) {
            _ if adaptive => 128 * K,
            ((0..=2, _) | (3, 0..=4), _) => 4096,
            ((3, 5..=6), _) => 8192,
            ((4, 0..=4), "opus") => 32 * K,
            _ => 64 * K,
        }
    }

    fn efforts(&self, adaptive: bool, unsampled: bool, always_thinks: bool) -> Vec<Effort> {
        let mut efforts = if always_thinks { vec![] } else { vec![Effort::None] };
        efforts.extend([Effort::Low, Effort::Medium, Effort::High]);
        if unsampled || !adaptive {
            efforts.push(Effort::XHigh);
        }
        efforts.push(Effort::Max);
        efforts
    }
}

fn openai(model: &str) -> Capabilities {
    let model = model.rsplit('/').next().unwrap_or(model);
    let series = model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let old =
        ["gpt-3", "gpt-4", "chatgpt-4", "ft:gpt-3", "ft:gpt-4"].iter().any(|start| model.starts_with(start));
    if old || model.contains("chat-latest") {
        return talking(model);
    }
    let effort_levels = match (series, Series::of(model)) {
        (true, _) => vec![Effort::Low, Effort::Medium, Effort::High],
        (false, Series(5, 0)) => vec![Effort::Minimal, Effort::Low, Effort::Medium, Effort::High],
        (false, Series(5, 1)) => vec![Effort::None, Effort::Low, Effort::Medium, Effort::High],
        (false, Series(5, _)) => vec![Effort::None, Effort::Low, Effort::Medium, Effort::High, Effort::XHigh],
        // Some of the sixth generation cannot be kept from thinking; those that can take `low` as well.
        _ => vec![Effort::Low, Effort::Medium, Effort::High, Effort::XHigh, Effort::Max],
    };
    Capabilities {
        max_input_tokens: Some(if series { 200 * K } else { 272 * K }),
        max_output_tokens: Some(if series { 100 * K } else { 128 * K }),
        images: !model.starts_with("o3-mini") && !model.starts_with("o1-mini"),
        parallel_toggle: !series,
        custom_tools: !series,
        json_object: true,
        reasoning: Reasoning::Effort,
        efforts: effort_levels,
        visible_reasoning: true,
        system_mid: true,
        developer_role: !model.starts_with("o1-mini"),
        server_state: true,
        hosted_tools: true,
        ..vendor()
    }
}

/// OpenAI's models that do not reason.
fn talking(model: &str) -> Capabilities {
    let large = model.contains("gpt-4.1");
    let hears = model.contains("audio");
    Capabilities {
        max_input_tokens: Some(if large { 1_047_576 } else { 128 * K }),
        max_output_tokens: Some(if large { 32_768 } else { 16_384 }),
        temperature_max: Some(2.0),
        top_p: true,
        penalties: true,
        seed: true,
        stop_sequences: 4,
        logprobs: true,
        logit_bias: true,
        many_choices: true,
        images: !model.contains("gpt-3") && !hears,
        audio: hears,
        json_schema: !model.contains("gpt-3") && !model.contains("gpt-4-"),
        json_object: true,
        system_mid: true,
        server_state: true,
        hosted_tools: true,
        ..vendor()
    }
}

fn xai(model: &str) -> Capabilities {
    let chosen = model.contains("grok-3-mini");
    let reasons = !model.contains("non-reasoning") && !model.contains("grok-2") && model != "grok-3";
    Capabilities {
        max_output_tokens: None,
        temperature_max: Some(2.0),
        top_p: true,
        seed: true,
        // Reasoning models of xAI refuse stop sequences and penalties.
        stop_sequences: if reasons { 0 } else { 4 },
        penalties: !reasons,
        logprobs: true,
        many_choices: true,
        images: !chosen && !model.contains("grok-3") && !model.contains("code"),
        documents: false,
        json_object: true,
        reasoning: if chosen { Reasoning::Effort } else { Reasoning::None },
        efforts: if chosen { vec![Effort::Low, Effort::High] } else { vec![] },
        system_mid: true,
        ..vendor()
    }
}

/// What a server such as vLLM does for whatever model it serves.
fn generic() -> Capabilities {
    Capabilities {
        temperature_max: Some(2.0),
        top_p: true,
        top_k: true,
        penalties: true,
        seed: true,
        stop_sequences: 4,
        logprobs: true,
        logit_bias: true,
        many_choices: true,
        images: false,
        documents: false,
        json_object: true,
        ..vendor()
    }
}

/// How the vendors of these models are told to continue a message. A name with a slash, or any other, is that of a
/// model which a server such as vLLM serves.
fn prefill_mark(model: &str) -> PrefillMark {
    let vendors: [(&[&str], PrefillMark); 2] = [
        (
            &["mistral", "ministral", "codestral", "devstral", "magistral", "pixtral", "deepseek-"],
            PrefillMark::Prefix,
        ),
        (&["kimi", "moonshot", "qwen"], PrefillMark::Partial),
    ];
    let names = |starts: &[&str]| !model.contains('/') && starts.iter().any(|start| model.starts_with(start));
    let vendor = vendors.iter().find(|(starts, _)| names(starts));
    vendor.map_or(PrefillMark::ContinueFinalMessage, |(_, mark)| *mark)
}

/// What every vendor's models have in common.
const fn vendor() -> Capabilities {
    Capabilities {
        max_input_tokens: None,
        max_output_tokens: None,
        temperature_max: None,
        top_p: false,
        top_k: false,
        penalties: false,
        seed: false,
        stop_sequences: 0,
        logprobs: false,
        logit_bias: false,
        many_choices: false,
        tools: true,
        hosted_tools: false,
        custom_tools: false,
        strict_tools: true,
        forced_tools: true,
        parallel_toggle: true,
        images: true,
        documents: true,
        audio: false,
        citations: false,
        json_schema: true,
        json_object: false,
        reasoning: Reasoning::None,
        efforts: Vec::new(),
        visible_reasoning: false,
        system_mid: false,
        developer_role: false,
        prefill: false,
        prefill_mark: PrefillMark::None,
        server_state: false,
    }
}

/// The numbers in `gpt-5.1-mini`.
#[derive(Clone, Copy)]
struct Series(u32, u32);

impl Series {
    fn of(model: &str) -> Self {
        let number = model.split('-').nth(1).unwrap_or_default();
        let mut parts = number.split('.').map(|part| part.parse().ok());
        let mut part = || parts.next().flatten();
        // A name without a number is newer than this table.
        part().map_or(Self(u32::MAX, 0), |major| Self(major, part().unwrap_or(0)))
    }
}
