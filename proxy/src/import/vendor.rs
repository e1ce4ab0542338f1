//! The providers that LiteLLM knows by the first part of a model's name, and how Sidestep reaches them.

/// A provider by LiteLLM's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vendor {
    /// What stands before the slash.
    pub(super) prefix: &'static str,
    /// How it is reached.
    pub(super) reach: Reach,
    /// Where LiteLLM looks for the key if none is given; empty if it needs none.
    pub(super) variable: &'static str,
}

/// How a provider is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// By one of our presets.
    Preset(&'static str),
    /// In the `openai` dialect, at this address unless another is given.
    Fixed(&'static str),
    /// In the `openai` dialect, at the address that is given.
    Given,
    /// Azure's `v1` API, below the resource's address.
    Azure,
    /// Not at all, for this reason.
    Not(&'static str),
}

const fn vendor(prefix: &'static str, reach: Reach, variable: &'static str) -> Vendor {
    Vendor { prefix, reach, variable }
}

const AWS: Reach = Reach::Not("Sidestep does not sign requests for AWS.");
const GOOGLE: Reach = Reach::Not("Sidestep does not log in with a Google service account.");

const VENDORS: [Vendor; 34] = [
    vendor("anthropic", Reach::Preset("anthropic"), "ANTHROPIC_API_KEY"),
    vendor("openai", Reach::Preset("openai"), "OPENAI_API_KEY"),
    vendor("xai", Reach::Preset("xai"), "XAI_API_KEY"),
    vendor("mistral", Reach::Preset("mistral"), "MISTRAL_API_KEY"),
    vendor("deepseek", Reach::Preset("deepseek"), "DEEPSEEK_API_KEY"),
    vendor("groq", Reach::Preset("groq"), "GROQ_API_KEY"),
    vendor("openrouter", Reach::Preset("openrouter"), "OPENROUTER_API_KEY"),
    vendor("together_ai", Reach::Preset("together"), "TOGETHERAI_API_KEY"),
    vendor(
        "gemini",
        Reach::Fixed("https://generativelanguage.googleapis.com/v1beta/openai"),
        "GEMINI_API_KEY",
    ),
    vendor("fireworks_ai", Reach::Fixed("https://api.fireworks.ai/inference/v1"), "FIREWORKS_API_KEY"),
    vendor("cerebras", Reach::Fixed("https://api.cerebras.ai/v1"), "CEREBRAS_API_KEY"),
    vendor("deepinfra", Reach::Fixed("https://api.deepinfra.com/v1/openai"), "DEEPINFRA_API_KEY"),
    vendor("nvidia_nim", Reach::Fixed("https://integrate.api.nvidia.com/v1"), "NVIDIA_NIM_API_KEY"),
    vendor("sambanova", Reach::Fixed("https://api.sambanova.ai/v1"), "SAMBANOVA_API_KEY"),
    vendor("moonshot", Reach::Fixed("https://api.moonshot.ai/v1"), "MOONSHOT_API_KEY"),
    vendor("ollama", Reach::Fixed("http://localhost:11434/v1"), ""),
    vendor("ollama_chat", Reach::Fixed("http://localhost:11434/v1"), ""),
    vendor("hosted_vllm", Reach::Given, ""),
    vendor("openai_like", Reach::Given, ""),
    vendor("custom_openai", Reach::Given, ""),
    vendor("litellm_proxy", Reach::Given, ""),
    vendor("lm_studio", Reach::Given, ""),
    vendor("llamafile", Reach::Given, ""),
    vendor("azure", Reach::Azure, "AZURE_API_KEY"),
    vendor("azure_ai", Reach::Not("its endpoints are of many kinds."), ""),
    vendor("azure_text", Reach::Not("completions without a chat have no route in Sidestep."), ""),
    vendor("text-completion-openai", Reach::Not("completions without a chat have no route in Sidestep."), ""),
    vendor("bedrock", AWS, ""),
    vendor("bedrock_converse", AWS, ""),
    vendor("sagemaker", AWS, ""),
    vendor("sagemaker_chat", AWS, ""),
    vendor("vertex_ai", GOOGLE, ""),
    vendor("vertex_ai_beta", GOOGLE, ""),
    vendor("cohere", Reach::Not("Sidestep does not speak its dialect."), ""),
];

/// Names without a provider that LiteLLM knows all the same, by how they begin.
const WELL_KNOWN: [(&str, &str); 7] = [
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("claude-", "anthropic"),
    ("ft:gpt-", "openai"),
];

// === impl Vendor ===

impl Vendor {
    /// The provider called `prefix` by LiteLLM.
    pub(super) fn named(prefix: &str) -> Option<Self> {
        VENDORS.into_iter().find(|vendor| vendor.prefix == prefix)
    }

    /// The provider of a model and the model's name there, from `provider/name` or a name that is well known.
    pub(super) fn of_model(model: &str) -> Option<(Self, &str)> {
        if let Some((prefix, name)) = model.split_once('/')
            && let Some(vendor) = Self::named(prefix)
        {
            return Some((vendor, name));
        }
        let known = WELL_KNOWN.iter().find(|(start, _)| model.starts_with(start) && !model.contains('/'));
        known.and_then(|(_, prefix)| Self::named(prefix)).map(|vendor| (vendor, model))
    }
}
