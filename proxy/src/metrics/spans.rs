//! What became of traces. The family exists only where traces are configured.

use prometheus::IntCounter;

use super::register::Register;
use super::{Metrics, MetricsError};

/// Counts spans by what became of them.
pub struct SpanMetrics {
    sent: IntCounter,
    rejected: IntCounter,
    dropped: IntCounter,
}

impl Metrics {
    /// Adds the family. Call it once.
    ///
    /// # Errors
    /// When it is there already.
    pub fn spans(&self) -> Result<SpanMetrics, MetricsError> {
        let to = Register::new(&self.registry, &[]);
        let help = "Spans, by what became of them.";
        let family = to.counter_family("sidestep_spans_total", help, &["result"])?;
        let result = |name: &str| family.with_label_values(&[name]);
        Ok(SpanMetrics { sent: result("sent"), rejected: result("rejected"), dropped: result("dropped") })
    }
}

impl SpanMetrics {
    /// The collector took `spans`.
    pub fn sent(&self, spans: u64) {
        self.sent.inc_by(spans);
    }

    /// The collector answered and did not want `spans`.
    pub fn rejected(&self, spans: u64) {
        self.rejected.inc_by(spans);
    }

    /// `spans` were not sent: the collector was not there, or too slow for how many there were.
    pub fn dropped(&self, spans: u64) {
        self.dropped.inc_by(spans);
    }
}
