//! A table that does what a test says, and the record that is kept of it.

use proptest::prelude::*;
use sidestep_table::{FULL_SHARE, ModelId, ModelView, Moment, Subject, Switch, SwitchKind, Verdict};

use super::super::*;
use crate::incidents::{Change, Incident};

/// Whose the models are.
const MODELS: [(&str, &str); 5] =
    [("opus", "anthropic"), ("haiku", "anthropic"), ("gpt", "openai"), ("luna", "openai"), ("grok", "xai")];
const PROVIDERS: [&str; 3] = ["anthropic", "openai", "xai"];
const START: u64 = 1_000_000;

/// A table that does what the test says.
pub(super) struct Scene {
    pub(super) view: View,
    pub(super) book: Casebook,
    /// The latest of each incident, oldest first, and all changes.
    pub(super) incidents: Vec<Incident>,
    pub(super) changes: Vec<(Change, String)>,
    pub(super) seq: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Judge(usize, Verdict),
    Mask(usize, bool),
    Refuse(usize, bool),
    Disable(usize, bool),
    Remove(usize),
    Wait(u64),
    Heal,
}

impl Scene {
    pub(super) fn new() -> Scene {
        let at = Moment::from_millis(START);
        let provider = |id: &&str| ProviderView {
            id: (*id).into(),
            verdict: Verdict::Healthy,
            since: at,
            why: String::new(),
            refused_credentials: Vec::new(),
            switch: None,
        };
        let view = View {
            at,
            generation: 1,
            frozen_until: None,
            providers: PROVIDERS.iter().map(provider).collect(),
            models: MODELS.iter().map(|(id, of)| healthy(id, of, at)).collect(),
        };
        Scene { view, book: Casebook::default(), incidents: Vec::new(), changes: Vec::new(), seq: 0 }
    }

    pub(super) fn now(&self) -> Reading {
        // The wall clock stands still meanwhile, or jumps: nothing may rest on it.
        Reading::at(self.view.at, 1_795_183_389.0 - (self.view.at.as_millis() % 7) as f64)
    }

    pub(super) fn entry(&mut self, kind: Kind, subject: &str) -> Entry {
        self.seq += 1;
        Entry {
            seq: self.seq,
            at: self.now().unix_seconds(),
            kind,
            subject: subject.to_owned(),
            from: None,
            to: None,
            why: String::new(),
            actor: None,
        }
    }

    pub(super) fn act(&mut self, act: &Act) -> Vec<Entry> {
        let at = self.view.at;
        match *act {
            Act::Judge(number, _) | Act::Disable(number, _) => {
                let Some(model) = self.view.models.get_mut(number) else { return Vec::new() };
                let kind = befall(model, act, at);
                let id = model.id.to_string();
                vec![self.entry(kind, &id)]
            }
            Act::Mask(number, masked) => {
                let provider = &mut self.view.providers[number];
                provider.verdict = if masked { Verdict::Open } else { Verdict::Healthy };
                let id = provider.id.clone();
                let models = self.view.models.iter_mut().filter(|model| model.provider == id);
                models.for_each(|model| model.masked = masked);
                vec![self.entry(Kind::Provider, &id)]
            }
            Act::Refuse(number, refused) => {
                let provider = &mut self.view.providers[number];
                provider.refused_credentials = if refused { vec![0] } else { Vec::new() };
                let id = provider.id.clone();
                vec![self.entry(Kind::Credential, &id)]
            }
            Act::Remove(number) => {
                if number < self.view.models.len() && self.view.models.len() > 1 {
                    self.view.models.remove(number);
                }
                vec![self.entry(Kind::Config, "file")]
            }
            Act::Wait(millis) => {
                self.view.at = Moment::from_millis(at.as_millis() + millis);
                Vec::new()
            }
            Act::Heal => self.heal(),
        }
    }

    pub(super) fn heal(&mut self) -> Vec<Entry> {
        for model in &mut self.view.models {
            *model = healthy(&model.id, &model.provider, self.view.at);
        }
        for provider in &mut self.view.providers {
            provider.verdict = Verdict::Healthy;
            provider.refused_credentials.clear();
        }
        Vec::new()
    }

    pub(super) fn look(&mut self, entries: Vec<Entry>) {
        let now = self.now();
        let ids: Vec<String> = self.incidents.iter().map(|incident| incident.id.clone()).collect();
        let look =
            Look { view: &self.view, entries, accounts: &Accounts::default(), now, rehearsed: &|_| false };
        let updates = self.book.look(look, |id: &str| ids.iter().any(|known| known == id));
        for update in updates {
            let incident = Incident::clone(&update.incident);
            self.changes.push((update.change, incident.id.clone()));
            let of = |model: &&ModelView| incident.models.iter().any(|part| part.id == *model.id);
            let mut parts = self.view.models.iter().filter(of);
            let well = |model: &ModelView| {
                let full = model.share == FULL_SHARE && !model.masked && model.switch.is_none();
                full && model.measured == Verdict::Healthy
            };
            assert!(update.change != Change::Ended || parts.all(well), "ended too early: {incident:?}");
            match self.incidents.iter_mut().find(|known| known.id == incident.id) {
                Some(known) => *known = incident,
                None => self.incidents.push(incident),
            }
        }
    }

    pub(super) fn run(&mut self, acts: &[Act]) {
        for act in acts {
            let entries = self.act(act);
            self.look(entries);
        }
    }

    pub(super) fn open(&self) -> Vec<&Incident> {
        self.incidents.iter().filter(|incident| incident.ended.is_none()).collect()
    }

    /// What must hold whatever happens.
    pub(super) fn check(&self) -> Result<(), TestCaseError> {
        let open = self.open();
        for (number, one) in open.iter().enumerate() {
            for other in &open[number + 1..] {
                prop_assert!(one.providers.is_disjoint(&other.providers));
                prop_assert!(one.models.iter().all(|part| other.models.iter().all(|its| its.id != part.id)));
            }
        }
        for incident in &self.incidents {
            prop_assert!(incident.ended.unwrap_or(f64::MAX) >= incident.started, "{incident:?}");
            prop_assert!(incident.updated >= incident.started, "{incident:?}");
            prop_assert!(incident.models.iter().all(|part| part.since >= incident.started), "{incident:?}");
            let mut parts: Vec<_> = incident.models.iter().map(|part| &part.id).collect();
            parts.sort();
            parts.dedup();
            prop_assert_eq!(parts.len(), incident.models.len());
        }
        let mut filed: Vec<u64> =
            self.incidents.iter().flat_map(|incident| incident.decisions.iter().map(|one| one.seq)).collect();
        let all = filed.len();
        filed.sort_unstable();
        filed.dedup();
        prop_assert_eq!(filed.len(), all, "an entry belongs to two incidents");
        let trouble = self.view.models.iter().any(|model| {
            model.masked
                || model.switch.is_some()
                || !matches!(model.measured, Verdict::Healthy | Verdict::Degraded)
        });
        let refused = self.view.providers.iter().any(|provider| !provider.refused_credentials.is_empty());
        prop_assert!(!(trouble || refused) || !open.is_empty(), "trouble without an incident");
        Ok(())
    }
}

pub(super) fn befall(model: &mut ModelView, act: &Act, at: Moment) -> Kind {
    match *act {
        Act::Judge(_, verdict) => {
            let share = if verdict == Verdict::Healthy { FULL_SHARE } else { 10 };
            (model.measured, model.verdict, model.share, model.since) = (verdict, verdict, share, at);
            Kind::Verdict
        }
        Act::Disable(_, true) => {
            model.switch = Some(switch(&model.id, at));
            Kind::Switch
        }
        _ => {
            model.switch = None;
            Kind::Switch
        }
    }
}

pub(super) fn healthy(id: &str, provider: &str, at: Moment) -> ModelView {
    ModelView {
        id: ModelId::from(id),
        provider: provider.into(),
        verdict: Verdict::Healthy,
        measured: Verdict::Healthy,
        since: at,
        why: String::new(),
        share: FULL_SHARE,
        masked: false,
        score: 0.0,
        failure_ratio: None,
        outcomes: 0,
        held_until: None,
        limited_until: None,
        trips: 0,
        opened: 0,
        epoch: 0,
        in_flight: 0,
        answers_wrong: false,
        switch: None,
    }
}

pub(super) fn switch(id: &ModelId, at: Moment) -> Switch {
    Switch {
        subject: Subject::Model(id.clone()),
        kind: SwitchKind::Disable,
        reason: "529s".to_owned(),
        actor: "anna".to_owned(),
        until: None,
        set_at: at,
    }
}

pub(super) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0_usize..5, 0_usize..6).prop_map(|(model, verdict)| Act::Judge(model, Verdict::ALL[verdict])),
        1 => (0_usize..3, any::<bool>()).prop_map(|(provider, masked)| Act::Mask(provider, masked)),
        1 => (0_usize..3, any::<bool>()).prop_map(|(provider, refused)| Act::Refuse(provider, refused)),
        1 => (0_usize..5, any::<bool>()).prop_map(|(model, disabled)| Act::Disable(model, disabled)),
        1 => (0_usize..5).prop_map(Act::Remove),
        3 => (1_u64..90_000).prop_map(Act::Wait),
        1 => Just(Act::Heal),
    ];
    prop::collection::vec(act, 1..60)
}
