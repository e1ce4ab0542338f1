//! Who is simulated: a vendor, its wire forms, keys, models and pace.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Model;

/// Whose habits a vendor has: error bodies, headers, accounting of reasoning tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Maker {
    /// Anthropic: the Messages form.
    Anthropic,
    /// OpenAI: Chat Completions and Responses.
    OpenAi,
    /// xAI: OpenAI's forms, reasoning tokens counted beside the completion tokens.
    Xai,
    /// A self-hosted server of the vLLM kind: Chat Completions, unknown parameters are ignored.
    Generic,
}

/// A wire form that a request and its answer are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/responses`
    Responses,
}

/// How fast answers come. The default does not wait at all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pace {
    /// Wait before the first piece of content; with a spread, the median of it.
    pub first_token: Duration,
    /// How much that wait varies: the standard deviation of its logarithm (a log-normal wait, seeded); zero for a
    /// wait that is always the same.
    pub spread: f64,
    /// Pieces of content in a second after the first; zero means no waiting.
    pub tokens_per_second: f64,
}

/// One simulated vendor.
#[derive(Debug, Clone)]
pub struct Vendor {
    /// Its name in the attempts' log, by default the maker's.
    pub name: String,
    /// Whose habits it has.
    pub maker: Maker,
    /// What it serves; any other model is answered with the vendor's 404.
    pub models: Vec<Model>,
    /// Keys that it takes; when empty, any non-empty key.
    pub keys: Vec<String>,
    /// How fast it answers.
    pub pace: Pace,
    /// Length of a plain answer in words, unless the prompt asks for another.
    pub words: usize,
    /// Seed of the draws that decide which requests are hit by a fault.
    pub seed: u64,
    /// How many attempts the log keeps; older ones are forgotten, the count goes on.
    pub remembered_attempts: usize,
}

impl Maker {
    /// Every maker.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::OpenAi, Self::Xai, Self::Generic];

    /// Lower-case name, as configuration and the log write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Xai => "xai",
            Self::Generic => "generic",
        }
    }

    /// The maker of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|maker| maker.as_str() == name)
    }

    /// The forms that this maker's servers speak.
    #[must_use]
    pub const fn forms(self) -> &'static [Form] {
        match self {
            Self::Anthropic => &[Form::Messages],
            Self::OpenAi | Self::Xai => &[Form::Chat, Form::Responses],
            Self::Generic => &[Form::Chat],
        }
    }

    const fn usual_models(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => {
                &["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-haiku-4-5"]
            }
            Self::OpenAi => &["gpt-6.1-sol", "gpt-6-luna", "gpt-6-astra", "gpt-4.1"],
            Self::Xai => &["grok-4.7", "grok-4.20-non-reasoning"],
            Self::Generic => &["local-model"],
        }
    }
}

impl Vendor {
    /// A vendor with the maker's usual models and habits.
    #[must_use]
    pub fn of(maker: Maker) -> Self {
        Self {
            name: maker.as_str().to_owned(),
            maker,
            models: maker.usual_models().iter().map(|name| Model::of(maker, name)).collect(),
            keys: Vec::new(),
            pace: Pace::default(),
            words: 24,
            seed: 1,
            remembered_attempts: 10_000,
        }
    }

    /// Anthropic with its usual models.
    #[must_use]
    pub fn anthropic() -> Self {
        Self::of(Maker::Anthropic)
    }

    /// OpenAI with its usual models.
    #[must_use]
    pub fn openai() -> Self {
        Self::of(Maker::OpenAi)
    }

    /// xAI with its usual models.
    #[must_use]
    pub fn xai() -> Self {
        Self::of(Maker::Xai)
    }

    /// A self-hosted server with one model, `local-model`.
    #[must_use]
    pub fn generic() -> Self {
        Self::of(Maker::Generic)
    }

    /// The same vendor under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Serves exactly these models, each with the traits of its family.
    #[must_use]
    pub fn with_models(mut self, names: &[&str]) -> Self {
        self.models = names.iter().map(|name| Model::of(self.maker, name)).collect();
        self
    }

    /// Adds a model, or replaces the one of that name.
    #[must_use]
    pub fn with_model(mut self, model: Model) -> Self {
        self.models.retain(|known| known.name != model.name);
        self.models.push(model);
        self
    }

    /// Takes this key (and others given so), and no other.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }

    /// Answers at this pace.
    #[must_use]
    pub const fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Length of a plain answer in words.
    #[must_use]
    pub const fn with_words(mut self, words: usize) -> Self {
        self.words = words;
        self
    }

    /// Seed of the fault draws.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(crate) fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}
