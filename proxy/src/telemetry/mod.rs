//! Traces of calls for OpenTelemetry: one span for a call, one for each of its attempts, sent by OTLP over HTTP.
//!
//! ```text
//! ingest: begin ─▶ Trace, in the call ─▶ one Leaf an attempt, in its settlement ─▶ observe: close
//!                                           the last of them to go hands all to the queue ─▶ exporter
//! ```
//!
//! Spans are made of what a call knows at its end anyway, not of `tracing`'s. A program without the feature `otel` has
//! none of this: there, the same types are empty.

#[cfg(not(feature = "otel"))]
mod absent;
#[cfg(feature = "otel")]
mod live;

#[cfg(not(feature = "otel"))]
pub use self::absent::{Leaf, Telemetry, Trace};
#[cfg(feature = "otel")]
pub use self::live::{Leaf, Telemetry, Trace};

use crate::upstream::TlsError;

/// The version, and which optional parts are built in, for `--version`.
#[cfg(feature = "otel")]
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (with otel)");
/// The version, and which optional parts are built in, for `--version`.
#[cfg(not(feature = "otel"))]
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (without otel)");

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The system's trust store cannot be used.
    #[error("telemetry: {0}")]
    Tls(#[from] TlsError),
    /// Its metrics clash with others.
    #[error("telemetry: {0}")]
    Metrics(#[from] crate::metrics::MetricsError),
}
