//! What stands for traces in a program that was built without them: nothing, at no cost.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use sidestep_dialect::{Target, Usage};
use sidestep_table::Class;
use tokio::time::Instant;

use super::TelemetryError;
use crate::call::Attempt;
use crate::config::TelemetryConfig;
use crate::dice::Dice;
use crate::logging::Ended;
use crate::metrics::Metrics;
use crate::tasks::Tasks;

/// Would begin traces.
#[derive(Clone, Default)]
pub struct Telemetry(());

/// Would be one call's trace.
#[derive(Clone, Default)]
pub struct Trace(());

/// Would be one attempt's part of it.
#[derive(Default)]
pub struct Leaf(());

impl Telemetry {
    /// A configuration that wants traces was refused before.
    ///
    /// # Errors
    /// Never.
    pub const fn start(
        _: Option<&TelemetryConfig>,
        _: &Tasks,
        _: &Arc<Metrics>,
    ) -> Result<Telemetry, TelemetryError> {
        Ok(Telemetry(()))
    }

    pub(crate) const fn begin(&self, _: &HeaderMap, _: &str, _: Instant, _: &Dice) -> Trace {
        Trace(())
    }
}

impl Trace {
    pub(crate) const fn attempt(&self, _: &Attempt, _: &Target) -> Leaf {
        Leaf(())
    }

    pub(crate) const fn close(&self, _: &Ended<'_>) {}
}

impl Leaf {
    pub(crate) const fn header(&self) -> Option<HeaderValue> {
        None
    }

    pub(crate) const fn status(&mut self, _: u16) {}

    pub(crate) const fn begun(&mut self) {}

    pub(crate) const fn used(&mut self, _: &Usage) {}

    pub(crate) const fn end(&mut self, _: Class) {}
}
