//! Where traces of calls go.

use std::time::Duration;

use http::{HeaderName, Uri};

use super::Credential;

/// Traces, for a receiver of OTLP over HTTP. Only a program that was built with the feature `otel` takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TelemetryConfig {
    /// Where traces are posted to, path included.
    pub endpoint: Uri,
    /// Added to every request, such as the key of whoever receives them.
    pub headers: Vec<(HeaderName, Credential)>,
    /// The share of the calls without a trace of the application's that get one, 0 to 1.
    pub sample: f64,
    /// `service.name`.
    pub service_name: String,
    /// Further attributes of the resource, by name.
    pub resource: Vec<(String, String)>,
    /// Longest time for a batch to be taken.
    pub timeout: Duration,
    /// Whether providers are told the trace.
    pub propagate: bool,
}
