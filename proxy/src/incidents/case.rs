//! One incident while Sidestep works on it.

use std::sync::Arc;

use sidestep_table::{FULL_SHARE, ModelView, Moment, ProviderView, SwitchKind, Verdict};

use super::name::shortened;
use super::record::{Calls, Evidence, Extra, Incident, ModelPart, Scope};
use super::{Change, Update};
use crate::clock::Reading;
use crate::journal::Entry;

/// A model that the configuration no longer has.
const REMOVED: &str = "removed";
/// Longest title in characters.
const TITLE: usize = 200;
/// Models that a title names.
const NAMED: usize = 3;

/// What the judge says of one provider at one moment.
pub(super) struct Sight<'a> {
    /// `None` when the configuration has it no longer.
    pub(super) provider: Option<&'a ProviderView>,
    /// Its models.
    pub(super) models: Vec<&'a ModelView>,
}

/// One incident under way, or ended a moment ago.
pub(super) struct Case {
    pub(super) incident: Incident,
    /// What the moments of this incident are told by: its times must not jump with the wall clock.
    anchor: Reading,
    /// When it ended; it may come back.
    pub(super) ended: Option<Moment>,
    news: Option<Change>,
    published: Arc<Incident>,
}

// === impl Sight ===

impl Sight<'_> {
    /// Something is ill, given up or taken out of service.
    pub(super) fn is_trouble(&self) -> bool {
        self.is_open()
            || self.refuses()
            || self.models.iter().any(|model| is_sick(model) || is_disabled(model))
    }

    fn is_open(&self) -> bool {
        self.provider.is_some_and(|provider| provider.verdict == Verdict::Open)
    }

    /// A credential of ours was given up.
    fn refuses(&self) -> bool {
        self.provider.is_some_and(|provider| !provider.refused_credentials.is_empty())
    }
}

/// Given up, or not yet back. A model that is only degraded is not: it may give up a little of its traffic for hours.
fn is_sick(model: &ModelView) -> bool {
    model.masked || !matches!(model.measured, Verdict::Healthy | Verdict::Degraded)
}

fn is_disabled(model: &ModelView) -> bool {
    model.switch.as_ref().is_some_and(|switch| switch.kind == SwitchKind::Disable)
}

fn is_well(model: &ModelView) -> bool {
    let full = model.share == FULL_SHARE && !model.masked;
    full && model.measured == Verdict::Healthy && !is_disabled(model)
}

/// What evidence says, under the provider's mask.
fn measured(model: &ModelView) -> Verdict {
    if model.masked { Verdict::Open } else { model.measured }
}

fn badness(verdict: &str) -> usize {
    let order = ["healthy", "disabled", "degraded", "ramping", "half_open", "open"];
    order.iter().position(|known| *known == verdict).unwrap_or(0)
}

// === impl Case ===

impl Case {
    /// Trouble at `provider` begins. `name` makes its id from the second in which it began.
    pub(super) fn open(
        provider: &str,
        sight: &Sight<'_>,
        now: Reading,
        name: impl Fn(f64) -> String,
    ) -> Case {
        let mut case = Case::new(blank(provider, now.unix_seconds()), now);
        case.see(sight, now);
        let began = case.incident.models.iter().map(|part| part.since).fold(now.unix_seconds(), f64::min);
        case.incident.started = began;
        case.incident.id = name(began);
        case.news = Some(Change::Opened);
        case
    }

    pub(super) fn new(incident: Incident, anchor: Reading) -> Case {
        let published = Arc::new(incident.clone());
        Case { incident, anchor, ended: None, news: None, published }
    }

    pub(super) fn is_open(&self) -> bool {
        self.incident.ended.is_none()
    }

    /// The trouble is back so soon that it is the same.
    pub(super) fn relapse(&mut self) {
        self.incident.ended = None;
        self.incident.relapses += 1;
        self.ended = None;
        self.news = Some(Change::Opened);
    }

    /// Takes in what the judge says now, and ends when all is well.
    pub(super) fn see(&mut self, sight: &Sight<'_>, now: Reading) {
        for model in &sight.models {
            let known = self.incident.models.iter().position(|part| part.id == *model.id);
            match known {
                Some(at) => self.follow(at, model),
                None if is_sick(model) || is_disabled(model) => self.join(model, sight),
                None => {}
            }
        }
        let mut over = !sight.refuses() && !sight.is_open();
        for part in &mut self.incident.models {
            match sight.models.iter().find(|model| part.id == *model.id) {
                Some(model) => over &= is_well(model),
                None => part.verdict = REMOVED.to_owned(),
            }
        }
        self.name(sight);
        if over && self.is_open() {
            self.end(now);
        }
    }

    fn end(&mut self, now: Reading) {
        self.incident.ended = Some(self.time(now.now()));
        self.ended = Some(now.now());
        self.news = Some(Change::Ended);
    }

    fn follow(&mut self, at: usize, model: &ModelView) {
        let part = &mut self.incident.models[at];
        let found = measured(model).as_str();
        if badness(found) > badness(&part.worst) {
            found.clone_into(&mut part.worst);
        }
        part.verdict = shown(model);
        part.evidence.failure_ratio = worse(part.evidence.failure_ratio, model.failure_ratio);
    }

    fn join(&mut self, model: &ModelView, sight: &Sight<'_>) {
        let provider = sight.provider.filter(|_| model.masked);
        let (since, why) = match (&model.switch, provider) {
            _ if is_sick(model) && !model.masked => (model.since, model.why.clone()),
            (_, Some(provider)) => (provider.since, provider.why.clone()),
            (Some(switch), None) => {
                (switch.set_at, format!("disabled by {}: {}", switch.actor, switch.reason))
            }
            (None, None) => (model.since, model.why.clone()),
        };
        let worst = if is_sick(model) { measured(model) } else { Verdict::Disabled };
        self.incident.join(ModelPart {
            id: model.id.to_string(),
            provider: model.provider.to_string(),
            worst: worst.as_str().to_owned(),
            verdict: shown(model),
            since: self.time(since),
            why,
            evidence: Evidence { failure_ratio: model.failure_ratio, ..Evidence::default() },
        });
    }

    /// How far it reaches, and what it is called. A reach that was known stays: it only grows.
    fn name(&mut self, sight: &Sight<'_>) {
        let incident = &mut self.incident;
        let sick: Vec<_> =
            incident.models.iter().filter(|part| part.worst != "disabled").map(|part| &*part.id).collect();
        let reach = match sick.len() {
            _ if sight.refuses() => Scope::Credential,
            2.. => Scope::Provider,
            _ if sight.is_open() => Scope::Provider,
            1 => Scope::Model,
            _ => Scope::Operator,
        };
        if incident.scope < reach && incident.scope != Scope::Credential {
            incident.scope = reach;
        }
        let provider = incident.providers.first().map_or("", |provider| provider);
        let title = match incident.scope {
            Scope::Provider => format!("{provider}: provider-wide trouble ({})", listed(&sick)),
            Scope::Credential => format!("{provider}: a credential is refused"),
            Scope::Model => format!("{provider}: trouble with {}", listed(&sick)),
            Scope::Operator | Scope::Route => {
                let first = incident.models.first();
                let why = first.map_or("disabled", |part| &*part.why);
                let all: Vec<_> = incident.models.iter().map(|part| &*part.id).collect();
                format!("{provider}: {} {why}", listed(&all))
            }
        };
        incident.title = shortened(&title, TITLE);
    }

    /// Adds a decision.
    pub(super) fn decide(&mut self, entry: Entry) {
        self.incident.decide(entry);
    }

    /// What is new since this was last asked.
    pub(super) fn update(&mut self, now: Reading) -> Option<Update> {
        if self.news.is_none() && self.incident == *self.published {
            return None;
        }
        self.incident.updated = self.time(now.now());
        self.published = Arc::new(self.incident.clone());
        let change = self.news.take().unwrap_or(Change::Changed);
        Some(Update { change, incident: self.published.clone() })
    }

    /// A moment in seconds since 1970, never before the beginning.
    fn time(&self, moment: Moment) -> f64 {
        let unix = self.anchor.unix(moment);
        if self.incident.id.is_empty() { unix } else { unix.max(self.incident.started) }
    }
}

fn blank(provider: &str, now: f64) -> Incident {
    Incident {
        id: String::new(),
        title: String::new(),
        scope: Scope::Operator,
        started: now,
        ended: None,
        updated: now,
        providers: [provider.to_owned()].into(),
        models: Vec::new(),
        models_omitted: 0,
        decisions: Vec::new(),
        omitted: 0,
        calls: Calls::default(),
        extra: Extra::default(),
        rehearsal: false,
        relapses: 0,
        interrupted: false,
    }
}

fn shown(model: &ModelView) -> String {
    let shown = if is_disabled(model) { Verdict::Disabled } else { measured(model) };
    shown.as_str().to_owned()
}

fn worse(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.zip(other).map(|(one, other)| one.max(other)).or(one).or(other)
}

fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}
