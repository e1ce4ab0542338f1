//! Which faults are set, and the seeded draws that decide whom they hit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::fault::Fault;
use crate::planned::{PlanError, Planned};

/// The key that stands for all of a vendor's models.
pub const EVERY_MODEL: &str = "*";

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
                let begun = entry.seen >= entry.planned.skip;
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
                    || planned.skip > 0
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

#[cfg(test)]
mod tests;
