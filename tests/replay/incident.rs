//! Incidents as files; `incidents/README.md` describes the form.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sidestep_simulator::{Planned, Provider};

const FILES: [&str; 8] = [
    include_str!("incidents/healthy.yaml"),
    include_str!("incidents/openai-2025-06-10.yaml"),
    include_str!("incidents/openai-2024-12-04.yaml"),
    include_str!("incidents/openai-2024-12-11.yaml"),
    include_str!("incidents/anthropic-2026-05-15.yaml"),
    include_str!("incidents/notion-2026-06-07.yaml"),
    include_str!("incidents/quota-429.yaml"),
    include_str!("incidents/client-400-storm.yaml"),
];
/// A share that changes over a phase does so in as many steps.
const STEPS: u32 = 10;

/// One incident.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Incident {
    pub(crate) name: String,
    #[serde(rename = "about")]
    _about: String,
    #[serde(rename = "assumed")]
    _assumed: String,
    pub(crate) ill: Ill,
    #[serde(default)]
    pub(crate) must_not_trip: bool,
    mix: Vec<Value>,
    phases: Vec<Phase>,
    pub(crate) give_up: Option<GiveUp>,
    #[serde(default)]
    pub(crate) app_bug: f64,
}

/// The provider that falls ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ill {
    Anthropic,
    Openai,
}

/// Callers who leave.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveUp {
    pub(crate) share: f64,
    pub(crate) seconds: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phase {
    minutes: f64,
    shortened: Option<f64>,
    fails: Shares,
    rising_to: Option<f64>,
    mix: Option<Vec<Value>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Shares {
    All(f64),
    Each { big: f64, middle: f64, small: f64 },
}

/// What holds for a while: the share of each model's requests that fail, and how.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// From the incident's begin.
    pub(crate) from: Duration,
    /// From the incident's begin.
    pub(crate) to: Duration,
    /// Of the big, the middle and the small model.
    pub(crate) fails: [f64; 3],
    mix: Vec<Value>,
}

impl Incident {
    /// All of them, the healthy run first.
    pub(crate) fn all() -> Vec<Incident> {
        FILES.iter().map(|text| serde_yaml::from_str(text).unwrap()).collect()
    }

    /// Its course, shortened or in full.
    pub(crate) fn steps(&self, shortened: bool) -> Vec<Step> {
        let mut from = Duration::ZERO;
        let mut steps = Vec::new();
        for phase in &self.phases {
            let minutes = phase.shortened.filter(|_| shortened).unwrap_or(phase.minutes);
            let pieces = if phase.rising_to.is_some() { STEPS } else { 1 };
            for piece in 0..pieces {
                let to = from + Duration::from_secs_f64(60.0 * minutes) / pieces;
                let mix = phase.mix.as_ref().unwrap_or(&self.mix).clone();
                steps.push(Step {
                    from,
                    to,
                    fails: phase.share(f64::from(piece + 1) / f64::from(STEPS)),
                    mix,
                });
                from = to;
            }
        }
        steps
    }
}

impl Phase {
    fn share(&self, way: f64) -> [f64; 3] {
        match (self.fails, self.rising_to) {
            (Shares::All(from), Some(to)) => [from + (to - from) * way; 3],
            (Shares::All(share), None) => [share; 3],
            (Shares::Each { big, middle, small }, _) => [big, middle, small],
        }
    }
}

impl Step {
    /// Puts it in force.
    pub(crate) fn apply(&self, provider: &Provider, models: [&str; 3]) {
        for (model, share) in models.into_iter().zip(self.fails) {
            let faults = self.mix.iter().map(|fault| {
                let planned = Planned::from_json(fault.clone()).unwrap();
                let rate = planned.rate * share;
                planned.at_rate(rate)
            });
            provider.faults().set_all(model, faults.filter(|fault| fault.rate > 0.0).collect()).unwrap();
        }
    }
}
