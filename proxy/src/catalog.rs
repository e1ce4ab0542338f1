//! One generation of configuration, made ready: the table's topology beside what it takes to ask each model.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use sidestep_dialect::{Capabilities, CapabilityOverrides, Dialect, Target};
use sidestep_table::{
    Budget, BudgetPolicy, Cell, ModelId, ModelIndex, ModelShape, ProviderIndex, ProviderShape, RouteIndex,
    RouteShape, Shape, ShapeError, TargetShape, Topology,
};

use crate::config::{Config, Limits, ModelConfig, OnLossy, Price, RetryBudget, RouteConfig, UpstreamName};
use crate::faults::Faults;
use crate::logging::{AccessLog, Ration};
use crate::metrics::{Metrics, ModelMetrics, RouteMetrics};
use crate::upstream::{Carrier, Upstream, UpstreamError};

/// What calls are served by. Replaced whole on reload; a call keeps the one it arrived in.
pub struct Catalog {
    /// Who is healthy.
    pub topology: Arc<Topology>,
    /// Caps on what is taken from applications and upstreams.
    pub limits: Limits,
    /// Which calls get a line in the access log.
    pub access: Option<AccessLog>,
    /// How many lines may be written about requests that never became calls. Kept over reloads.
    pub unrouted_lines: Arc<Ration>,
    upstreams: Vec<Arc<Upstream>>,
    models: Vec<ModelPlan>,
    routes: Vec<RoutePlan>,
}

/// The catalog in force.
pub type SharedCatalog = Arc<ArcSwap<Catalog>>;

/// How one upstream model is asked.
pub struct ModelPlan {
    /// Its name in the configuration.
    pub id: ModelId,
    /// Its live facts.
    pub cell: Arc<Cell>,
    /// Who serves it.
    pub upstream: Arc<Upstream>,
    /// What it costs, when known.
    pub price: Option<Price>,
    /// Where its figures go.
    pub metrics: Arc<ModelMetrics>,
    name: UpstreamName,
    overrides: CapabilityOverrides,
    /// A target per dialect that the provider speaks, ready made; none when the name is the caller's.
    exact: Vec<Arc<Target>>,
}

/// How calls of one route are served.
pub struct RoutePlan {
    /// The pattern, as configured.
    pub pattern: Arc<str>,
    /// Longest time from arrival to the beginning of the answer.
    pub deadline: Duration,
    /// Longest wait for the first meaningful event of one attempt.
    pub first_token_timeout: Duration,
    /// Longest silence inside an answer.
    pub stall_timeout: Duration,
    /// How long the caller of a stream waits before it gets a head and signs of life; zero for as long as it takes.
    pub hold: Duration,
    /// Longest Retry-After that is waited for in place.
    pub retry_after_wait: Duration,
    /// Attempts per call, the first included.
    pub max_attempts: usize,
    /// Whether a target may be asked again after a failure that is likely to pass.
    pub retry: bool,
    /// How many calls may be hedged, beside what the route's budget allows; nothing when none may. Kept over reloads
    /// unless its policy changed.
    pub hedges: Option<Arc<Budget>>,
    /// Whether another target goes on with a stream that breaks.
    pub rescue: bool,
    /// What happens to features that a target would drop.
    pub on_lossy: OnLossy,
    /// Where its figures go.
    pub metrics: Arc<RouteMetrics>,
    /// How many lines may be written about its calls. Kept over reloads.
    pub lines: Arc<Ration>,
}

/// Why a configuration cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The shape contradicts itself.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A provider is unusable.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl Catalog {
    /// Makes `config` ready. Cells, budgets and connections of `previous` live on where their names are the same.
    /// `road` leads to the providers.
    ///
    /// # Errors
    /// When a provider's key or trust store is unusable.
    pub fn build(
        config: &Config,
        metrics: &Metrics,
        previous: Option<&Catalog>,
        road: (&Carrier, &Arc<Faults>),
    ) -> Result<Catalog, CatalogError> {
        let topology = Topology::build(shape(config), previous.map(|old| &*old.topology))?;
        let upstreams = upstreams(config, previous, road)?;
        let models = models(config, &topology, &upstreams, metrics);
        let old = |pattern: &str| previous?.routes.iter().find(|route| *route.pattern == *pattern);
        let routes =
            config.routes.iter().map(|route| RoutePlan::new(route, metrics, old(&route.pattern))).collect();
        Ok(Catalog {
            topology: Arc::new(topology),
            limits: config.limits,
            access: config.log.access.as_ref().map(AccessLog::new),
            unrouted_lines: previous.map(|old| old.unrouted_lines.clone()).unwrap_or_default(),
            upstreams,
            models,
            routes,
        })
    }

    /// The model at `index`, which must come from this catalog's topology.
    #[must_use]
    pub fn model(&self, index: ModelIndex) -> &ModelPlan {
        &self.models[index.get()]
    }

    /// Every model, in the order of the configuration.
    #[must_use]
    pub fn models(&self) -> &[ModelPlan] {
        &self.models
    }

    /// The route at `index`, which must come from this catalog's topology.
    #[must_use]
    pub fn route(&self, index: RouteIndex) -> &RoutePlan {
        &self.routes[index.get()]
    }

    /// Every route, in the order of the configuration.
    #[must_use]
    pub fn routes(&self) -> &[RoutePlan] {
        &self.routes
    }

    /// Every provider, in the order of the configuration.
    #[must_use]
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The provider of a model.
    #[must_use]
    pub fn provider_of(&self, model: ModelIndex) -> ProviderIndex {
        self.topology.models[model.get()].provider
    }
}

fn shape(config: &Config) -> Shape {
    let provider = |index: usize| &*config.providers[index].id;
    let models = config.models.iter().map(|model| ModelShape {
        id: ModelId::from(&*model.id),
        provider: provider(model.provider).into(),
        policy: model.policy.clone(),
        max_concurrency: model.max_concurrency,
    });
    Shape {
        providers: config
            .providers
            .iter()
            .map(|p| ProviderShape { id: (&*p.id).into(), credentials: 1 })
            .collect(),
        models: models.collect(),
        routes: config.routes.iter().map(|route| route_shape(route, &config.models)).collect(),
    }
}

fn route_shape(route: &RouteConfig, models: &[ModelConfig]) -> RouteShape {
    let target = |target: &crate::config::TargetConfig| TargetShape {
        model: ModelId::from(&*models[target.model].id),
        weight: target.weight,
    };
    RouteShape {
        pattern: route.pattern.as_str().into(),
        targets: route.targets.iter().map(target).collect(),
        budget: budget(route.retry_budget),
    }
}

const fn budget(budget: RetryBudget) -> BudgetPolicy {
    BudgetPolicy { ratio: budget.ratio, reserve_per_second: budget.reserve_per_second }
}

fn upstreams(
    config: &Config,
    previous: Option<&Catalog>,
    road: (&Carrier, &Arc<Faults>),
) -> Result<Vec<Arc<Upstream>>, UpstreamError> {
    let old = |id: &str| previous?.upstreams.iter().find(|upstream| *upstream.id == *id);
    let room = |index: usize| {
        let models = config.models.iter().filter(|model| model.provider == index);
        models.map(|model| model.max_concurrency as usize).sum::<usize>()
    };
    let providers = config.providers.iter().enumerate();
    providers
        .map(|(index, provider)| {
            let old = old(&provider.id).map(|upstream| &**upstream);
            Upstream::build(provider, room(index), old, road).map(Arc::new)
        })
        .collect()
}

fn models(
    config: &Config,
    topology: &Topology,
    upstreams: &[Arc<Upstream>],
    metrics: &Metrics,
) -> Vec<ModelPlan> {
    let entries = config.models.iter().zip(&topology.models);
    entries
        .map(|(model, entry)| {
            let mut plan = ModelPlan {
                id: entry.id.clone(),
                cell: entry.cell.clone(),
                upstream: upstreams[model.provider].clone(),
                price: model.price,
                metrics: metrics.model(&config.providers[model.provider].id, &model.id),
                name: model.model.clone(),
                overrides: model.capabilities.clone(),
                exact: Vec::new(),
            };
            plan.exact = plan.ready_made();
            plan
        })
        .collect()
}

// === impl ModelPlan ===

impl ModelPlan {
    /// The model as a target for a caller that asked for `requested` in `dialect`: in the caller's own dialect
    /// when the provider speaks it, else in the provider's first.
    #[must_use]
    pub fn target(&self, dialect: Dialect, requested: &str) -> Arc<Target> {
        let spoken = if self.upstream.speaks(dialect) { dialect } else { self.upstream.dialects[0] };
        let ready = self.exact.iter().find(|target| target.dialect == spoken);
        ready.cloned().unwrap_or_else(|| Arc::new(self.named(spoken, self.name.for_caller(requested))))
    }

    /// The model as its probes ask for it.
    #[must_use]
    pub fn probed(&self) -> Target {
        self.named(self.upstream.dialects[0], self.name.for_probe())
    }

    fn ready_made(&self) -> Vec<Arc<Target>> {
        let UpstreamName::Exact(name) = &self.name else { return Vec::new() };
        self.upstream.dialects.iter().map(|dialect| Arc::new(self.named(*dialect, name))).collect()
    }

    fn named(&self, dialect: Dialect, name: &str) -> Target {
        let flavor = self.upstream.flavor;
        let capabilities = Capabilities::preset(flavor, name).with(&self.overrides);
        Target { dialect, flavor, model: name.to_owned(), capabilities }
    }
}

// === impl RoutePlan ===

impl RoutePlan {
    fn new(route: &RouteConfig, metrics: &Metrics, previous: Option<&RoutePlan>) -> RoutePlan {
        let policy = budget(route.hedge_budget);
        let kept = previous.and_then(|old| old.hedges.clone()).filter(|old| old.policy() == policy);
        RoutePlan {
            pattern: route.pattern.as_str().into(),
            deadline: route.deadline,
            first_token_timeout: route.first_token_timeout,
            stall_timeout: route.stall_timeout,
            hold: route.hold,
            retry_after_wait: route.retry_after_wait,
            max_attempts: route.max_attempts,
            retry: route.retry,
            hedges: route.hedge.then(|| kept.unwrap_or_else(|| Arc::new(Budget::new(policy)))),
            rescue: route.rescue,
            on_lossy: route.on_lossy,
            metrics: metrics.route(&route.pattern),
            lines: previous.map(|old| old.lines.clone()).unwrap_or_default(),
        }
    }
}
