//! Which faults are set, and the seeded draws that decide whom they hit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::fault::Fault;

/// The key that stands for all of a vendor's models.
pub const EVERY_MODEL: &str = "*";

/// A fault with its odds and limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What goes wrong.
    pub fault: Fault,
    /// Share of requests that it hits, 0 to 1. The rates of faults that exclude each other add up.
    pub rate: f64,
    /// Requests that pass before it begins.
    pub after: u64,
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
    #[error("`refused` takes down the whole vendor: set it on `*`, without rate, after and times")]
    RefusedIsForAll,
}

/// The faults of one vendor. All methods take effect for the next request.
#[derive(Debug)]
pub struct Faults {
    models: Vec<String>,
    inner: Mutex<Inner>,
    refused: watch::Sender<Option<Refusal>>,
}

/// Until when connections are refused; `None` inside means until it is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) until: Option<Instant>,
}

/// What was drawn for one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Drawn {
    pub(crate) outcome: Option<Fault>,
    pub(crate) modifiers: Vec<Fault>,
}

#[derive(Debug)]
struct Inner {
    draws: StdRng,
    plan: BTreeMap<String, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    planned: Planned,
    until: Option<Instant>,
    seen: u64,
    hit: u64,
}

impl From<Fault> for Planned {
    fn from(fault: Fault) -> Self {
        Self { fault, rate: 1.0, after: 0, times: None, lasts: None }
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
    pub const fn starting_after(mut self, requests: u64) -> Self {
        self.after = requests;
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
        let after = take(object, "skip", Value::as_u64)?.unwrap_or(0);
        let times = take(object, "times", Value::as_u64)?;
        let lasts = take(object, "for_ms", Value::as_u64)?.map(Duration::from_millis);
        let fault = serde_json::from_value(value).map_err(|error| PlanError::Form(error.to_string()))?;
        Ok(Self { fault, rate, after, times, lasts })
    }

    /// The control's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut value = serde_json::to_value(&self.fault).unwrap_or_default();
        value["rate"] = self.rate.into();
        if self.after > 0 {
            value["skip"] = self.after.into();
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

impl Faults {
    pub(crate) fn new(models: Vec<String>, seed: u64) -> Self {
        let inner = Inner { draws: StdRng::seed_from_u64(seed), plan: BTreeMap::new() };
        Self { models, inner: Mutex::new(inner), refused: watch::channel(None).0 }
    }

    /// Sets the one fault of a model (or of [`EVERY_MODEL`]), instead of what was set there.
    ///
    /// # Errors
    /// The fault cannot be set so; nothing is changed.
    pub fn set(&self, model: &str, planned: impl Into<Planned>) -> Result<(), PlanError> {
        self.set_all(model, vec![planned.into()])
    }

    /// Sets several faults of a model, instead of what was set there.
    ///
    /// # Errors
    /// One of them cannot be set so; nothing is changed.
    pub fn set_all(&self, model: &str, planned: Vec<Planned>) -> Result<(), PlanError> {
        planned.iter().try_for_each(|one| self.check(model, one))?;
        let now = Instant::now();
        let entries = planned.into_iter().map(|planned| Entry::new(planned, now)).collect();
        self.lock().plan.insert(model.to_owned(), entries);
        self.publish_refusal();
        Ok(())
    }

    /// Sets everything anew: what is not named has no faults any more.
    ///
    /// # Errors
    /// One of them cannot be set so; nothing is changed.
    pub fn replace(&self, plan: BTreeMap<String, Vec<Planned>>) -> Result<(), PlanError> {
        for (model, planned) in &plan {
            planned.iter().try_for_each(|one| self.check(model, one))?;
        }
        let now = Instant::now();
        let enter = |planned: Vec<Planned>| planned.into_iter().map(|one| Entry::new(one, now)).collect();
        self.lock().plan = plan.into_iter().map(|(model, planned)| (model, enter(planned))).collect();
        self.publish_refusal();
        Ok(())
    }

    /// Removes a model's faults.
    pub fn clear(&self, model: &str) {
        self.lock().plan.remove(model);
        self.publish_refusal();
    }

    /// Removes every fault.
    pub fn clear_all(&self) {
        self.lock().plan.clear();
        self.publish_refusal();
    }

    /// What is set and has not run out.
    #[must_use]
    pub fn planned(&self) -> BTreeMap<String, Vec<Planned>> {
        let now = Instant::now();
        let live = |entries: &Vec<Entry>| -> Vec<Planned> {
            entries.iter().filter(|entry| !entry.spent(now)).map(|entry| entry.planned.clone()).collect()
        };
        let inner = self.lock();
        inner
            .plan
            .iter()
            .map(|(model, entries)| (model.clone(), live(entries)))
            .filter(|e| !e.1.is_empty())
            .collect()
    }

    pub(crate) fn draw(&self, model: &str) -> Drawn {
        let now = Instant::now();
        let mut inner = self.lock();
        let Inner { draws, plan } = &mut *inner;
        let mut lot: f64 = draws.random();
        let mut drawn = Drawn::default();
        for key in [model, EVERY_MODEL] {
            for entry in plan.get_mut(key).into_iter().flatten().filter(|entry| !entry.is_refusal()) {
                let begun = entry.seen >= entry.planned.after;
                entry.seen += 1;
                if !begun || entry.spent(now) {
                    continue;
                }
                if entry.planned.fault.is_modifier() {
                    if draws.random::<f64>() < entry.planned.rate {
                        entry.hit += 1;
                        drawn.modifiers.push(entry.planned.fault.clone());
                    }
                } else if drawn.outcome.is_none() {
                    if lot < entry.planned.rate {
                        entry.hit += 1;
                        drawn.outcome = Some(entry.planned.fault.clone());
                    }
                    lot -= entry.planned.rate;
                }
            }
        }
        drawn
    }

    pub(crate) fn refusals(&self) -> watch::Receiver<Option<Refusal>> {
        self.refused.subscribe()
    }

    fn check(&self, model: &str, planned: &Planned) -> Result<(), PlanError> {
        if model != EVERY_MODEL && !self.models.iter().any(|known| known == model) {
            return Err(PlanError::UnknownModel(model.to_owned()));
        }
        if !(0.0..=1.0).contains(&planned.rate) {
            return Err(PlanError::Rate);
        }
        match planned.fault {
            Fault::Refused {}
                if model != EVERY_MODEL
                    || planned.rate < 1.0
                    || planned.after > 0
                    || planned.times.is_some() =>
            {
                Err(PlanError::RefusedIsForAll)
            }
            Fault::Status { status, .. }
            | Fault::InBandError { status, .. }
            | Fault::ErrorBody { status }
                if !(400..=599).contains(&status) =>
            {
                Err(PlanError::Status)
            }
            Fault::Html { status } if !(200..=599).contains(&status) => Err(PlanError::Status),
            _ => Ok(()),
        }
    }

    fn publish_refusal(&self) {
        let inner = self.lock();
        let refusal = inner
            .plan
            .get(EVERY_MODEL)
            .into_iter()
            .flatten()
            .find(|entry| entry.is_refusal())
            .map(|entry| Refusal { until: entry.until });
        self.refused.send_if_modified(|held| std::mem::replace(held, refusal) != refusal);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusal {
    pub(crate) fn holds(self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Entry {
    fn new(planned: Planned, now: Instant) -> Self {
        let until = planned.lasts.map(|lasts| now + lasts);
        Self { planned, until, seen: 0, hit: 0 }
    }

    fn spent(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now >= until)
            || self.planned.times.is_some_and(|times| self.hit >= times)
    }

    fn is_refusal(&self) -> bool {
        matches!(self.planned.fault, Fault::Refused {})
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

#[cfg(test)]
mod tests;
