//! One incident while Sidestep works on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sidestep_table::{ModelView, Moment, Verdict};

use super::accounts::{Account, Accounts};
use super::name::shortened;
use super::record::{Calls, Evidence, Extra, Incident, ModelPart, Scope, worse};
use super::sight::{Sight, is_disabled, is_sick, is_well, measured, shown};
use super::{Change, Update};
use crate::clock::Reading;
use crate::journal::{Entry, Kind};

/// Trouble that is back this soon after the end is the same incident: what returns in a minute never left.
pub(super) const RELAPSE: Duration = Duration::from_secs(60);
/// The same after a restart, for what was known of the models was lost and has to be found out again.
const RESTART: Duration = Duration::from_secs(300);
/// An open incident is told anew at least this often, so that its record says until when it is known to have lasted.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// Longest reason that is kept, in characters.
const WHY: usize = 400;
/// A model that the configuration no longer has.
const REMOVED: &str = "removed";
/// Longest title in characters.
const TITLE: usize = 200;
/// Models that a title names.
const NAMED: usize = 3;

/// One incident under way, or ended a moment ago.
pub(super) struct Case {
    pub(super) incident: Incident,
    /// What the moments of this incident are told by: its times must not jump with the wall clock.
    anchor: Reading,
    /// It has ended, and until then it may come back.
    pub(super) until: Option<Moment>,
    news: Option<Change>,
    counted: BTreeMap<String, Counted>,
    /// What an earlier process had counted.
    carried: (Calls, Extra),
    published: Arc<Incident>,
    told: Moment,
}

/// What one model is counted from.
struct Counted {
    /// Its counters a minute or two before it joined.
    before: Account,
    /// The same when it did.
    joined: Account,
    /// What was known until then.
    evidence: Evidence,
}

/// Verdicts in the order in which they worry.
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
        let mut case = Case::new(Incident::blank(now.unix_seconds()), now);
        case.incident.providers.insert(provider.to_owned());
        case.see(sight, now);
        let began = case.incident.models.iter().map(|part| part.since).fold(now.unix_seconds(), f64::min);
        case.incident.started = began;
        case.incident.id = name(began);
        case.news = Some(Change::Opened);
        case
    }

    pub(super) fn new(incident: Incident, anchor: Reading) -> Case {
        let published = Arc::new(incident.clone());
        let (carried, counted) = ((incident.calls, incident.extra), BTreeMap::new());
        Case { incident, anchor, until: None, news: None, counted, carried, published, told: anchor.now() }
    }

    /// An incident that was under way when an earlier process ended. It ended with what was last known of it, unless
    /// the trouble is found again soon.
    pub(super) fn resume(mut incident: Incident, now: Reading) -> Case {
        incident.ended = Some(incident.updated.max(incident.started));
        incident.interrupted = true;
        incident.decide(Entry {
            seq: 0,
            at: now.unix_seconds(),
            kind: Kind::Process,
            subject: "sidestep".to_owned(),
            from: None,
            to: None,
            why: "Sidestep was restarted; what it knew of the models was lost, so the end is when this record was \
                  last kept"
                .to_owned(),
            actor: None,
        });
        let mut case = Case::new(incident, now);
        case.news = Some(Change::Ended);
        case.until = Some(now.now() + RESTART);
        case
    }

    pub(super) fn is_open(&self) -> bool {
        self.incident.ended.is_none()
    }

    /// The trouble is back so soon that it is the same.
    pub(super) fn relapse(&mut self) {
        self.incident.ended = None;
        self.incident.relapses += 1;
        self.until = None;
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

    /// It is news that it begins.
    pub(super) fn begins(&mut self) {
        self.news = Some(Change::Opened);
    }

    /// All is well again.
    pub(super) fn end(&mut self, now: Reading) {
        self.incident.ended = Some(self.time(now.now()));
        self.until = Some(now.now() + RELAPSE);
        self.news = Some(Change::Ended);
    }

    fn follow(&mut self, at: usize, model: &ModelView) {
        let part = &mut self.incident.models[at];
        let found = measured(model).as_str();
        if badness(found) > badness(&part.worst) {
            found.clone_into(&mut part.worst);
        }
        part.verdict = shown(model);
        let ratio = Evidence { failure_ratio: model.failure_ratio, ..Evidence::default() };
        part.evidence = std::mem::take(&mut part.evidence).plus(&ratio);
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
            why: shortened(&why, WHY),
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

    /// Whether it counts the calls of this model.
    pub(super) fn holds(&self, model: &str) -> bool {
        self.counted.contains_key(model)
    }

    /// Counts calls, cost and evidence by the models' counters.
    pub(super) fn count(&mut self, accounts: &Accounts) {
        let (mut calls, mut extra) = self.carried;
        for part in &mut self.incident.models {
            let Some(now) = accounts.now(&part.id) else { continue };
            let counted = self.counted.entry(part.id.clone()).or_insert_with(|| Counted {
                before: accounts.before(&part.id).unwrap_or(now).clone(),
                joined: now.clone(),
                evidence: part.evidence.clone(),
            });
            calls = calls.plus(now.calls_since(&counted.before));
            extra = extra.plus(now.extra_since(&counted.before, &counted.joined));
            let times = Evidence {
                failure_ratio: part.evidence.failure_ratio,
                first_token_p95_before: counted.before.first_token,
                first_token_p95_worst: worse(part.evidence.first_token_p95_worst, now.first_token),
                ..now.evidence_since(&counted.before)
            };
            part.evidence = counted.evidence.clone().plus(&times);
        }
        (self.incident.calls, self.incident.extra) = (calls, extra);
    }

    /// Adds a decision.
    pub(super) fn decide(&mut self, entry: Entry) {
        self.incident.decide(Entry { why: shortened(&entry.why, WHY), ..entry });
    }

    /// Trouble that begins while faults are injected is taken for theirs.
    pub(super) fn note_rehearsal(&mut self, rehearsed: impl Fn() -> bool) {
        let begins = self.news == Some(Change::Opened);
        self.incident.rehearsal |= begins && rehearsed();
    }

    /// What is new since this was last asked.
    pub(super) fn update(&mut self, now: Reading) -> Option<Update> {
        let silent = self.is_open() && now.now().saturating_since(self.told) >= HEARTBEAT;
        if self.news.is_none() && !silent && self.incident == *self.published {
            return None;
        }
        self.told = now.now();
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

fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}
