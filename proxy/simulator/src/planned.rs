//! A fault with its odds and limits, and the control's JSON for it.

use std::time::Duration;

use serde_json::Value;

use crate::fault::Fault;

/// A fault with its odds and limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What goes wrong.
    pub fault: Fault,
    /// Share of requests that it hits, 0 to 1. The rates of faults that exclude each other add up.
    pub rate: f64,
    /// Requests that pass before it begins.
    pub skip: u64,
    /// Requests that it hits at most.
    pub times: Option<u64>,
    /// How long it lasts from when it was set.
    pub lasts: Option<Duration>,
}

/// Why a fault was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The JSON is not a fault's.
    #[error("not a fault: {0}")]
    Form(String),
    /// No such model here.
    #[error("unknown model `{0}`; use one of the vendor's models or `*`")]
    UnknownModel(String),
    /// A rate outside 0 to 1.
    #[error("a rate is between 0 and 1")]
    Rate,
    /// A status that is no error's.
    #[error("a status is between 400 and 599")]
    Status,
    /// `refused` set on one model, or at a rate, or with a count.
    #[error("`refused` takes down the whole vendor: set it on `*`, without rate, skip and times")]
    RefusedIsForAll,
}

impl From<Fault> for Planned {
    fn from(fault: Fault) -> Self {
        Self { fault, rate: 1.0, skip: 0, times: None, lasts: None }
    }
}

impl Planned {
    /// Hits this share of requests.
    #[must_use]
    pub const fn at_rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }

    /// Begins after so many requests.
    #[must_use]
    pub const fn skipping(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Hits at most so many requests.
    #[must_use]
    pub const fn at_most(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Ends by itself.
    #[must_use]
    pub const fn lasting(mut self, lasts: Duration) -> Self {
        self.lasts = Some(lasts);
        self
    }

    /// Reads the control's JSON: a fault's fields beside `rate`, `skip`, `times` and `for_ms`.
    ///
    /// # Errors
    /// [`PlanError::Form`] names what is wrong with it.
    pub fn from_json(mut value: Value) -> Result<Self, PlanError> {
        let object = value.as_object_mut().ok_or_else(|| PlanError::Form("expected an object".to_owned()))?;
        let rate = take(object, "rate", Value::as_f64)?.unwrap_or(1.0);
        let skip = take(object, "skip", Value::as_u64)?.unwrap_or(0);
        let times = take(object, "times", Value::as_u64)?;
        let lasts = take(object, "for_ms", Value::as_u64)?.map(Duration::from_millis);
        let fault = serde_json::from_value(value).map_err(|error| PlanError::Form(error.to_string()))?;
        Ok(Self { fault, rate, skip, times, lasts })
    }

    /// The control's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut value = serde_json::to_value(&self.fault).unwrap_or_default();
        value["rate"] = self.rate.into();
        if self.skip > 0 {
            value["skip"] = self.skip.into();
        }
        if let Some(times) = self.times {
            value["times"] = times.into();
        }
        if let Some(lasts) = self.lasts {
            value["for_ms"] = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX).into();
        }
        value
    }
}

fn take<T>(
    object: &mut serde_json::Map<String, Value>,
    key: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, PlanError> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            read(&value).map(Some).ok_or_else(|| PlanError::Form(format!("`{key}` is out of range")))
        }
    }
}
