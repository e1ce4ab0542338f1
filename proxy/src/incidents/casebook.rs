//! Which trouble belongs together: pure bookkeeping over what the judge says.

use std::collections::{BTreeMap, VecDeque};

use sidestep_table::{ProviderView, View};

use super::Update;
use super::accounts::Accounts;
use super::case::Case;
use super::name;
use super::record::Incident;
use super::sight::Sight;
use crate::clock::Reading;
use crate::journal::{Entry, Kind};

/// Decisions up to this many seconds before an incident belong to it: they led to it.
const LEAD: f64 = 120.0;
/// Decisions kept in case they lead to an incident.
const LATELY: usize = 64;

/// What there is to know at one moment.
pub(super) struct Look<'a> {
    /// What the judge says.
    pub(super) view: &'a View,
    /// What was noted since the last look.
    pub(super) entries: Vec<Entry>,
    /// What the models' counters say.
    pub(super) accounts: &'a Accounts,
    /// When.
    pub(super) now: Reading,
    /// Whether faults are injected at a provider on purpose.
    pub(super) rehearsed: &'a dyn Fn(&str) -> bool,
}

/// All incidents under way, and those that ended within the last minute: at most one for each provider.
#[derive(Default)]
pub(super) struct Casebook {
    cases: BTreeMap<String, Case>,
    lately: VecDeque<Entry>,
}

// === impl Casebook ===

impl Casebook {
    /// Whether time alone may change something.
    pub(super) fn is_busy(&self) -> bool {
        !self.cases.is_empty()
    }

    /// Takes over what an earlier process left. What was under way then may go on soon.
    pub(super) fn resume(&mut self, incidents: Vec<Incident>, now: Reading) -> Vec<Update> {
        let mut updates = Vec::new();
        for incident in incidents {
            let provider = incident.providers.first().cloned().unwrap_or_default();
            let mut case = Case::resume(incident, now);
            updates.extend(case.update(now));
            // A route that is still without a target is soon found out again, as another incident.
            if !provider.is_empty() {
                self.cases.insert(provider, case);
            }
        }
        updates
    }

    /// Whether an incident at this provider is under way.
    pub(super) fn explains(&self, provider: &str) -> bool {
        self.cases.get(provider).is_some_and(Case::is_open)
    }

    /// Whether the calls of this model are counted.
    pub(super) fn holds(&self, model: &str) -> bool {
        self.cases.values().any(|case| case.holds(model))
    }

    /// Takes in what is known now. `taken` tells which ids are in use.
    pub(super) fn look(&mut self, look: Look<'_>, taken: impl Fn(&str) -> bool) -> Vec<Update> {
        let Look { view, entries, accounts, now, rehearsed } = look;
        self.cases.retain(|_, case| case.until.is_none_or(|until| now.now() < until));
        let gone: Vec<String> =
            self.cases.keys().filter(|id| provider(view, id).is_none()).cloned().collect();
        for id in gone {
            self.see(&id, &Sight { provider: None, models: Vec::new() }, now, &taken);
        }
        for provider in &view.providers {
            let models = view.models.iter().filter(|model| model.provider == provider.id).collect();
            self.see(&provider.id, &Sight { provider: Some(provider), models }, now, &taken);
        }
        self.file(view, entries);
        let updated = |(provider, case): (&String, &mut Case)| {
            case.count(accounts);
            case.note_rehearsal(|| rehearsed(provider));
            case.update(now)
        };
        self.cases.iter_mut().filter_map(updated).collect()
    }

    fn see(&mut self, id: &str, sight: &Sight<'_>, now: Reading, taken: &impl Fn(&str) -> bool) {
        let trouble = sight.is_trouble();
        match self.cases.get_mut(id) {
            Some(case) if case.is_open() => case.see(sight, now),
            Some(case) if trouble => {
                case.relapse();
                case.see(sight, now);
            }
            Some(_) => {}
            None if trouble => {
                let case = Case::open(id, sight, now, |began| name::id(began, id, taken));
                self.cases.insert(id.to_owned(), case);
            }
            None => {}
        }
    }

    /// Puts each entry to the incident that it belongs to, if there is one.
    fn file(&mut self, view: &View, entries: Vec<Entry>) {
        self.lately.extend(entries);
        for entry in std::mem::take(&mut self.lately) {
            let case = self.concerned(view, &entry).and_then(|id| self.cases.get_mut(&id));
            match case {
                Some(case) if entry.at >= case.incident.started - LEAD => case.decide(entry),
                _ => self.lately.push_back(entry),
            }
        }
        let surplus = self.lately.len().saturating_sub(LATELY);
        self.lately.drain(..surplus);
    }

    /// The provider that an entry is about.
    fn concerned(&self, view: &View, entry: &Entry) -> Option<String> {
        let subject = match entry.kind {
            Kind::Freeze | Kind::Config | Kind::Process | Kind::Probes => return None,
            // Its subject is the route, and `from` the model that would have answered.
            Kind::Traffic => entry.from.as_deref()?,
            Kind::Verdict
            | Kind::Stage
            | Kind::Provider
            | Kind::Credential
            | Kind::Switch
            | Kind::Rehearsal => &*entry.subject,
        };
        let model = |id: &str| view.models.iter().find(|model| *model.id == *id);
        let of_model = || model(subject).map(|model| model.provider.to_string());
        let of_case = || {
            let mut cases = self.cases.iter();
            let has = |case: &Case| case.incident.models.iter().any(|part| part.id == subject);
            cases.find(|(_, case)| has(case)).map(|(id, _)| id.clone())
        };
        let is_about_a_model = matches!(entry.kind, Kind::Verdict | Kind::Stage | Kind::Traffic);
        let itself = (!is_about_a_model && provider(view, subject).is_some()).then(|| subject.to_owned());
        itself.or_else(of_model).or_else(of_case)
    }
}

fn provider<'a>(view: &'a View, id: &str) -> Option<&'a ProviderView> {
    view.providers.iter().find(|provider| *provider.id == *id)
}

#[cfg(test)]
mod tests;
