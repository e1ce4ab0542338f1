//! What `/status` says: everything that an operator asks for during an incident, in one JSON object.

use serde::Serialize;
use sidestep_table::{
    FULL_SHARE, ModelEntry, ModelView, ProviderView, RouteEntry, TargetEntry, Topology, View,
};

use super::config_state::ConfigReport;
use super::desk::SwitchReport;
use crate::clock::Reading;
use crate::faults::RehearsalReport;
use crate::incidents::{Calls, Incident, Scope};
use crate::journal::Entry;

/// The whole answer. Times are seconds since 1970, shares and ratios run from 0 to 1.
#[derive(Serialize)]
pub(super) struct Status {
    pub(super) version: &'static str,
    pub(super) at: f64,
    pub(super) uptime_seconds: f64,
    pub(super) ready: bool,
    pub(super) readiness: String,
    pub(super) config: ConfigReport,
    /// Until when failures are not held against models, because this host is suspected itself.
    pub(super) frozen_until: Option<f64>,
    pub(super) providers: Vec<ProviderReport>,
    pub(super) models: Vec<ModelReport>,
    pub(super) routes: Vec<RouteReport>,
    pub(super) switches: Vec<SwitchReport>,
    /// Rehearsals in force.
    pub(super) faults: Vec<RehearsalReport>,
    pub(super) probes: ProbeSpend,
    /// Those under way, newest first; `/incidents/ID` has the whole of each.
    pub(super) incidents: Vec<IncidentReport>,
    /// The latest events, oldest first.
    pub(super) events: Vec<Entry>,
}

#[derive(Serialize)]
pub(super) struct ProviderReport {
    id: String,
    verdict: &'static str,
    since: f64,
    why: String,
    refused_credentials: Vec<u32>,
    switch: Option<SwitchReport>,
}

#[derive(Serialize)]
pub(super) struct ModelReport {
    id: String,
    provider: String,
    verdict: &'static str,
    /// What evidence alone would give.
    measured: &'static str,
    since: f64,
    why: String,
    share: f64,
    /// The whole provider is open.
    masked: bool,
    score: f64,
    failure_ratio: Option<f64>,
    /// Outcomes that the ratio is made of.
    outcomes: usize,
    first_token_p50_seconds: Option<f64>,
    first_token_p95_seconds: Option<f64>,
    held_until: Option<f64>,
    limited_until: Option<f64>,
    trips: u32,
    opened: u64,
    epoch: u32,
    in_flight: u32,
    concurrency_limit: u32,
    answers_wrong: bool,
    switch: Option<SwitchReport>,
}

#[derive(Serialize)]
pub(super) struct RouteReport {
    #[serde(rename = "match")]
    pattern: String,
    /// As calls that any target can answer would try them now.
    order: Vec<TargetReport>,
    retry_budget: BudgetReport,
}

#[derive(Serialize)]
struct TargetReport {
    model: String,
    /// Its place in the configuration, 0 for the first choice.
    place: usize,
    weight: Option<u32>,
    /// Whether ordinary calls go there now.
    eligible: bool,
    share: f64,
}

#[derive(Serialize)]
struct BudgetReport {
    ratio: f64,
    reserve_per_second: f64,
}

/// What probes of the models in force have cost since the process began.
#[derive(Serialize)]
pub(super) struct ProbeSpend {
    pub(super) usd: f64,
    pub(super) tokens: u64,
}

/// An incident under way, in short.
#[derive(Serialize)]
pub(super) struct IncidentReport {
    id: String,
    title: String,
    scope: Scope,
    started: f64,
    rehearsal: bool,
    calls: Calls,
}

impl IncidentReport {
    pub(super) fn of(incident: &Incident) -> Self {
        Self {
            id: incident.id.clone(),
            title: incident.title.clone(),
            scope: incident.scope,
            started: incident.started,
            rehearsal: incident.rehearsal,
            calls: incident.calls,
        }
    }
}

impl ProviderReport {
    pub(super) fn of(view: &ProviderView, now: Reading) -> Self {
        Self {
            id: view.id.to_string(),
            verdict: view.verdict.as_str(),
            since: now.unix(view.since),
            why: view.why.clone(),
            refused_credentials: view.refused_credentials.clone(),
            switch: view.switch.as_ref().map(|switch| SwitchReport::of(switch, now)),
        }
    }
}

impl ModelReport {
    /// `entry` is the model's place in a topology; its figures are live, the view's are the ledger's.
    fn of(view: &ModelView, entry: Option<&ModelEntry>, now: Reading) -> Self {
        let first_token = entry.map(|entry| entry.cell.first_token());
        let seconds = |wait: std::time::Duration| wait.as_secs_f64();
        Self {
            id: view.id.to_string(),
            provider: view.provider.to_string(),
            verdict: view.verdict.as_str(),
            measured: view.measured.as_str(),
            since: now.unix(view.since),
            why: view.why.clone(),
            share: if view.masked { 0.0 } else { share(view.share) },
            masked: view.masked,
            score: view.score,
            failure_ratio: view.failure_ratio,
            outcomes: view.outcomes,
            first_token_p50_seconds: first_token.and_then(|history| history.p50()).map(seconds),
            first_token_p95_seconds: first_token.and_then(|history| history.p95()).map(seconds),
            held_until: view.held_until.map(|until| now.unix(until)),
            limited_until: view.limited_until.map(|until| now.unix(until)),
            trips: view.trips,
            opened: view.opened,
            epoch: view.epoch,
            in_flight: view.in_flight,
            concurrency_limit: entry.map_or(0, |entry| entry.cell.limit()),
            answers_wrong: view.answers_wrong,
            switch: view.switch.as_ref().map(|switch| SwitchReport::of(switch, now)),
        }
    }

    pub(super) fn all(view: &View, topology: &Topology, now: Reading) -> Vec<Self> {
        let entry = |model: &ModelView| topology.model(&model.id).map(|index| &topology[index]);
        view.models.iter().map(|model| Self::of(model, entry(model), now)).collect()
    }
}

impl RouteReport {
    pub(super) fn of(route: &RouteEntry, topology: &Topology) -> Self {
        let mut order: Vec<_> =
            route.targets.iter().enumerate().map(|target| TargetReport::of(target, topology)).collect();
        // Stable: the configured order holds among equals.
        order.sort_by_key(|target| (!target.eligible, std::cmp::Reverse(target.weight.is_some())));
        let budget = route.budget.policy();
        let retry_budget =
            BudgetReport { ratio: budget.ratio, reserve_per_second: budget.reserve_per_second };
        Self { pattern: route.pattern.to_string(), order, retry_budget }
    }
}

impl TargetReport {
    fn of((place, target): (usize, &TargetEntry), topology: &Topology) -> Self {
        let model = &topology[target.model];
        let standing = model.cell.standing();
        Self {
            model: model.id.to_string(),
            place,
            weight: target.weight,
            eligible: standing.is_eligible(),
            share: if standing.masked { 0.0 } else { share(standing.share) },
        }
    }
}

fn share(permille: u16) -> f64 {
    f64::from(permille) / f64::from(FULL_SHARE)
}
