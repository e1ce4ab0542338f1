//! What a configuration describes, before its names are resolved.

use std::sync::Arc;

use crate::{
    budget::BudgetPolicy,
    identity::{ModelId, ProviderId},
    policy::Policy,
};

/// What a configuration describes, before it is resolved.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// All providers.
    pub providers: Vec<ProviderShape>,
    /// All models.
    pub models: Vec<ModelShape>,
    /// All routes, in the order of the file.
    pub routes: Vec<RouteShape>,
}

/// One provider of a [`Shape`].
#[derive(Clone, Debug)]
pub struct ProviderShape {
    /// Its name.
    pub id: ProviderId,
    /// How many credentials it has, 1..=8.
    pub credentials: u32,
}

/// One model of a [`Shape`].
#[derive(Clone, Debug)]
pub struct ModelShape {
    /// Its name.
    pub id: ModelId,
    /// Whose model it is.
    pub provider: ProviderId,
    /// When it is given up and taken back.
    pub policy: Arc<Policy>,
    /// How many requests may be under way at once; at least 1.
    pub max_concurrency: u32,
}

/// One route of a [`Shape`].
#[derive(Clone, Debug)]
pub struct RouteShape {
    /// A model name, where `*` stands for any characters.
    pub pattern: Arc<str>,
    /// Where it leads, most wanted first.
    pub targets: Vec<TargetShape>,
    /// What it may spend on extra attempts.
    pub budget: BudgetPolicy,
}

/// One target of a [`RouteShape`].
#[derive(Clone, Debug)]
pub struct TargetShape {
    /// The model.
    pub model: ModelId,
    /// Its part among the weighted targets of the route; without one it is a fallback, in list order.
    pub weight: Option<u32>,
}

/// Why a shape cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Two of the same name.
    #[error("{kind} `{name}` is defined twice")]
    Duplicate {
        /// `provider`, `model` or `route`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A model names a provider that does not exist.
    #[error("model `{model}` names the provider `{provider}`, which does not exist")]
    UnknownProvider {
        /// The model.
        model: ModelId,
        /// The missing provider.
        provider: ProviderId,
    },
    /// A route names a model that does not exist.
    #[error("route `{route}` names the model `{model}`, which does not exist")]
    UnknownModel {
        /// The route's pattern.
        route: String,
        /// The missing model.
        model: ModelId,
    },
    /// A route leads nowhere.
    #[error("route `{route}` has no targets")]
    NoTargets {
        /// The route's pattern.
        route: String,
    },
    /// None or too many credentials.
    #[error("provider `{provider}` has {credentials} credentials; 1 to 8 are possible")]
    Credentials {
        /// The provider.
        provider: ProviderId,
        /// How many were given.
        credentials: u32,
    },
}
