//! Everything that was measured: one figure a round, of which the median counts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Something that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Measure {
    /// Its name in the JSON.
    pub(crate) key: &'static str,
    /// What the figure counts.
    pub(crate) unit: &'static str,
    /// What it is, for people.
    pub(crate) what: &'static str,
}

const fn measure(key: &'static str, unit: &'static str, what: &'static str) -> Measure {
    Measure { key, unit, what }
}

/// CPU time of a whole answer.
pub(crate) const WHOLE_CPU: Measure = measure("whole_cpu", "µs/request", "whole answer: CPU time");
/// Whole answers in a second.
pub(crate) const WHOLE_RATE: Measure =
    measure("whole_rate", "requests/s", "whole answer: closed loop, 32 callers");
/// CPU time of an event.
pub(crate) const STREAM_CPU: Measure = measure("stream_cpu", "µs/event", "stream: CPU time");
/// Median latency.
pub(crate) const P50: Measure = measure("latency_p50", "µs", "whole answer at 500/s: p50");
/// Latency of the slow ones.
pub(crate) const P99: Measure = measure("latency_p99", "µs", "whole answer at 500/s: p99");
/// First token.
pub(crate) const FIRST_P50: Measure = measure("first_token_p50", "µs", "stream at 200/s: first event, p50");
/// Long prompts.
pub(crate) const PROMPT: Measure =
    measure("prompt_rate", "MiB/s", "1 MiB of prompt (200 k tokens): throughput");
/// Memory for long prompts.
pub(crate) const PROMPT_PEAK: Measure =
    measure("prompt_peak", "MiB", "1 MiB of prompt, 4 at once: peak memory");
/// Images.
pub(crate) const IMAGES: Measure = measure("images_rate", "MiB/s", "20 MiB of images: throughput");
/// Memory for images.
pub(crate) const IMAGES_PEAK: Measure =
    measure("images_peak", "MiB", "20 MiB of images, 2 at once: peak memory");
/// Start.
pub(crate) const START: Measure = measure("start", "ms", "start to first answer");
/// Memory at rest.
pub(crate) const IDLE: Measure = measure("rss_idle", "MiB", "resident memory, idle");
/// CPU time at rest.
pub(crate) const IDLE_CPU: Measure = measure("cpu_idle", "% of a core", "CPU time, idle");
/// Memory at work.
pub(crate) const LOADED: Measure = measure("rss_load", "MiB", "resident memory under load");
/// Memory of a stream.
pub(crate) const PER_STREAM: Measure =
    measure("rss_stream", "KiB", "resident memory per open stream, 1,000 open");
/// Memory afterwards.
pub(crate) const AFTER: Measure =
    measure("rss_after", "MiB", "resident memory after streams and load are gone");
/// Memory of connections.
pub(crate) const CONNECTIONS: Measure =
    measure("rss_connections", "MiB", "resident memory with 10,000 idle connections");
/// TLS, HTTP/1.1.
pub(crate) const TLS1_CPU: Measure =
    measure("tls1_cpu", "µs/request", "whole answer, TLS and HTTP/1.1 upstream: CPU time");
/// TLS, HTTP/2.
pub(crate) const TLS2_CPU: Measure =
    measure("tls2_cpu", "µs/request", "whole answer, TLS and HTTP/2 upstream: CPU time");
/// Connections used again.
pub(crate) const TLS1_SHAKES: Measure =
    measure("tls1_handshakes", "per 1,000 requests", "TLS handshakes, HTTP/1.1 upstream");
/// Connections used again.
pub(crate) const TLS2_SHAKES: Measure =
    measure("tls2_handshakes", "per 1,000 requests", "TLS handshakes, HTTP/2 upstream");
/// Size of the program.
pub(crate) const SIZE: Measure = measure("binary", "MiB", "size of the program");
/// Two workers.
pub(crate) const SCALING: Measure = measure("scaling", "×", "requests/s of two workers over one");

/// All, in the order in which they are shown.
pub(crate) const ALL: [Measure; 23] = [
    WHOLE_CPU,
    WHOLE_RATE,
    STREAM_CPU,
    P50,
    P99,
    FIRST_P50,
    PROMPT,
    PROMPT_PEAK,
    IMAGES,
    IMAGES_PEAK,
    START,
    IDLE,
    IDLE_CPU,
    LOADED,
    PER_STREAM,
    AFTER,
    CONNECTIONS,
    TLS1_CPU,
    TLS1_SHAKES,
    TLS2_CPU,
    TLS2_SHAKES,
    SIZE,
    SCALING,
];

/// What was measured of whom.
#[derive(Default)]
pub(crate) struct Book {
    figures: BTreeMap<(&'static str, String), Vec<f64>>,
    /// What could not be measured, and why.
    pub(crate) notes: Vec<String>,
}

impl Book {
    /// Writes down one figure.
    pub(crate) fn note(&mut self, measure: Measure, who: &str, figure: f64) {
        self.figures.entry((measure.key, who.to_owned())).or_default().push(figure);
    }

    /// The median of a measure.
    pub(crate) fn median(&self, measure: Measure, who: &str) -> Option<f64> {
        let mut figures = self.figures.get(&(measure.key, who.to_owned()))?.clone();
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        let low = if figures.len() % 2 == 0 { middle.checked_sub(1)? } else { middle };
        Some(f64::midpoint(*figures.get(low)?, *figures.get(middle)?))
    }

    /// One contender's median divided by another's.
    pub(crate) fn ratio(&self, measure: Measure, who: &str, to: &str) -> Option<f64> {
        Some(self.median(measure, who)? / self.median(measure, to)?)
    }

    /// How much of a latency is the contender's own: what is left without that of the direct way.
    pub(crate) fn added(&self, measure: Measure, who: &str) -> Option<f64> {
        Some(self.median(measure, who)? - self.median(measure, "direct")?)
    }

    /// Everybody of whom something was measured, in the order in which they are compared.
    pub(crate) fn who(&self) -> Vec<String> {
        let known = [
            "direct",
            "bare",
            "sidestep",
            "sidestep-translating",
            "nginx",
            "haproxy",
            "envoy",
            "litellm",
            "litellm-translating",
        ];
        let measured = |who: &&str| self.figures.keys().any(|(_, name)| name == who);
        known.iter().filter(|who| measured(who)).map(ToString::to_string).collect()
    }

    /// Whether a figure is no number or below nothing: then the measurement is broken.
    pub(crate) fn insane(&self) -> Vec<String> {
        let bad = |figure: &f64| !figure.is_finite() || *figure < 0.0;
        let insane = self.figures.iter().filter(|(_, figures)| figures.iter().any(bad));
        insane.map(|((key, who), figures)| format!("{key} of {who}: {figures:?}")).collect()
    }

    /// All figures of all rounds.
    pub(crate) fn json(&self) -> Value {
        let rows = self.figures.iter().map(|((key, who), figures)| {
            let measure = ALL.into_iter().find(|measure| measure.key == *key);
            json!({
                "measure": key, "who": who, "unit": measure.map(|measure| measure.unit),
                "median": measure.and_then(|measure| self.median(measure, who)), "rounds": figures,
            })
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_counts_and_nonsense_is_seen() {
        let mut book = Book::default();
        for figure in [9.0, 1.0, 2.0] {
            book.note(P50, "bare", figure);
        }
        book.note(P50, "direct", 0.5);
        book.note(P50, "direct", 1.5);
        assert_eq!(book.median(P50, "bare"), Some(2.0));
        assert_eq!(book.added(P50, "bare"), Some(1.0));
        assert_eq!(book.median(P99, "bare"), None);
        assert!(book.insane().is_empty());
        book.note(P99, "bare", f64::NAN);
        assert_eq!(book.insane().len(), 1);
    }
}
