//! Whole configurations.

mod agreement;
mod bad;
mod hostile;
mod keys_only;
mod reference;
mod reloading;
mod schema;
mod whole;

use std::path::PathBuf;

use super::{Config, ConfigError, Source, Variables};

/// The example of the design, with every provider's key in place.
pub(super) const EXAMPLE: &str = r#"
listen: 127.0.0.1:6180
admin:
  listen: 127.0.0.1:6181
providers:
  anthropic: { api_key: { env: ANTHROPIC_API_KEY } }
  openai:    { api_key: { env: OPENAI_API_KEY } }
  inhouse:   { dialect: openai, base_url: "http://vllm.ml.svc:8000/v1" }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt:  { provider: openai, model: gpt-6.1-sol }
  own:  { provider: inhouse, model: llama }
routes:
  - match: "claude-opus-*"
    targets: [opus, gpt, own]
"#;

pub(super) fn variables() -> Variables {
    [("ANTHROPIC_API_KEY", "sk-ant-hush"), ("OPENAI_API_KEY", "sk-hush"), ("HOST", "llm.example.com")]
        .into_iter()
        .collect()
}

pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, &Source::File(PathBuf::from("sidestep.yaml")), &variables())
}
