//! What each model's counters said a while ago, so that an incident can tell what has come since.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sidestep_table::{Class, Moment};

use super::record::{Calls, Evidence, Extra};
use crate::catalog::{Catalog, ModelPlan};
use crate::metrics::{FAULTS, Label, ModelMetrics, ProbeOutcome};

/// A model's counters are remembered as they were this long ago, and at most twice as long: what brought an incident
/// about came before it.
const LOOKBACK: Duration = Duration::from_secs(60);
/// Classes of attempts that were well, or whose end says nothing of the model.
const INNOCENT: [&str; 4] = ["ok", "client", "cancel", "local"];
/// Classes that say something, though not that the model is ill.
const LIMITS: [&str; 2] = ["rate", "quota"];
const CLASSES: usize = <Class as Label>::NAMES.len();
const PROBES: usize = <ProbeOutcome as Label>::NAMES.len();

/// A model's counters at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    calls: [u64; 5],
    /// Tokens, billionths of a US dollar, calls without a price.
    surplus: (u64, i64, u64),
    /// By class.
    attempts: [u64; CLASSES],
    /// Those of class `hard`, by what went wrong.
    faults: [u64; FAULTS.len()],
    /// By what they found.
    probes: [u64; PROBES],
    probe_usd: f64,
    probe_tokens: u64,
    /// Its probes' cost in money is known.
    priced: bool,
    /// Seconds to the first token at the 95th percentile.
    pub(super) first_token: Option<f64>,
}

/// One model, watched.
struct Watched {
    metrics: Arc<ModelMetrics>,
    /// What was counted before a reload gave it other counters.
    before: Account,
    now: Account,
    newer: Account,
    older: Account,
    turned: Moment,
}

/// All models, watched.
#[derive(Default)]
pub(super) struct Accounts {
    models: BTreeMap<String, Watched>,
}

// === impl Accounts ===

impl Accounts {
    /// Reads all counters. Those of models that are `held`, for an incident counts by them, stay comparable.
    pub(super) fn read(&mut self, catalog: &Catalog, now: Moment, held: impl Fn(&str) -> bool) {
        self.models.retain(|id, _| held(id) || catalog.topology.model(id).is_some());
        for plan in catalog.models() {
            match self.models.get_mut(&*plan.id) {
                Some(watched) => watched.read(plan, now, held(&plan.id)),
                None => drop(self.models.insert(plan.id.to_string(), Watched::new(plan, now))),
            }
        }
        // What has left the configuration still counts the calls that it had.
        for (id, watched) in &mut self.models {
            if catalog.topology.model(id).is_none() {
                watched.now = watched.before.plus(&Account::of(&watched.metrics, &watched.now));
            }
        }
    }

    /// A model's counters now.
    pub(super) fn now(&self, model: &str) -> Option<&Account> {
        self.models.get(model).map(|watched| &watched.now)
    }

    /// The same, a minute or two ago.
    pub(super) fn before(&self, model: &str) -> Option<&Account> {
        self.models.get(model).map(|watched| &watched.older)
    }
}

// === impl Watched ===

impl Watched {
    fn new(plan: &ModelPlan, now: Moment) -> Watched {
        let account = Account::read(plan);
        Watched {
            metrics: plan.metrics.clone(),
            before: Account::default(),
            now: account.clone(),
            newer: account.clone(),
            older: account,
            turned: now,
        }
    }

    fn read(&mut self, plan: &ModelPlan, now: Moment, held: bool) {
        if !Arc::ptr_eq(&self.metrics, &plan.metrics) {
            self.before = self.before.plus(&Account::of(&self.metrics, &self.now));
            self.metrics = plan.metrics.clone();
        }
        self.now = self.before.plus(&Account::read(plan));
        if held {
            // Once the incident is over nothing that it counted may be counted again.
            (self.older, self.newer, self.turned) = (self.now.clone(), self.now.clone(), now);
        } else if now.saturating_since(self.turned) >= LOOKBACK {
            self.older = std::mem::replace(&mut self.newer, self.now.clone());
            self.turned = now;
        }
    }
}

// === impl Account ===

impl Account {
    fn read(plan: &ModelPlan) -> Account {
        let first_token = plan.cell.first_token().p95().map(|wait| wait.as_secs_f64());
        let like = Account { first_token, priced: plan.price.is_some(), ..Account::default() };
        Account::of(&plan.metrics, &like)
    }

    /// What `metrics` say; what they do not know is as in `like`.
    fn of(metrics: &ModelMetrics, like: &Account) -> Account {
        let (probe_usd, probe_tokens) = metrics.probe_spend();
        Account {
            calls: metrics.toll().calls(),
            surplus: metrics.toll().surplus(),
            attempts: metrics.attempts(),
            faults: metrics.toll().faults(),
            probes: metrics.probes(),
            probe_usd,
            probe_tokens,
            priced: like.priced,
            first_token: like.first_token,
        }
    }

    fn plus(&self, other: &Account) -> Account {
        Account {
            calls: sum(self.calls, other.calls),
            surplus: (
                self.surplus.0 + other.surplus.0,
                self.surplus.1 + other.surplus.1,
                self.surplus.2 + other.surplus.2,
            ),
            attempts: sum(self.attempts, other.attempts),
            faults: sum(self.faults, other.faults),
            probes: sum(self.probes, other.probes),
            probe_usd: self.probe_usd + other.probe_usd,
            probe_tokens: self.probe_tokens + other.probe_tokens,
            priced: other.priced,
            first_token: other.first_token,
        }
    }

    /// Calls since `then`.
    pub(super) fn calls_since(&self, then: &Account) -> Calls {
        let [rerouted, rescued, refused, failed, cut] = since(self.calls, then.calls);
        Calls { rerouted, rescued, refused, failed, cut }
    }

    /// What calls have cost more since `then`, and probes since `opened`.
    pub(super) fn extra_since(&self, then: &Account, opened: &Account) -> Extra {
        let probes = self.probe_tokens.saturating_sub(opened.probe_tokens);
        let tokens = self.surplus.0.saturating_sub(then.surplus.0) + probes;
        let known = self.surplus.2 == then.surplus.2 && (probes == 0 || self.priced);
        #[expect(clippy::cast_precision_loss, reason = "nine million dollars are 2^53 billionths")]
        let calls = (self.surplus.1 - then.surplus.1) as f64 / 1e9;
        let usd = known.then(|| calls + (self.probe_usd - opened.probe_usd).max(0.0));
        Extra { tokens, usd }
    }

    /// What speaks against the model since `then`.
    pub(super) fn evidence_since(&self, then: &Account) -> Evidence {
        let mut evidence = Evidence::default();
        for (class, count) in <Class as Label>::NAMES.iter().zip(since(self.attempts, then.attempts)) {
            evidence.calls += count;
            if INNOCENT.contains(class) || count == 0 {
                continue;
            }
            if !LIMITS.contains(class) {
                evidence.failures += count;
            }
            if *class != "hard" {
                evidence.classes.insert((*class).to_owned(), count);
            }
        }
        let faults = FAULTS.iter().map(|(_, name)| *name).zip(since(self.faults, then.faults));
        evidence
            .classes
            .extend(faults.filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count)));
        for (outcome, count) in <ProbeOutcome as Label>::NAMES.iter().zip(since(self.probes, then.probes)) {
            if matches!(*outcome, "failed" | "wrong") && count > 0 {
                evidence.classes.insert(format!("probe {outcome}"), count);
            }
        }
        evidence
    }
}

fn sum<const N: usize>(one: [u64; N], other: [u64; N]) -> [u64; N] {
    std::array::from_fn(|at| one[at] + other[at])
}

fn since<const N: usize>(now: [u64; N], then: [u64; N]) -> [u64; N] {
    std::array::from_fn(|at| now[at].saturating_sub(then[at]))
}
