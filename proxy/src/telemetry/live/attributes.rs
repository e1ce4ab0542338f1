//! Attributes as OTLP writes them.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// The attributes of a span, an event or the resource. What there is nothing to say of is left out.
#[derive(Default)]
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    pub(super) fn text<'a>(mut self, key: &str, text: impl Into<Option<&'a str>>) -> Self {
        if let Some(text) = text.into() {
            self.push(key, Value::StringValue(text.to_owned()));
        }
        self
    }

    pub(super) fn number(mut self, key: &str, number: impl Into<Option<u64>>) -> Self {
        if let Some(number) = number.into() {
            self.push(key, Value::IntValue(i64::try_from(number).unwrap_or(i64::MAX)));
        }
        self
    }

    pub(super) fn flag(mut self, key: &str, flag: bool) -> Self {
        self.push(key, Value::BoolValue(flag));
        self
    }

    pub(super) fn into_all(self) -> Vec<KeyValue> {
        self.0
    }

    fn push(&mut self, key: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }
}
