//! Traces as they are when they are built in.

mod attributes;
mod context;
mod export;
mod recording;
mod spans;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use sidestep_dialect::{Target, Usage};
use sidestep_table::Class;
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::context::Context;
use self::export::Exporter;
use self::recording::{AttemptRecord, Recording, Root};
use super::TelemetryError;
use crate::call::Attempt;
use crate::config::TelemetryConfig;
use crate::dice::Dice;
use crate::logging::Ended;
use crate::metrics::Metrics;
use crate::metrics::spans::SpanMetrics;
use crate::tasks::Tasks;

/// Calls that wait to be sent at most. What comes when as many wait is dropped and counted.
const QUEUE: usize = 1024;

/// Begins traces. Clones are the same; without a configuration it begins none.
#[derive(Clone, Default)]
pub struct Telemetry {
    begins: Option<Arc<Begins>>,
}

struct Begins {
    sample: f64,
    propagate: bool,
    outlet: Outlet,
}

/// Where calls go whose last part has ended.
#[derive(Clone)]
struct Outlet {
    queue: mpsc::Sender<recording::Recorded>,
    metrics: Arc<SpanMetrics>,
}

/// One call's trace, if it has one.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Recording>>);

/// One attempt's part of a trace. Ends once.
#[derive(Default)]
pub struct Leaf(Option<Box<AttemptRecord>>);

impl Telemetry {
    /// Begins to trace as `config` says; its task ends when all have to, with a last try to send what is there.
    ///
    /// # Errors
    /// When the trust store is unusable, or metrics clash.
    pub fn start(
        config: Option<&TelemetryConfig>,
        tasks: &Tasks,
        metrics: &Arc<Metrics>,
    ) -> Result<Telemetry, TelemetryError> {
        let Some(config) = config else { return Ok(Telemetry::default()) };
        let (queue, receiver) = mpsc::channel(QUEUE);
        let metrics = Arc::new(metrics.spans()?);
        let exporter = Exporter::new(config, receiver, metrics.clone())?;
        tasks.spawn("traces", exporter.run(tasks.stopping()));
        let outlet = Outlet { queue, metrics };
        let begins = Begins { sample: config.sample, propagate: config.propagate, outlet };
        Ok(Telemetry { begins: Some(Arc::new(begins)) })
    }

    /// The trace of a call for `requested`, if it gets one: the application's trace decides, else the dice do.
    pub(crate) fn begin(&self, headers: &HeaderMap, requested: &str, arrived: Instant, dice: &Dice) -> Trace {
        let Some(begins) = &self.begins else { return Trace(None) };
        let Some(context) = Context::of(headers, begins.sample, dice) else { return Trace(None) };
        let recording =
            Recording::begin(context, requested, arrived, (begins.propagate, begins.outlet.clone()));
        Trace(Some(Arc::new(recording)))
    }
}

impl Outlet {
    fn take(&self, call: recording::Recorded) {
        let spans = call.spans();
        if self.queue.try_send(call).is_err() {
            self.metrics.dropped(spans);
        }
    }
}

impl Trace {
    /// An attempt at `target` begins.
    pub(crate) fn attempt(&self, attempt: &Attempt, target: &Target) -> Leaf {
        Leaf(self.0.as_ref().map(|recording| Box::new(AttemptRecord::begin(recording, attempt, target))))
    }

    /// The call has ended.
    pub(crate) fn close(&self, call: &Ended<'_>) {
        if let Some(recording) = &self.0 {
            recording.close(Root::of(call));
        }
    }
}

impl Leaf {
    /// What the provider is told of the trace, if it may be (W3C Trace Context).
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.0.as_ref()?.header()
    }

    pub(crate) fn status(&mut self, status: u16) {
        if let Some(record) = &mut self.0 {
            record.facts.status = Some(status);
        }
    }

    pub(crate) fn begun(&mut self) {
        if let Some(record) = &mut self.0 {
            record.facts.first_token.get_or_insert_with(Instant::now);
        }
    }

    pub(crate) fn used(&mut self, usage: &Usage) {
        if let Some(record) = &mut self.0 {
            record.facts.usage = *usage;
        }
    }

    pub(crate) fn end(&mut self, class: Class) {
        if let Some(record) = self.0.take() {
            record.end(class);
        }
    }
}
