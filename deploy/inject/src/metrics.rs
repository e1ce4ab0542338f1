//! What an injector counts. Every family is in the table of this crate's README.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

use crate::reply::Outcome;

/// Upper bounds in seconds. The API server waits 5 s at most by the chart's default, and 30 s by the API's rules.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0];

/// What became of a request, and for a skipped pod why: the two labels of a request's counter.
pub(crate) type Decision = (&'static str, &'static str);

/// What became of requests that were answered, or not, without regard to what they asked. The rest is in
/// [`Outcome::labels`](crate::Outcome::labels).
pub(crate) mod decision {
    use super::Decision;

    /// Answered, but nothing comes of it.
    pub(crate) const DRY_RUN: Decision = ("dry_run", "");
    /// No review: garbage, too large, another method or path.
    pub(crate) const REFUSED: Decision = ("refused", "");
    /// A review that could not be answered in time.
    pub(crate) const LATE: Decision = ("late", "");
}

/// Every metric of the injector.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    duration: Histogram,
    expiry: Gauge,
    leader: IntGauge,
    issued: IntCounter,
    published: IntCounter,
    failures: IntCounter,
    events_dropped: IntCounter,
    connections: IntGauge,
    panics: IntCounter,
}

// === impl Metrics ===

impl Metrics {
    /// All families, at zero.
    ///
    /// # Errors
    /// When the registry refuses one: a bug in this file.
    pub fn new() -> Result<Arc<Metrics>, prometheus::Error> {
        let registry = Registry::new();
        let requests = Opts::new("sidestep_inject_requests_total", "Requests answered, by what was decided.");
        let requests = IntCounterVec::new(requests, &["decision", "reason"])?;
        registry.register(Box::new(requests.clone()))?;
        for (decision, reason) in [Outcome::Inject.labels(), decision::REFUSED, decision::LATE] {
            requests.with_label_values(&[decision, reason]);
        }
        let opts = HistogramOpts::new(
            "sidestep_inject_request_duration_seconds",
            "From a request's head to its answer.",
        );
        let duration = Histogram::with_opts(opts.buckets(BUCKETS.to_vec()))?;
        registry.register(Box::new(duration.clone()))?;
        let expiry = Gauge::new(
            "sidestep_inject_certificate_expiry_timestamp_seconds",
            "Unix time at which the certificate that is served ends; 0 while there is none.",
        )?;
        registry.register(Box::new(expiry.clone()))?;
        let build = Opts::new("sidestep_inject_build_info", "Always 1; the version is a label.");
        let build = prometheus::IntGaugeVec::new(build, &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        Self::rest(registry, (requests, duration, expiry))
    }

    fn rest(
        registry: Registry,
        (requests, duration, expiry): (IntCounterVec, Histogram, Gauge),
    ) -> Result<Arc<Metrics>, prometheus::Error> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(format!("sidestep_inject_{name}"), help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(format!("sidestep_inject_{name}"), help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Arc::new(Metrics {
            leader: gauge("leader", "1 while this replica issues certificates.")?,
            issued: counter("certificates_issued_total", "Certificates that this replica issued.")?,
            published: counter("ca_bundle_updates_total", "Times that this replica wrote the caBundle.")?,
            failures: counter("certificate_failures_total", "Looks at certificates that came to nothing.")?,
            events_dropped: counter("events_dropped_total", "Events that were not sent.")?,
            connections: gauge("connections_open", "Open connections to the webhook.")?,
            panics: counter("panics_total", "Connections that ended in a bug.")?,
            registry,
            requests,
            duration,
            expiry,
        }))
    }

    /// All families in the Prometheus text format.
    ///
    /// # Errors
    /// When a family cannot be written: a bug.
    pub fn scrape(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    pub(crate) fn answered(&self, (decision, reason): Decision, took: Duration) {
        self.requests.with_label_values(&[decision, reason]).inc();
        self.duration.observe(took.as_secs_f64());
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    pub(crate) fn certificate(&self, not_after: u64) {
        self.expiry.set(not_after as f64);
    }

    pub(crate) fn certificate_failure(&self) {
        self.failures.inc();
    }

    pub(crate) fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    pub(crate) fn issued(&self) {
        self.issued.inc();
    }

    pub(crate) fn published(&self) {
        self.published.inc();
    }

    pub(crate) fn event_dropped(&self) {
        self.events_dropped.inc();
    }

    pub(crate) fn connections(&self, open: usize) {
        self.connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Name, type and labels of a row, or of a family with the labels of its samples.
    type Families = BTreeMap<String, (String, Vec<String>)>;

    fn documented() -> Families {
        let readme = include_str!("../README.md");
        let table = readme.split_once("<!-- metrics:begin -->").unwrap().1;
        let table = table.split_once("<!-- metrics:end -->").unwrap().0;
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [name, kind, labels, meaning] = cells[..] else { panic!("four cells: {row}") };
            assert!(meaning.ends_with('.'), "{name} has a meaning");
            let labels = labels.split(", ").map(|label| label.trim_matches('`').to_owned());
            let labels = labels.filter(|label| !label.is_empty()).collect();
            (name.trim_matches('`').to_owned(), (kind.to_owned(), labels))
        })
        .collect()
    }

    #[test]
    fn the_readme_has_every_metric_and_no_other() {
        let metrics = Metrics::new().unwrap();
        metrics.answered(Outcome::Inject.labels(), Duration::ZERO);
        let scraped = metrics.registry.gather().into_iter().map(|family| {
            let sample = family.get_metric().first().cloned().unwrap_or_default();
            let labels = sample.get_label().iter().map(|label| label.name().to_owned()).collect();
            let kind = format!("{:?}", family.get_field_type()).to_lowercase();
            (family.name().to_owned(), (kind, labels))
        });
        assert_eq!(documented(), scraped.collect::<Families>());
    }
}
