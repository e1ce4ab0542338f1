//! Incidents as files; `incidents/README.md` describes the form.

use std::time::Duration;

use serde::{Deserialize, Serialize};
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Incident {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) assumed: String,
    pub(crate) ill: Ill,
    #[serde(default)]
    pub(crate) must_not_trip: bool,
    pub(crate) mix: Vec<Value>,
    pub(crate) phases: Vec<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) beside: Option<Beside>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) give_up: Option<GiveUp>,
    #[serde(default)]
    pub(crate) app_bug: f64,
}

/// The provider that falls ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ill {
    Anthropic,
    Openai,
}

/// What befalls the other one of the two meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beside {
    pub(crate) after_minutes: f64,
    pub(crate) mix: Vec<Value>,
    pub(crate) phases: Vec<Phase>,
}

/// Callers who leave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveUp {
    pub(crate) share: f64,
    pub(crate) seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phase {
    pub(crate) minutes: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shortened: Option<f64>,
    pub(crate) fails: Shares,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rising_to: Option<Shares>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mix: Option<Vec<Value>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Shares {
    All(f64),
    Each { big: f64, middle: f64, small: f64 },
}

/// What holds for a while: the share of each model's requests that fail, and how.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Of Anthropic (0) or OpenAI (1).
    pub(crate) provider: usize,
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
        FILES.iter().map(|text| Incident::read(text)).collect()
    }

    /// One of that form.
    pub(crate) fn read(text: &str) -> Incident {
        serde_yaml::from_str(text).unwrap_or_else(|error| panic!("not an incident: {error}"))
    }

    /// Its course, shortened or in full, the ill provider's before the other's.
    pub(crate) fn steps(&self, shortened: bool) -> Vec<Step> {
        let mut steps = course(&self.phases, &self.mix, (self.ill.place(), Duration::ZERO), shortened);
        if let Some(beside) = &self.beside {
            let start = Duration::from_secs_f64(60.0 * beside.after_minutes);
            steps.extend(course(&beside.phases, &beside.mix, (1 - self.ill.place(), start), shortened));
        }
        steps
    }
}

fn course(
    phases: &[Phase],
    mix: &[Value],
    (provider, start): (usize, Duration),
    shortened: bool,
) -> Vec<Step> {
    let mut from = start;
    let mut steps = Vec::new();
    for phase in phases {
        let minutes = phase.shortened.filter(|_| shortened).unwrap_or(phase.minutes);
        let pieces = if phase.rising_to.is_some() { STEPS } else { 1 };
        for piece in 0..pieces {
            let to = from + Duration::from_secs_f64(60.0 * minutes) / pieces;
            let fails = phase.shares(f64::from(piece + 1) / f64::from(STEPS));
            let mix = phase.mix.as_deref().unwrap_or(mix).to_vec();
            steps.push(Step { provider, from, to, fails, mix });
            from = to;
        }
    }
    steps
}

impl Ill {
    /// Its place among the providers.
    pub(crate) fn place(self) -> usize {
        usize::from(self == Ill::Openai)
    }
}

impl Phase {
    fn shares(&self, way: f64) -> [f64; 3] {
        let from = self.fails.each();
        let to = self.rising_to.map_or(from, Shares::each);
        [0, 1, 2].map(|size| from[size] + (to[size] - from[size]) * way)
    }
}

impl Shares {
    fn each(self) -> [f64; 3] {
        match self {
            Shares::All(share) => [share; 3],
            Shares::Each { big, middle, small } => [big, middle, small],
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
