//! What `/history` says, made as wide as a picture is.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The last fifteen minutes of each model, a value for each step, the oldest first. Unknown fields are fine.
#[derive(Debug, Default, Deserialize)]
pub(super) struct History {
    #[serde(default)]
    models: BTreeMap<String, Columns>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Columns {
    calls: Vec<Option<u64>>,
    failures: Vec<Option<u64>>,
    first_token_p50_ms: Vec<Option<u64>>,
}

impl History {
    /// The failure ratio of a model over time, in `width` parts; none where there were no calls.
    pub(super) fn failures(&self, model: &str, width: usize) -> Vec<Option<f64>> {
        let Some(columns) = self.models.get(model) else { return Vec::new() };
        let pairs: Vec<_> = columns.calls.iter().zip(&columns.failures).collect();
        parts(&pairs, width, |part| {
            let calls: u64 = part.iter().filter_map(|(calls, _)| **calls).sum();
            let failures: u64 = part.iter().filter_map(|(_, failures)| **failures).sum();
            (calls > 0).then(|| ratio(failures, calls))
        })
    }

    /// The wait for the first token over time in milliseconds, in `width` parts.
    pub(super) fn waits(&self, model: &str, width: usize) -> Vec<Option<f64>> {
        let Some(columns) = self.models.get(model) else { return Vec::new() };
        parts(&columns.first_token_p50_ms, width, |part| {
            let known = || part.iter().flatten();
            let count = known().count() as u64;
            (count > 0).then(|| ratio(known().sum(), count))
        })
    }
}

/// `values` in `width` parts of equal length, aligned to the latest one.
fn parts<T>(values: &[T], width: usize, of: impl Fn(&[T]) -> Option<f64>) -> Vec<Option<f64>> {
    let size = values.len().div_ceil(width.max(1)).max(1);
    let mut parts: Vec<_> = values.rchunks(size).map(of).collect();
    parts.reverse();
    parts
}

#[expect(clippy::cast_precision_loss, reason = "counts of five seconds are far below 2^53")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
