//! Text to typed configuration, or to errors with line and column.
//!
//! ```text
//! text ── parse ──▶ schema ── resolve (substitute, preset) ──▶ Config
//!                  environment ──▶ text (when there is no file)
//! reload: poll by content, and again from the top
//! ```

pub mod environment;
mod faults;
mod nearest;
mod notify;
mod overrides;
mod parse;
mod place;
pub mod preset;
mod print;
mod problem;
mod process;
mod provider;
pub mod reload;
mod resolve;
mod route;
mod schema;
mod secret;
mod snippet;
mod substitute;
mod telemetry;
mod variables;

use std::{fmt, net::SocketAddr, path::PathBuf};

pub use sidestep_dialect::{Dialect, Flavor};

pub(crate) use self::{
    nearest::suggestion,
    place::{Place, Position},
    schema::Period,
};

pub use self::{
    faults::FaultsConfig,
    notify::{NotifyConfig, NotifyEvent, NotifyTarget, TargetKind},
    overrides::Overrides,
    problem::{ConfigError, Problem},
    process::{
        AccessConfig, AdminConfig, DrainConfig, Limits, LogConfig, LogFormat, ProbeBudget, ProbesConfig,
    },
    provider::{HttpVersion, ModelConfig, Price, ProviderConfig, UpstreamName},
    route::{OnLossy, RetryBudget, RouteConfig, TargetConfig},
    secret::{Credential, REDACTED, Secret, SecretSource},
    telemetry::TelemetryConfig,
    variables::Variables,
};

/// The JSON schema (draft-07) of a configuration's YAML. A test holds it to the types that read one, and makes it anew:
/// `SIDESTEP_WRITE_SCHEMA=1 cargo test -p sidestep --lib config::tests::schema`.
pub const SCHEMA: &str = include_str!("sidestep.schema.json");

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
    /// Whether incidents may be rehearsed.
    pub faults: FaultsConfig,
    /// Who is told of incidents.
    pub notify: NotifyConfig,
    /// How the process ends.
    pub drain: DrainConfig,
    /// Folder where switches are kept over a restart; `None` to forget them.
    pub state: Option<PathBuf>,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Where traces go; nowhere without.
    pub telemetry: Option<TelemetryConfig>,
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
    /// The provider keys in the environment, or in the folder that stands in for it.
    Environment,
    /// A text that is part of this program, by its name.
    Builtin(&'static str),
}

// === impl Source ===

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("environment"),
            Self::Builtin(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests;
