//! The immutable shape of a configuration: who exists, and where a name leads.

use std::{collections::HashMap, ops::Index, sync::Arc};

use crate::{
    budget::Budget,
    cell::{Cell, MAX_CREDENTIALS},
    identity::{ModelId, ModelIndex, ProviderId, ProviderIndex, RouteIndex},
    pattern,
    policy::Policy,
    provider::ProviderCell,
    shape::{ModelShape, ProviderShape, RouteShape, Shape, ShapeError},
};

/// A resolved shape with the cells that carry its live facts. Replaced whole on reload.
#[derive(Debug)]
pub struct Topology {
    /// Grows by one with every reload.
    pub generation: u64,
    /// All providers.
    pub providers: Vec<ProviderEntry>,
    /// All models.
    pub models: Vec<ModelEntry>,
    /// All routes.
    pub routes: Vec<RouteEntry>,
    model_names: HashMap<ModelId, ModelIndex>,
    provider_names: HashMap<ProviderId, ProviderIndex>,
}

/// One provider.
#[derive(Debug)]
pub struct ProviderEntry {
    /// Its name.
    pub id: ProviderId,
    /// Its live facts, kept over reloads.
    pub cell: Arc<ProviderCell>,
    /// Its models.
    pub models: Vec<ModelIndex>,
    /// How many credentials it has.
    pub credentials: u32,
}

/// One model.
#[derive(Debug)]
pub struct ModelEntry {
    /// Its name.
    pub id: ModelId,
    /// Whose it is.
    pub provider: ProviderIndex,
    /// Its live facts, kept over reloads.
    pub cell: Arc<Cell>,
    /// When it is given up and taken back.
    pub policy: Arc<Policy>,
    /// How many requests may be under way at once.
    pub max_concurrency: u32,
}

/// One route.
#[derive(Debug)]
pub struct RouteEntry {
    /// A model name, where `*` stands for any characters.
    pub pattern: Arc<str>,
    /// Where it leads, most wanted first.
    pub targets: Vec<TargetEntry>,
    /// What it may spend on extra attempts; kept over reloads unless its policy changed.
    pub budget: Arc<Budget>,
}

/// One target of a route.
#[derive(Clone, Copy, Debug)]
pub struct TargetEntry {
    /// The model.
    pub model: ModelIndex,
    /// Its part among the weighted targets of the route.
    pub weight: Option<u32>,
}

// === impl Topology ===

impl Topology {
    /// Resolves `shape`. Cells and budgets of `previous` are carried over by name, so that what is known
    /// survives a reload; [`Ledger::replace`](crate::Ledger::replace) then applies the new settings.
    ///
    /// # Errors
    /// [`ShapeError`] names the first thing that is defined twice, missing or impossible.
    pub fn build(shape: Shape, previous: Option<&Self>) -> Result<Self, ShapeError> {
        let mut topology = Self {
            generation: previous.map_or(1, |old| old.generation + 1),
            providers: Vec::with_capacity(shape.providers.len()),
            models: Vec::with_capacity(shape.models.len()),
            routes: Vec::with_capacity(shape.routes.len()),
            model_names: HashMap::new(),
            provider_names: HashMap::new(),
        };
        for provider in shape.providers {
            topology.add_provider(provider, previous)?;
        }
        for model in shape.models {
            topology.add_model(model, previous)?;
        }
        for route in shape.routes {
            topology.add_route(route, previous)?;
        }
        Ok(topology)
    }

    /// The model of this name.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<ModelIndex> {
        self.model_names.get(id).copied()
    }

    /// The provider of this name.
    #[must_use]
    pub fn provider(&self, id: &str) -> Option<ProviderIndex> {
        self.provider_names.get(id).copied()
    }

    /// The route for a model name as the application says it: an exact pattern, else the glob with the
    /// most literal characters, else the first of those.
    #[must_use]
    pub fn route_for(&self, name: &str) -> Option<RouteIndex> {
        let exact = self.routes.iter().position(|route| &*route.pattern == name);
        let glob = || {
            let matching = self.routes.iter().enumerate().rev();
            matching
                .filter(|(_, route)| pattern::matches(&route.pattern, name))
                .max_by_key(|(_, route)| pattern::literal_length(&route.pattern))
                .map(|(index, _)| index)
        };
        exact.or_else(glob).map(RouteIndex::new)
    }

    /// The pattern that `name` was most likely meant to match, for an error message; `None` when
    /// nothing is near.
    #[must_use]
    pub fn nearest_route(&self, name: &str) -> Option<&str> {
        let distance = |route: &&RouteEntry| pattern::distance(&route.pattern, name);
        let nearest = self.routes.iter().min_by_key(distance)?;
        (distance(&nearest) * 2 <= name.chars().count()).then_some(&*nearest.pattern)
    }

    fn add_provider(&mut self, shape: ProviderShape, previous: Option<&Self>) -> Result<(), ShapeError> {
        if shape.credentials == 0 || shape.credentials as usize > MAX_CREDENTIALS {
            return Err(ShapeError::Credentials { provider: shape.id, credentials: shape.credentials });
        }
        let index = ProviderIndex::new(self.providers.len());
        if self.provider_names.insert(shape.id.clone(), index).is_some() {
            return Err(ShapeError::Duplicate { kind: "provider", name: shape.id.to_string() });
        }
        let kept = previous.and_then(|old| Some(Arc::clone(&old[old.provider(&shape.id)?].cell)));
        let cell = kept.unwrap_or_else(|| Arc::new(ProviderCell::new(shape.id.clone())));
        let credentials = shape.credentials;
        self.providers.push(ProviderEntry { id: shape.id, cell, models: Vec::new(), credentials });
        Ok(())
    }

    fn add_model(&mut self, shape: ModelShape, previous: Option<&Self>) -> Result<(), ShapeError> {
        let ModelShape { id, provider, policy, max_concurrency } = shape;
        let Some(owner) = self.provider(&provider) else {
            return Err(ShapeError::UnknownProvider { model: id, provider });
        };
        let index = ModelIndex::new(self.models.len());
        if self.model_names.insert(id.clone(), index).is_some() {
            return Err(ShapeError::Duplicate { kind: "model", name: id.to_string() });
        }
        let credentials = self.providers[owner.get()].credentials;
        let kept = previous.and_then(|old| {
            let entry = &old[old.model(&id)?];
            // The same name at another provider is another model.
            (old[entry.provider].id == provider).then(|| Arc::clone(&entry.cell))
        });
        let cell = kept.unwrap_or_else(|| Arc::new(Cell::new(id.clone(), max_concurrency, credentials)));
        self.providers[owner.get()].models.push(index);
        self.models.push(ModelEntry { id, provider: owner, cell, policy, max_concurrency });
        Ok(())
    }

    fn add_route(&mut self, shape: RouteShape, previous: Option<&Self>) -> Result<(), ShapeError> {
        let route = || shape.pattern.to_string();
        if self.routes.iter().any(|other| other.pattern == shape.pattern) {
            return Err(ShapeError::Duplicate { kind: "route", name: route() });
        }
        if shape.targets.is_empty() {
            return Err(ShapeError::NoTargets { route: route() });
        }
        let mut targets = Vec::with_capacity(shape.targets.len());
        for target in shape.targets {
            let Some(model) = self.model(&target.model) else {
                return Err(ShapeError::UnknownModel { route: route(), model: target.model });
            };
            if targets.iter().any(|known: &TargetEntry| known.model == model) {
                let name = format!("{}` in route `{}", target.model, route());
                return Err(ShapeError::Duplicate { kind: "target", name });
            }
            targets.push(TargetEntry { model, weight: target.weight });
        }
        let old = previous.and_then(|old| old.routes.iter().find(|old| old.pattern == shape.pattern));
        let kept = old.filter(|old| old.budget.policy() == shape.budget).map(|old| Arc::clone(&old.budget));
        let budget = kept.unwrap_or_else(|| Arc::new(Budget::new(shape.budget)));
        self.routes.push(RouteEntry { pattern: shape.pattern, targets, budget });
        Ok(())
    }
}

impl Index<ModelIndex> for Topology {
    type Output = ModelEntry;

    fn index(&self, index: ModelIndex) -> &ModelEntry {
        &self.models[index.get()]
    }
}

impl Index<ProviderIndex> for Topology {
    type Output = ProviderEntry;

    fn index(&self, index: ProviderIndex) -> &ProviderEntry {
        &self.providers[index.get()]
    }
}

impl Index<RouteIndex> for Topology {
    type Output = RouteEntry;

    fn index(&self, index: RouteIndex) -> &RouteEntry {
        &self.routes[index.get()]
    }
}
