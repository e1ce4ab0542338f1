//! What the ledger remembers of each model and provider.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    credential::Credentials,
    identity::{ModelId, ProviderId},
    limiter::Limiters,
    moment::Moment,
    provider::ProviderHealth,
    score::Fading,
    surge::Surge,
    topology::{ModelEntry, ProviderEntry, Topology},
    verdict::Health,
};

/// Whose traffic is whose: over about ten minutes.
const TRAFFIC_FADES: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub(super) struct ModelRecord {
    pub(super) health: Health,
    pub(super) limiters: Limiters,
    pub(super) surge: Surge,
    pub(super) traffic: Fading,
    pub(super) refusals: u32,
    pub(super) troubled_at: Option<Moment>,
}

#[derive(Clone, Debug)]
pub(super) struct ProviderRecord {
    pub(super) health: ProviderHealth,
    pub(super) credentials: Credentials,
}

// === impl ModelRecord ===

impl ModelRecord {
    pub(super) fn new(entry: &ModelEntry, now: Moment) -> Self {
        Self {
            health: Health::new(entry.cell.standing().epoch, now),
            limiters: Limiters::default(),
            surge: Surge::new(now),
            traffic: Fading::new(now, TRAFFIC_FADES),
            refusals: 0,
            troubled_at: None,
        }
    }
}

// === impl ProviderRecord ===

impl ProviderRecord {
    pub(super) fn new(entry: &ProviderEntry, now: Moment) -> Self {
        Self { health: ProviderHealth::new(now), credentials: Credentials::new(entry.credentials) }
    }
}

/// A model is the same when its cell is: [`Topology::build`] carries cells over by name and provider.
pub(super) fn carry_models(
    new: &Topology,
    old: &Topology,
    records: Vec<ModelRecord>,
    now: Moment,
) -> Vec<ModelRecord> {
    let mut kept: HashMap<&ModelId, (&ModelEntry, ModelRecord)> =
        old.models.iter().zip(records).map(|(entry, record)| (&entry.id, (entry, record))).collect();
    let carried = new.models.iter().map(|entry| match kept.remove(&entry.id) {
        Some((before, record)) if Arc::ptr_eq(&before.cell, &entry.cell) => record,
        _ => ModelRecord::new(entry, now),
    });
    carried.collect()
}

/// A provider keeps its verdict; its credentials are forgiven, for they may have been replaced.
pub(super) fn carry_providers(
    new: &Topology,
    old: &Topology,
    records: Vec<ProviderRecord>,
    now: Moment,
) -> Vec<ProviderRecord> {
    let mut kept: HashMap<&ProviderId, ProviderHealth> =
        old.providers.iter().zip(records).map(|(entry, record)| (&entry.id, record.health)).collect();
    let carried = new.providers.iter().map(|entry| {
        let fresh = ProviderRecord::new(entry, now);
        match kept.remove(&entry.id) {
            Some(health) => ProviderRecord { health, ..fresh },
            None => fresh,
        }
    });
    carried.collect()
}
