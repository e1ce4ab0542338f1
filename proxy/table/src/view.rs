//! What the ledger knows, for people and machines.

use serde::Serialize;

use crate::{
    identity::{ModelId, ProviderId},
    moment::Moment,
    standing::Verdict,
    switches::Switch,
};

/// Everything, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// When.
    pub at: Moment,
    /// The topology's generation.
    pub generation: u64,
    /// Until when failures that this host may have caused itself are not counted.
    pub frozen_until: Option<Moment>,
    /// All providers, in the order of the configuration.
    pub providers: Vec<ProviderView>,
    /// All models, in the order of the configuration.
    pub models: Vec<ModelView>,
}

/// One provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProviderView {
    /// Its name.
    pub id: ProviderId,
    /// The verdict in force.
    pub verdict: Verdict,
    /// Since when.
    pub since: Moment,
    /// Why.
    pub why: String,
    /// Credentials that it refuses, counted from 0.
    pub refused_credentials: Vec<u32>,
    /// Its own switch.
    pub switch: Option<Switch>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelView {
    /// Its name.
    pub id: ModelId,
    /// Whose it is.
    pub provider: ProviderId,
    /// The verdict in force, switches included.
    pub verdict: Verdict,
    /// The verdict that evidence alone would give.
    pub measured: Verdict,
    /// Since when the measured verdict stands.
    pub since: Moment,
    /// Why.
    pub why: String,
    /// What it may take, permille of its rightful traffic.
    pub share: u16,
    /// Its provider is open.
    pub masked: bool,
    /// The decayed failure score; 3.8 degrades, 9.2 opens.
    pub score: f64,
    /// Failures among the outcomes of the last minute, slow ones counting half; `None` without any.
    pub failure_ratio: Option<f64>,
    /// Outcomes in the last minute, at most 200.
    pub outcomes: usize,
    /// When its cooldown ends.
    pub held_until: Option<Moment>,
    /// Until when it is rate limited or out of quota.
    pub limited_until: Option<Moment>,
    /// How often the cooldown has doubled; falls by one for each ten healthy minutes.
    pub trips: u32,
    /// How often it has opened since it is known.
    pub opened: u64,
    /// Its epoch.
    pub epoch: u32,
    /// Requests under way.
    pub in_flight: u32,
    /// Its probes were answered wrongly.
    pub answers_wrong: bool,
    /// The switch that decides, its own or its provider's.
    pub switch: Option<Switch>,
}
