//! Text to typed configuration, or to errors with line and column.
//!
//! ```text
//! text ── parse ──▶ schema ── resolve (substitute, preset) ──▶ Config
//!                  environment ──▶ text (when there is no file)
//! reload: poll by content, and again from the top
//! ```

mod process;
mod provider;
mod route;
mod secret;

use std::{net::SocketAddr, path::PathBuf};

pub use self::{
    process::{AdminConfig, DrainConfig, Limits, LogConfig, LogFormat, ProbeBudget, ProbesConfig},
    provider::{HttpVersion, ModelConfig, Price, ProviderConfig, UpstreamName},
    route::{OnLossy, RetryBudget, RouteConfig, TargetConfig},
    secret::{Credential, REDACTED, Secret, SecretSource},
};

/// A whole configuration, resolved: every name is known, every value is in its bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where applications call.
    pub listen: SocketAddr,
    /// The admin side.
    pub admin: AdminConfig,
    /// Bounds on what callers and providers may send.
    pub limits: Limits,
    /// In the order of the file.
    pub providers: Vec<ProviderConfig>,
    /// In the order of the file.
    pub models: Vec<ModelConfig>,
    /// In the order of the file.
    pub routes: Vec<RouteConfig>,
    /// Synthetic prompts.
    pub probes: ProbesConfig,
    /// How the process ends.
    pub drain: DrainConfig,
    /// Folder where switches are kept over a restart; `None` to forget them.
    pub state: Option<PathBuf>,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Where it came from.
    pub source: Source,
    /// What is allowed but probably not meant: a key that is missing, nothing to fail over to.
    pub warnings: Vec<String>,
}

/// Where a configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A YAML file.
    File(PathBuf),
    /// The provider keys in the environment.
    Environment,
}

/// Whose peculiarities a wire format has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// Anthropic.
    Anthropic,
    /// OpenAI.
    OpenAi,
    /// xAI.
    Xai,
    /// Any other server that speaks a dialect.
    Generic,
}

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions.
    OpenAi,
    /// OpenAI Responses.
    Responses,
}
