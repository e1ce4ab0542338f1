//! What concerns the process as a whole: listeners, limits, probes, drain, log.

use std::{net::SocketAddr, time::Duration};

use super::Credential;

/// The admin side.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminConfig {
    /// Where health, metrics, status and switches are served.
    pub listen: SocketAddr,
    /// Bearer token that lets callers from elsewhere than loopback change switches; without one none may.
    pub token: Option<Credential>,
}

/// Bounds on what callers and providers may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest body of a call, in bytes.
    pub body_bytes: usize,
    /// Largest head of a call, in bytes.
    pub header_bytes: usize,
    /// Longest request target, in bytes.
    pub uri_bytes: usize,
    /// Longest time for a caller to send its head.
    pub header_timeout: Duration,
    /// Most connections of callers at once.
    pub connections: usize,
    /// Largest server-sent event of a provider, in bytes.
    pub event_bytes: usize,
    /// Largest whole answer of a provider, in bytes.
    pub answer_bytes: usize,
}

/// Synthetic prompts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbesConfig {
    /// Whether models are probed at all.
    pub enabled: bool,
    /// Between two probes of a healthy model.
    pub interval: Duration,
    /// Between two probes of a model that is in any other state.
    pub suspect_interval: Duration,
    /// Longest time for a probe to be answered in full.
    pub timeout: Duration,
    /// What all probes together may cost.
    pub budget: ProbeBudget,
}

/// What all probes together may cost in a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ProbeBudget {
    /// In US dollars, by the models' prices.
    UsdPerDay(f64),
    /// In tokens, input and output together.
    TokensPerDay(u64),
}

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainConfig {
    /// How long new connections are still taken after readiness has fallen.
    pub grace: Duration,
    /// How long calls in flight may go on after that.
    pub timeout: Duration,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// A filter as `tracing` knows it: `info`, or `info,sidestep::judge=debug`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
    /// Which calls get a line of their own; none without.
    pub access: Option<AccessConfig>,
}

/// Which calls get a line in the access log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccessConfig {
    /// The share of the calls that were answered as routing wanted, 0 to 1.
    pub sample: f64,
    /// Whether every other call gets one: rerouted, rescued, cut, failed, refused, rejected, cancelled.
    pub errors: bool,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 20,
            header_bytes: 64 << 10,
            uri_bytes: 8 << 10,
            header_timeout: Duration::from_secs(10),
            connections: 4096,
            event_bytes: 4 << 20,
            answer_bytes: 32 << 20,
        }
    }
}

impl Default for ProbesConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(15),
            suspect_interval: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            budget: ProbeBudget::TokensPerDay(500_000),
        }
    }
}

impl Default for DrainConfig {
    fn default() -> Self {
        // Together below the 30 s that Kubernetes grants by default.
        Self { grace: Duration::ZERO, timeout: Duration::from_secs(25) }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text, access: None }
    }
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { sample: 1.0, errors: true }
    }
}
