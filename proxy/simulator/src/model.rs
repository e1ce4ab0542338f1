//! What one model accepts, derived from its family's published rules.

use crate::vendor::Maker;

/// One simulated model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The name that requests ask for.
    pub name: String,
    /// What it accepts.
    pub traits: Traits,
}

/// What a model accepts; whatever it does not accept is answered with the vendor's 400.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent yes or no of a vendor's documentation"
)]
pub struct Traits {
    /// `temperature`, `top_p`, `top_k`.
    pub sampling: bool,
    /// `tool_choice` that forces a call.
    pub forced_tools: bool,
    /// A trailing assistant message is continued; otherwise it is refused (Messages form only).
    pub prefill: bool,
    /// A `system` message in the middle of a conversation (Messages form only).
    pub mid_system: bool,
    /// Reasoning can be switched off (`effort: none`, `thinking: disabled`).
    pub reasoning_off: bool,
    /// The deprecated `max_tokens` of Chat Completions.
    pub legacy_max_tokens: bool,
    /// Stop sequences.
    pub stop: bool,
    /// `presence_penalty` and `frequency_penalty`.
    pub penalties: bool,
    /// Images in the prompt.
    pub images: bool,
    /// Longest prompt in (estimated) tokens.
    pub context_tokens: u64,
    /// Longest answer in tokens.
    pub max_output_tokens: u64,
}

impl Model {
    /// A model with the traits of its maker's family, guessed from its name.
    #[must_use]
    pub fn of(maker: Maker, name: &str) -> Self {
        let traits = match maker {
            Maker::Anthropic => claude(name),
            Maker::OpenAi => gpt(name),
            Maker::Xai => grok(name),
            Maker::Generic => Traits::liberal(),
        };
        Self { name: name.to_owned(), traits }
    }

    /// The same model with other traits.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Traits)) -> Self {
        change(&mut self.traits);
        self
    }
}

impl Traits {
    /// Accepts everything.
    #[must_use]
    pub const fn liberal() -> Self {
        Self {
            sampling: true,
            forced_tools: true,
            prefill: true,
            mid_system: true,
            reasoning_off: true,
            legacy_max_tokens: true,
            stop: true,
            penalties: true,
            images: true,
            context_tokens: 200_000,
            max_output_tokens: 64_000,
        }
    }
}

/// `claude-{family}-{major}-{minor}`: the rules of the versioning and migration guides.
fn claude(name: &str) -> Traits {
    let mut parts = name.split('-').skip(1);
    let family = parts.next().unwrap_or_default();
    let mut numbers = parts.take_while(|part| part.len() <= 2).filter_map(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let (modern, spoken_system, unforced) = match family {
        "opus" => ((4, 7), (4, 8), (5, 5)),
        "sonnet" => ((5, 0), (5, 0), (5, 5)),
        "haiku" => ((5, 5), (5, 5), (u32::MAX, 0)),
        _ => ((0, 0), (0, 0), (5, 1)),
    };
    Traits {
        sampling: version < modern,
        forced_tools: version < unforced,
        prefill: version <= (4, 5) && version > (0, 0),
        mid_system: version >= spoken_system,
        reasoning_off: !(family == "opus" && version >= (5, 5) || family == "fable"),
        context_tokens: if version >= (4, 6) && family != "haiku" { 1_000_000 } else { 200_000 },
        max_output_tokens: if version >= (4, 6) { 128_000 } else { 64_000 },
        ..Traits::liberal()
    }
}

fn gpt(name: &str) -> Traits {
    let reasons = ["gpt-5", "gpt-6", "o1", "o3", "o4"].iter().any(|family| name.starts_with(family));
    let fixed =
        ["gpt-6.1-sol", "gpt-6-astra", "o1", "o3", "o4"].iter().any(|family| name.starts_with(family));
    Traits {
        sampling: !reasons,
        legacy_max_tokens: !reasons,
        reasoning_off: reasons && !fixed,
        stop: !["gpt-5", "o3", "o4"].iter().any(|family| name.starts_with(family)),
        penalties: !reasons,
        context_tokens: 400_000,
        max_output_tokens: if reasons { 128_000 } else { 32_768 },
        ..Traits::liberal()
    }
}

fn grok(name: &str) -> Traits {
    Traits {
        stop: name.contains("non-reasoning"),
        penalties: name.contains("non-reasoning"),
        reasoning_off: name.contains("non-reasoning"),
        context_tokens: 256_000,
        ..Traits::liberal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_follow_their_published_rules() {
        let traits = |name| Model::of(Maker::Anthropic, name).traits;
        assert!(!traits("claude-opus-5-5").sampling && !traits("claude-opus-5-5").forced_tools);
        assert!(traits("claude-haiku-4-5-20251001").sampling && traits("claude-haiku-4-5-20251001").prefill);
        assert!(traits("claude-opus-4-6").sampling && !traits("claude-opus-4-6").prefill);
        assert!(traits("claude-haiku-5-5").forced_tools && !traits("claude-haiku-5-5").sampling);
        assert!(!Model::of(Maker::OpenAi, "gpt-6.1-sol").traits.reasoning_off);
        assert!(Model::of(Maker::OpenAi, "gpt-4.1").traits.legacy_max_tokens);
    }
}
