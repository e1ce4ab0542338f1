//! What is known of well-known providers: where they are, what they speak, what their models are called.

use super::{Dialect, Flavor};

/// What a provider's name, or `preset:`, stands for.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name, as in `providers:` or `preset:`.
    pub name: &'static str,
    /// Whose peculiarities the wire format has.
    pub flavor: Flavor,
    /// What it speaks, primary first.
    pub dialects: &'static [Dialect],
    /// Where it is.
    pub base_url: &'static str,
    /// The variable in which its users are used to keep their key.
    pub variable: &'static str,
    /// Its models for difficult and for easy questions, if their names can be relied on.
    pub tiers: Option<Tiers>,
}

/// The models of a provider that stand in for others of their size.
#[derive(Clone, Copy, Debug)]
pub struct Tiers {
    /// For difficult questions.
    pub big: &'static str,
    /// For easy questions, and for probes.
    pub small: &'static str,
}

const OPENAI_ONLY: &[Dialect] = &[Dialect::OpenAi];
const OPENAI_BOTH: &[Dialect] = &[Dialect::OpenAi, Dialect::Responses];

/// All presets, those with the better known models first: this is the order of failover without a file.
pub const PRESETS: [Preset; 8] = [
    Preset {
        name: "anthropic",
        flavor: Flavor::Anthropic,
        dialects: &[Dialect::Anthropic],
        base_url: "https://api.anthropic.com/v1",
        variable: "ANTHROPIC_API_KEY",
        tiers: Some(Tiers { big: "claude-opus-5-5", small: "claude-haiku-5-5" }),
    },
    Preset {
        name: "openai",
        flavor: Flavor::OpenAi,
        dialects: OPENAI_BOTH,
        base_url: "https://api.openai.com/v1",
        variable: "OPENAI_API_KEY",
        tiers: Some(Tiers { big: "gpt-6.1-sol", small: "gpt-6-luna" }),
    },
    Preset {
        name: "xai",
        flavor: Flavor::Xai,
        dialects: OPENAI_BOTH,
        base_url: "https://api.x.ai/v1",
        variable: "XAI_API_KEY",
        tiers: Some(Tiers { big: "grok-4.7", small: "grok-4.20-non-reasoning" }),
    },
    Preset {
        name: "mistral",
        flavor: Flavor::Generic,
        dialects: OPENAI_ONLY,
        base_url: "https://api.mistral.ai/v1",
        variable: "MISTRAL_API_KEY",
        tiers: Some(Tiers { big: "mistral-large-latest", small: "mistral-small-latest" }),
    },
    Preset {
        name: "deepseek",
        flavor: Flavor::Generic,
        dialects: OPENAI_ONLY,
        base_url: "https://api.deepseek.com/v1",
        variable: "DEEPSEEK_API_KEY",
        tiers: Some(Tiers { big: "deepseek-chat", small: "deepseek-chat" }),
    },
    Preset {
        name: "groq",
        flavor: Flavor::Generic,
        dialects: OPENAI_ONLY,
        base_url: "https://api.groq.com/openai/v1",
        variable: "GROQ_API_KEY",
        tiers: Some(Tiers { big: "openai/gpt-oss-120b", small: "openai/gpt-oss-20b" }),
    },
    Preset {
        name: "openrouter",
        flavor: Flavor::Generic,
        dialects: OPENAI_ONLY,
        base_url: "https://openrouter.ai/api/v1",
        variable: "OPENROUTER_API_KEY",
        tiers: Some(Tiers { big: "openrouter/auto", small: "openrouter/auto" }),
    },
    Preset {
        name: "together",
        flavor: Flavor::Generic,
        dialects: OPENAI_ONLY,
        base_url: "https://api.together.xyz/v1",
        variable: "TOGETHER_API_KEY",
        tiers: None,
    },
];

// === impl Preset ===

impl Preset {
    /// The preset called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}
