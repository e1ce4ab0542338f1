//! Our configuration, before it is written.

use super::{
    deployment::{Deployment, Traits, deployments},
    document::{Document, Spot},
    finding::Findings,
    groups::{Groups, weights},
    names,
    settings::Settings,
    upstream::Provider,
    wildcard::{Asked, matches},
};
use crate::config::preset::Preset;

/// Our configuration.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// By name.
    pub(super) providers: Vec<(String, Provider)>,
    pub(super) models: Vec<Model>,
    pub(super) routes: Vec<Route>,
    /// Failures in a row that open a model.
    pub(super) failures: Option<u32>,
    /// Milliseconds.
    pub(super) cooldown: Option<u64>,
    pub(super) json_logs: bool,
}

/// One of `models:`.
#[derive(Debug, PartialEq)]
pub(super) struct Model {
    pub(super) id: String,
    /// Index of the provider.
    pub(super) provider: usize,
    pub(super) asked: Asked,
    /// What it is probed with, where it is asked for as it comes.
    pub(super) probe: Option<String>,
    pub(super) traits: Traits,
}

/// One of `routes:`.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) pattern: String,
    /// Index of the model, and weight.
    pub(super) targets: Vec<(usize, Option<u32>)>,
    /// Whether all targets are at one provider.
    pub(super) single: bool,
    /// Milliseconds.
    pub(super) deadline: Option<u64>,
    /// Milliseconds.
    pub(super) first_token: Option<u64>,
    pub(super) attempts: Option<usize>,
    /// `false` if nothing shall be repeated in place.
    pub(super) retry: bool,
}

/// A draft in the making.
struct Drafting<'a, 'f> {
    draft: Draft,
    groups: &'a Groups<'a>,
    findings: &'f mut Findings,
}

/// Attempts for one call, unless a route says so.
const USUAL_ATTEMPTS: usize = 4;
const MOST_ATTEMPTS: usize = 10;

/// Seconds as milliseconds, from `least` to `most`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds")]
fn millis(seconds: f64, least: u64, most: u64) -> u64 {
    // Both bounds are far below 2^52.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let (low, high) = (least as f64, most as f64);
    (seconds * 1000.0).round().clamp(low, high) as u64
}

// === impl Draft ===

impl Draft {
    /// What `document` means.
    pub(super) fn of(document: &Document, findings: &mut Findings) -> Self {
        let settings = Settings::of(document, findings);
        let deployments = deployments(document, findings);
        let groups = Groups { deployments: &deployments, settings: &settings };
        let draft = Self {
            // The failure after those that are allowed opens a model.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds")]
            failures: settings.allowed_fails.map(|allowed| (allowed + 1.0).clamp(1.0, 100.0) as u32),
            cooldown: settings.cooldown.map(|seconds| millis(seconds, 100, 3_600_000)),
            json_logs: settings.json_logs,
            ..Self::default()
        };
        let mut patterns: Vec<(&str, &Spot)> = Vec::new();
        let groups_named = deployments.iter().map(|one| (one.group.as_str(), &one.spot));
        let aliases = settings.aliases.iter().map(|(name, _, spot)| (name.as_str(), spot));
        for (pattern, spot) in aliases.chain(groups_named) {
            if !names::is_pattern(pattern) {
                findings.lost(spot, "a route matches no such name.", "give it another name.");
            } else if !patterns.iter().any(|(known, _)| *known == pattern) {
                patterns.push((pattern, spot));
            }
        }
        let mut drafting = Drafting { draft, groups: &groups, findings };
        for (pattern, spot) in patterns {
            drafting.route(pattern, spot);
        }
        unreached(&groups, drafting.findings);
        drafting.draft
    }

    /// Whether a provider or a model has this name.
    fn is_taken(&self, name: &str) -> bool {
        self.models.iter().any(|model| model.id == name) || self.providers.iter().any(|(id, _)| id == name)
    }

    /// The environment variables that it names.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let within = |url: &'_ String| {
            url.strip_prefix("${").and_then(|rest| rest.split_once('}')).map(|(name, _)| name.len())
        };
        let urls = self.providers.iter().filter_map(move |(_, provider)| {
            let url = provider.base_url.as_ref()?;
            within(url).map(|length| &url[2..2 + length])
        });
        self.providers.iter().filter_map(|(_, provider)| provider.key.as_deref()).chain(urls)
    }
}

// === impl Drafting ===

impl Drafting<'_, '_> {
    fn route(&mut self, pattern: &str, spot: &Spot) {
        let mut targets: Vec<(usize, Option<u32>)> = Vec::new();
        let ranks = self.groups.ranks(pattern);
        for (at, rank) in ranks.iter().enumerate() {
            let weights = if at == 0 && rank.len() > 1 { weights(rank) } else { vec![None; rank.len()] };
            self.add(&mut targets, pattern, rank, &weights);
        }
        if targets.is_empty() {
            self.findings.lost(spot, "none of its deployments could be carried over.", "");
            return;
        }
        // Without a share they stand in, after those that have one.
        targets.sort_by_key(|(_, weight)| weight.is_none());
        for fallback in self.groups.fallbacks(pattern) {
            for mut rank in self.groups.ranks(&fallback) {
                let order = weights(&rank);
                let mut by_weight: Vec<_> = rank.drain(..).zip(order).collect();
                by_weight.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
                let rank: Vec<_> = by_weight.into_iter().map(|(one, _)| one).collect();
                self.add(&mut targets, &fallback, &rank, &vec![None; rank.len()]);
            }
        }
        let first = self.draft.models[targets[0].0].provider;
        let (settings, primary) = (self.groups.settings, &ranks[0]);
        let longest =
            |of: fn(&Deployment) -> Option<f64>| primary.iter().filter_map(|one| of(one)).reduce(f64::max);
        let positive = |seconds: &f64| *seconds > 0.0;
        let timeout = longest(|one| one.timeout).or(settings.timeout).filter(positive);
        let stream =
            longest(|one| one.stream_timeout).or(settings.stream_timeout).or(timeout).filter(positive);
        let deadline = timeout.map(|seconds| millis(seconds * 2.0, 2, 30 * 86_400_000));
        self.draft.routes.push(Route {
            pattern: pattern.to_owned(),
            single: targets.iter().all(|(model, _)| self.draft.models[*model].provider == first),
            deadline,
            first_token: stream.map(|seconds| millis(seconds, 1, deadline.unwrap_or(600_000))),
            attempts: (targets.len() > USUAL_ATTEMPTS).then(|| targets.len().min(MOST_ATTEMPTS)),
            retry: settings.retries != Some(0.0),
            targets,
        });
    }

    /// Adds those of `rank` that are not there yet, as they are asked when `name` is asked for.
    fn add(
        &mut self,
        targets: &mut Vec<(usize, Option<u32>)>,
        name: &str,
        rank: &[&Deployment],
        weights: &[Option<u32>],
    ) {
        for (deployment, weight) in rank.iter().zip(weights) {
            let Some(model) = self.model(deployment, name) else { continue };
            match targets.iter_mut().find(|(known, _)| *known == model) {
                // The same place twice in a group has both shares.
                Some((_, Some(known))) if weight.is_some() => {
                    *known = (*known + weight.unwrap_or_default()).min(1_000_000);
                }
                Some(_) => {}
                None => targets.push((model, *weight)),
            }
        }
    }

    /// The index of the model that `deployment` is when `name` is asked for.
    fn model(&mut self, deployment: &Deployment, name: &str) -> Option<usize> {
        let asked = match &deployment.asked {
            // A pattern goes on with what is asked for; one name that it stands for is asked for by that.
            Asked::AsAsked(_) if !name.contains('*') => Asked::Exact(deployment.asked.sent(name)),
            asked => asked.clone(),
        };
        let probe = match asked {
            Asked::AsAsked(_) => Some(self.probe(deployment)?),
            Asked::Exact(_) => None,
        };
        let provider = self.provider(&deployment.provider);
        let known =
            self.draft.models.iter().position(|model| model.provider == provider && model.asked == asked);
        if let Some(known) = known {
            if self.draft.models[known].traits != deployment.traits {
                let why = "another deployment of the same model at the same provider says otherwise; the first one counts.";
                self.findings.changed(&deployment.spot, why, "");
            }
            return Some(known);
        }
        let id = self.free_id(&asked, provider);
        self.draft.models.push(Model { id, provider, asked, probe, traits: deployment.traits });
        Some(self.draft.models.len() - 1)
    }

    /// What a model that is asked for as it comes is probed with; `None`, with a finding, if nothing is known.
    fn probe(&mut self, deployment: &Deployment) -> Option<String> {
        let preset = deployment.provider.preset.and_then(Preset::named);
        let tiers = preset.and_then(|preset| preset.tiers);
        if tiers.is_none() {
            let why = "there is no model at this provider that is known to probe it with.";
            let instead = "write a model with `model: \"*\"` and `probe`.";
            self.findings.lost(&deployment.spot.name("litellm_params").name("model"), why, instead);
        }
        tiers.map(|tiers| tiers.small.to_owned())
    }

    /// The index of the provider.
    fn provider(&mut self, provider: &Provider) -> usize {
        if let Some(known) = self.draft.providers.iter().position(|(_, known)| known.is(provider)) {
            return known;
        }
        let taken = |name: &str| {
            // The name of a preset would bring its address and dialect along.
            let other = Preset::named(name).is_some() && provider.preset != Some(name);
            other || self.draft.is_taken(name)
        };
        let id = names::free(&provider.called, taken);
        self.draft.providers.push((id, provider.clone()));
        self.draft.providers.len() - 1
    }

    fn free_id(&self, asked: &Asked, provider: usize) -> String {
        let provider = &self.draft.providers[provider].0;
        let wanted = match asked {
            Asked::Exact(name) => names::name(name.rsplit('/').next().unwrap_or(name)),
            Asked::AsAsked(_) => names::name(&format!("{provider}-any")),
        };
        let taken = |name: &str| self.draft.is_taken(name);
        let id = if taken(&wanted) { names::name(&format!("{wanted}-{provider}")) } else { wanted };
        names::free(&id, taken)
    }
}

impl Provider {
    /// Whether both are one provider: at one place with one key.
    fn is(&self, other: &Self) -> bool {
        self.preset == other.preset && self.base_url == other.base_url && self.key == other.key
    }
}

/// What `fallbacks:` names and nobody answers to.
fn unreached(groups: &Groups<'_>, findings: &mut Findings) {
    for fallback in &groups.settings.fallbacks {
        for (name, spot) in &fallback.to {
            if groups.members(name).is_empty() {
                findings.lost(spot, "no deployment of that name could be carried over.", "");
            }
        }
        let own = groups.deployments.iter().any(|one| one.group == fallback.of)
            || groups.settings.aliases.iter().any(|(alias, ..)| *alias == fallback.of);
        let pattern =
            groups.deployments.iter().any(|one| one.group.contains('*') && matches(&one.group, &fallback.of));
        if fallback.of != "*" && !own && pattern {
            let why = "the name has no route of its own, only a pattern stands for it.";
            findings.lost(&fallback.spot, why, "write a route for it.");
        }
    }
}
