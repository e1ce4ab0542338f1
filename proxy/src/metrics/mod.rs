//! What Prometheus scrapes. Every family is documented in one table in the README, and a test compares
//! that table with a scrape.
//!
//! Handles for a model or a route are resolved once, when a configuration comes into force; counting is
//! then a plain atomic addition.

mod detour;
mod incident;
mod instance;
mod labels;
mod model;
mod notify;
mod register;
mod rescue;
mod route;
#[cfg(feature = "otel")]
pub mod spans;
#[cfg(test)]
mod tests;
mod toll;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::core::Collector;
use prometheus::{Registry, TextEncoder};
use sidestep_table::{Decision, ModelEntry, Subject, Topology, Verdict};

pub use self::detour::{DetourCounts, Detours};
pub use self::instance::ConnectionGuard;
pub use self::labels::{
    CutCause, HedgeWinner, Label, Listener, Outcome, ProbeOutcome, ReloadResult, TokenKind,
};
pub use self::model::{ModelMetrics, ModelReading, ProviderMetrics};
pub use self::notify::{NotifyOutcome, TargetMetrics};
pub use self::rescue::RescueOutcome;
pub use self::route::{Finished, RouteMetrics};
pub use self::toll::{FAULTS, Toll};

use self::instance::Instance;
use self::register::Register;

/// The `route` label of calls that match no route.
const NO_ROUTE: &str = "none";

/// A metric family could not be made or written; a bug, for names and labels are fixed.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// All metrics of one process.
pub struct Metrics {
    registry: Registry,
    instance: Instance,
    unrouted: Arc<RouteMetrics>,
    spare: Spare,
    owners: Mutex<Owners>,
}

/// Handles that are never scraped. They stand in should a family clash, so that a bug in metrics costs
/// figures and not calls.
struct Spare {
    model: Arc<ModelMetrics>,
    provider: Arc<ProviderMetrics>,
}

#[derive(Default)]
struct Owners {
    models: BTreeMap<(String, String), Owned<ModelMetrics>>,
    providers: BTreeMap<String, Owned<ProviderMetrics>>,
    routes: BTreeMap<String, Owned<RouteMetrics>>,
    targets: BTreeMap<String, Owned<TargetMetrics>>,
    /// The newest topology heard of; an older one must not bring back what has left.
    generation: u64,
}

struct Owned<T> {
    handles: Arc<T>,
    collectors: Vec<Box<dyn Collector>>,
}

impl Metrics {
    /// Makes the registry with everything that does not depend on a configuration.
    ///
    /// # Errors
    /// Only if two families clash, which a test rules out.
    pub fn new() -> Result<Arc<Self>, MetricsError> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let instance = Instance::new(&Register::new(&registry, &[]))?;
        let unrouted = RouteMetrics::new(&Register::new(&registry, &[("route", NO_ROUTE)]))?;
        let spare = Spare::new()?;
        let unrouted = Arc::new(unrouted);
        Ok(Arc::new(Self { registry, instance, unrouted, spare, owners: Mutex::default() }))
    }

    /// The handles of one model; the same ones for the same ids until the model is retired.
    pub fn model(&self, provider: &str, model: &str) -> Arc<ModelMetrics> {
        self.model_among(&mut self.owners(), provider, model)
    }

    /// The handles of one provider.
    pub fn provider(&self, provider: &str) -> Arc<ProviderMetrics> {
        self.provider_among(&mut self.owners(), provider)
    }

    /// The handles of one route, by its pattern.
    pub fn route(&self, pattern: &str) -> Arc<RouteMetrics> {
        if pattern == NO_ROUTE {
            return self.unrouted();
        }
        let mut owners = self.owners();
        self.owned(&mut owners.routes, pattern.to_owned(), &[("route", pattern)], RouteMetrics::new)
            .unwrap_or_else(|| self.unrouted())
    }

    /// The handles for calls that match no route, or whose path is unknown.
    pub fn unrouted(&self) -> Arc<RouteMetrics> {
        Arc::clone(&self.unrouted)
    }

    /// Forgets every model, provider and route that `topology` no longer has. Call it after a new one came
    /// into force.
    pub fn retire_missing(&self, topology: &Topology) {
        let provider_of = |model: &ModelEntry| topology[model.provider].id.to_string();
        let models = topology.models.iter().map(|model| (provider_of(model), model.id.to_string())).collect();
        let providers = topology.providers.iter().map(|provider| provider.id.to_string()).collect();
        let routes = topology.routes.iter().map(|route| route.pattern.to_string()).collect();
        let mut owners = self.owners();
        owners.generation = owners.generation.max(topology.generation);
        self.keep(&mut owners.models, &models);
        self.keep(&mut owners.providers, &providers);
        self.keep(&mut owners.routes, &routes);
    }

    /// Copies out of the cells what a scrape shows as of now.
    pub fn read(&self, topology: &Topology) {
        let mut owners = self.owners();
        if topology.generation < owners.generation {
            return;
        }
        for provider in &topology.providers {
            self.provider_among(&mut owners, &provider.id).read(provider.cell.verdict());
        }
        for model in &topology.models {
            let provider = &topology[model.provider].id;
            self.model_among(&mut owners, provider, &model.id).read(ModelReading::of(&model.cell));
        }
    }

    /// Counts what a decision opened, if it opened anything that `topology` has.
    pub fn decided(&self, decision: &Decision, topology: &Topology) {
        let mut owners = self.owners();
        let opened = decision.to == Verdict::Open && decision.from != Verdict::Open;
        if !opened || topology.generation < owners.generation {
            return;
        }
        match &decision.subject {
            Subject::Provider(id) if topology.provider(id).is_some() => {
                self.provider_among(&mut owners, id).opened();
            }
            Subject::Provider(_) => {}
            Subject::Model(id) => {
                let Some(index) = topology.model(id) else { return };
                let provider = &topology[topology[index].provider].id;
                self.model_among(&mut owners, provider, id).opened();
            }
        }
    }

    /// What probes of the models in force have cost since the process began: US dollars and tokens.
    pub fn probe_spend(&self) -> (f64, u64) {
        let owners = self.owners();
        let spent = owners.models.values().map(|owned| owned.handles.probe_spend());
        spent.fold((0.0, 0), |(usd, tokens), more| (usd + more.0, tokens + more.1))
    }

    /// Counts one request field dropped for a target that cannot take it.
    pub fn degraded(&self, field: &str) {
        self.instance.degraded(field);
    }

    /// Counts one request whose history had to be mended for its target.
    pub fn history_repaired(&self) {
        self.instance.history_repaired.inc();
    }

    /// Publishes how much evidence was lost to a full queue since the process began.
    pub fn evidence_dropped(&self, since_start: u64) {
        let _one_at_a_time = self.owners();
        let counted = self.instance.evidence_dropped.get();
        self.instance.evidence_dropped.inc_by(since_start.saturating_sub(counted));
    }

    /// Publishes how many switches are in force.
    pub fn switches_active(&self, amount: usize) {
        self.instance.switches.set(i64::try_from(amount).unwrap_or(i64::MAX));
    }

    /// Counts a changed configuration that came into force, and publishes its generation and unix time.
    pub fn config_applied(&self, generation: u64, unix_seconds: f64) {
        self.instance.reloads.add(ReloadResult::Applied, 1);
        self.config_in_force(generation, unix_seconds);
    }

    /// Publishes the configuration in force without counting a reload: the first one.
    pub fn config_in_force(&self, generation: u64, unix_seconds: f64) {
        self.instance.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.instance.reloaded_at.set(unix_seconds);
    }

    /// Counts a changed configuration that was refused; the old one stays.
    pub fn config_rejected(&self) {
        self.instance.reloads.add(ReloadResult::Rejected, 1);
    }

    /// Publishes that the process has begun to shut down.
    pub fn draining(&self) {
        self.instance.draining.set(1);
    }

    /// Counts an open connection until the guard is dropped.
    pub fn connection(&self, listener: Listener) -> ConnectionGuard {
        ConnectionGuard::open(self.instance.connections.of(listener))
    }

    /// Counts one background task that panicked.
    pub fn task_panicked(&self) {
        self.instance.task_panics.inc();
    }

    /// Everything in the Prometheus text format, version 0.0.4.
    ///
    /// # Errors
    /// Only for a family that cannot be written, which a test rules out.
    pub fn scrape(&self) -> Result<String, MetricsError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn model_among(&self, owners: &mut Owners, provider: &str, model: &str) -> Arc<ModelMetrics> {
        let (key, owner) =
            ((provider.to_owned(), model.to_owned()), [("provider", provider), ("model", model)]);
        self.owned(&mut owners.models, key, &owner, ModelMetrics::new)
            .unwrap_or_else(|| Arc::clone(&self.spare.model))
    }

    fn provider_among(&self, owners: &mut Owners, provider: &str) -> Arc<ProviderMetrics> {
        self.owned(
            &mut owners.providers,
            provider.to_owned(),
            &[("provider", provider)],
            ProviderMetrics::new,
        )
        .unwrap_or_else(|| Arc::clone(&self.spare.provider))
    }

    fn owned<K: Ord, T>(
        &self,
        known: &mut BTreeMap<K, Owned<T>>,
        key: K,
        owner: &[(&str, &str)],
        make: impl FnOnce(&Register<'_>) -> prometheus::Result<T>,
    ) -> Option<Arc<T>> {
        if let Some(owned) = known.get(&key) {
            return Some(Arc::clone(&owned.handles));
        }
        let register = Register::new(&self.registry, owner);
        let handles = make(&register).map(Arc::new);
        let handles = handles.inspect_err(|error| tracing::error!(%error, "metrics clash")).ok()?;
        known.insert(key, Owned { handles: Arc::clone(&handles), collectors: register.into_added() });
        Some(handles)
    }

    fn keep<K: Ord, T>(&self, known: &mut BTreeMap<K, Owned<T>>, wanted: &BTreeSet<K>) {
        known.retain(|key, owned| {
            let stays = wanted.contains(key);
            if !stays {
                for collector in owned.collectors.drain(..) {
                    // It was registered when it was made; that it is gone already would be no loss.
                    drop(self.registry.unregister(collector));
                }
            }
            stays
        });
    }
}

impl Spare {
    fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let model = ModelMetrics::new(&Register::new(&registry, &[("provider", ""), ("model", "")]))?;
        let provider = ProviderMetrics::new(&Register::new(&registry, &[("provider", "")]))?;
        Ok(Self { model: Arc::new(model), provider: Arc::new(provider) })
    }
}
