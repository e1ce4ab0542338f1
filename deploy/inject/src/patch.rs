//! A JSON patch (RFC 6902) that applies to the pod that it was made for.

use serde::Serialize;
use serde_json::{Value, json};

/// Additions, in the order in which they are applied. Nothing is ever removed or replaced but our own annotation.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Patch(Vec<Addition>);

#[derive(Debug, Serialize)]
struct Addition {
    op: &'static str,
    path: String,
    value: Value,
}

// === impl Patch ===

impl Patch {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `values` at the end of the list at `pointer`. An `add` to a list that is not there would not apply, and
    /// block the pod whatever the failure policy: then the list itself is added.
    pub(crate) fn append(&mut self, pointer: &str, exists: bool, values: Vec<Value>) {
        if values.is_empty() {
            return;
        }
        if exists {
            let end = format!("{pointer}/-");
            values.into_iter().for_each(|value| self.add(end.clone(), value));
        } else {
            self.add(pointer.to_owned(), Value::Array(values));
        }
    }

    /// Adds `value` at the head of the list at `pointer`.
    pub(crate) fn prepend(&mut self, pointer: &str, exists: bool, value: Value) {
        if exists {
            self.add(format!("{pointer}/0"), value);
        } else {
            self.add(pointer.to_owned(), json!([value]));
        }
    }

    /// Sets `key` in the map at `pointer`.
    pub(crate) fn set(&mut self, pointer: &str, exists: bool, (key, value): (&str, String)) {
        if exists {
            let escaped = key.replace('~', "~0").replace('/', "~1");
            self.add(format!("{pointer}/{escaped}"), Value::String(value));
        } else {
            self.add(pointer.to_owned(), json!({ key: value }));
        }
    }

    fn add(&mut self, path: String, value: Value) {
        self.0.push(Addition { op: "add", path, value });
    }
}
