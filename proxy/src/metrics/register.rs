//! Makes metric families in a registry; everything that can fail does so here, never on a call's path.

use std::cell::RefCell;
use std::collections::HashMap;

use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
};
use prometheus::{Opts, Registry, Result};

use super::labels::Label;

/// Adds families to a registry, all with the same owner: a model, a route, or the process.
///
/// The registry merges families of one name whose fixed labels differ, so an owner can join and leave as
/// a whole.
pub(super) struct Register<'a> {
    registry: &'a Registry,
    owner: HashMap<String, String>,
    added: RefCell<Vec<Box<dyn Collector>>>,
}

/// One child per value of a closed label set, so that the hot path neither hashes nor locks.
pub(super) struct Slots<T> {
    children: Vec<T>,
}

impl<'a> Register<'a> {
    /// `owner` are the labels that every family added here carries.
    pub(super) fn new(registry: &'a Registry, owner: &[(&str, &str)]) -> Self {
        let owner = owner.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { registry, owner, added: RefCell::default() }
    }

    /// All that was added, to be unregistered when the owner leaves.
    pub(super) fn into_added(self) -> Vec<Box<dyn Collector>> {
        self.added.into_inner()
    }

    /// One counter per value of `L`.
    pub(super) fn counters<L: Label>(
        &self,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<Slots<IntCounter>> {
        let family = self.add(IntCounterVec::new(self.opts(name, help), &[label])?)?;
        Ok(Slots::resolve::<L>(|value| family.with_label_values(&[value])))
    }

    /// A family whose children are resolved by the caller.
    pub(super) fn counter_family(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.add(IntCounterVec::new(self.opts(name, help), labels)?)
    }

    /// A family of gauges whose children are resolved by the caller.
    pub(super) fn gauge_family(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(self.opts(name, help), labels)?)
    }

    /// One whole-numbered gauge per value of `L`.
    pub(super) fn gauges<L: Label>(&self, name: &str, help: &str, label: &str) -> Result<Slots<IntGauge>> {
        let family = self.add(IntGaugeVec::new(self.opts(name, help), &[label])?)?;
        Ok(Slots::resolve::<L>(|value| family.with_label_values(&[value])))
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.add(IntCounter::with_opts(self.opts(name, help))?)
    }

    pub(super) fn amount(&self, name: &str, help: &str) -> Result<Counter> {
        self.add(Counter::with_opts(self.opts(name, help))?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge> {
        self.add(IntGauge::with_opts(self.opts(name, help))?)
    }

    pub(super) fn ratio(&self, name: &str, help: &str) -> Result<Gauge> {
        self.add(Gauge::with_opts(self.opts(name, help))?)
    }

    /// `buckets` are upper bounds in seconds.
    pub(super) fn duration(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram> {
        let opts = HistogramOpts { common_opts: self.opts(name, help), buckets: buckets.to_vec() };
        self.add(Histogram::with_opts(opts)?)
    }

    fn opts(&self, name: &str, help: &str) -> Opts {
        Opts::new(name, help).const_labels(self.owner.clone())
    }

    fn add<C: Collector + Clone + 'static>(&self, family: C) -> Result<C> {
        self.registry.register(Box::new(family.clone()))?;
        self.added.borrow_mut().push(Box::new(family.clone()));
        Ok(family)
    }
}

impl<T> Slots<T> {
    /// Resolves one child per value of `L`.
    pub(super) fn resolve<L: Label>(child: impl FnMut(&'static str) -> T) -> Self {
        Self { children: L::NAMES.iter().copied().map(child).collect() }
    }

    /// The child of one value. A value that is missing in its own list would be a bug in the list, which
    /// a test rules out; then nothing is counted rather than the wrong thing.
    pub(super) fn of<L: Label>(&self, label: L) -> Option<&T> {
        let name = label.name();
        L::NAMES.iter().position(|known| *known == name).and_then(|slot| self.children.get(slot))
    }

    /// The children of all values.
    pub(super) fn children(&self) -> impl Iterator<Item = &T> {
        self.children.iter()
    }

    /// The child in one slot, in the order of the names.
    pub(super) fn at(&self, slot: usize) -> Option<&T> {
        self.children.get(slot)
    }

    /// Children with the names of their values.
    pub(super) fn named<L: Label>(&self) -> impl Iterator<Item = (&'static str, &T)> {
        L::NAMES.iter().copied().zip(&self.children)
    }
}

impl Slots<IntCounter> {
    /// Adds to the counter of one value.
    pub(super) fn add<L: Label>(&self, label: L, amount: u64) {
        if let Some(counter) = self.of(label) {
            counter.inc_by(amount);
        }
    }
}

impl Slots<IntGauge> {
    /// Shows `label` as the one in force: 1 for it, 0 for the others.
    pub(super) fn one_hot<L: Label>(&self, label: L) {
        for (name, gauge) in self.named::<L>() {
            gauge.set(i64::from(name == label.name()));
        }
    }
}
