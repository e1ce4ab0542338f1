//! Making a step known: to requests through the cells, to people through the view.

use super::{Ledger, record::ModelRecord};
use crate::{
    cell::Publication,
    identity::{ModelIndex, ProviderIndex},
    moment::Moment,
    standing::{FULL_SHARE, Standing, Verdict},
    switches::{Subject, Switch, SwitchKind},
    topology::{ModelEntry, ProviderEntry},
    view::{ModelView, ProviderView, View},
};

// === impl Ledger ===

impl Ledger {
    /// Everything, for people and machines.
    #[must_use]
    pub fn view(&self, now: Moment) -> View {
        let now = now.max(self.now);
        let providers = self.topology.providers.iter().enumerate();
        let models = self.topology.models.iter().zip(&self.models).enumerate();
        View {
            at: now,
            generation: self.topology.generation,
            frozen_until: self.local.frozen_until(now),
            providers: providers
                .map(|(at, entry)| self.provider_view(ProviderIndex::new(at), entry))
                .collect(),
            models: models
                .map(|(at, (entry, record))| self.model_view(ModelIndex::new(at), entry, record, now))
                .collect(),
        }
    }

    fn provider_view(&self, index: ProviderIndex, entry: &ProviderEntry) -> ProviderView {
        let record = &self.providers[index.get()];
        let refused = record.credentials.mask();
        let subject = Subject::Provider(entry.id.clone());
        ProviderView {
            id: entry.id.clone(),
            verdict: self.provider_verdict(index),
            since: record.health.since(),
            why: record.health.why().to_owned(),
            refused_credentials: (0..entry.credentials).filter(|bit| refused & (1 << bit) != 0).collect(),
            switch: self.switches.of(&subject).cloned(),
        }
    }

    fn model_view(
        &self,
        index: ModelIndex,
        entry: &ModelEntry,
        record: &ModelRecord,
        now: Moment,
    ) -> ModelView {
        let standing = self.standing(index);
        let (health, tally) = (&record.health, record.health.last_minute(now));
        let provider = &self.topology[entry.provider].id;
        ModelView {
            id: entry.id.clone(),
            provider: provider.clone(),
            verdict: standing.verdict,
            measured: health.verdict(),
            since: health.since(),
            why: health.why().to_owned(),
            share: standing.share,
            masked: standing.masked,
            score: health.score(now),
            failure_ratio: tally.ratio(),
            outcomes: tally.total,
            held_until: health.held_until(),
            limited_until: entry.cell.limited_until().filter(|until| *until > now),
            trips: health.trips(),
            opened: health.opened(),
            epoch: standing.epoch,
            in_flight: entry.cell.in_flight(),
            answers_wrong: health.answers_wrong(),
            switch: self.switches.deciding(&entry.id, provider).cloned(),
        }
    }

    /// What requests are to see: evidence, under the provider's mask, under the operators' switches.
    pub(super) fn standing(&self, index: ModelIndex) -> Standing {
        let entry = &self.topology[index];
        let health = &self.models[index.get()].health;
        let masked = self.providers[entry.provider.get()].health.is_open();
        let measured = Standing {
            verdict: health.verdict(),
            share: if masked { 0 } else { health.share(&entry.policy, self.now) },
            epoch: health.epoch(),
            masked,
            switched: false,
        };
        match self.switches.deciding(&entry.id, &self.topology[entry.provider].id).map(|one| one.kind) {
            Some(SwitchKind::Disable) => {
                Standing { verdict: Verdict::Disabled, share: 0, switched: true, ..measured }
            }
            Some(SwitchKind::Pin) => Standing { epoch: health.epoch(), switched: true, ..Standing::NEW },
            None => measured,
        }
    }

    pub(super) fn publish_model(&self, index: ModelIndex) {
        let (entry, record) = (&self.topology[index], &self.models[index.get()]);
        let standing = self.standing(index);
        let canaries = record.health.canary_limit().filter(|_| !standing.switched);
        let suspect = self.providers[entry.provider.get()].health.is_suspect();
        entry.cell.publish(&Publication {
            standing,
            held_until: record.health.held_until(),
            score: record.health.score(self.now),
            canary_limit: canaries.unwrap_or(u32::MAX),
            attention: suspect || record.health.smells() || record.surge.is_on(self.now),
            mending: record.health.is_mending(),
        });
    }

    pub(super) fn publish_provider(&self, index: ProviderIndex) {
        let refused = self.providers[index.get()].credentials.mask();
        let entry = &self.topology[index];
        let switched = self.switches.of(&Subject::Provider(entry.id.clone())).is_some();
        entry.cell.publish(self.provider_verdict(index), switched, refused);
    }

    pub(super) fn publish_all(&self) {
        (0..self.providers.len()).for_each(|index| self.publish_provider(ProviderIndex::new(index)));
        self.model_indexes().for_each(|index| self.publish_model(index));
    }

    /// The verdict in force; that of a subject that is gone is `disabled`.
    pub(super) fn verdict_of(&self, subject: &Subject) -> Verdict {
        match subject {
            Subject::Provider(id) => self.topology.provider(id).map(|index| self.provider_verdict(index)),
            Subject::Model(id) => self.topology.model(id).map(|index| self.standing(index).verdict),
        }
        .unwrap_or(Verdict::Disabled)
    }

    pub(super) fn share_of(&self, subject: &Subject) -> u16 {
        match subject {
            Subject::Provider(_) => match self.verdict_of(subject) {
                Verdict::Open | Verdict::Disabled => 0,
                _ => FULL_SHARE,
            },
            Subject::Model(id) => self.topology.model(id).map_or(0, |index| self.standing(index).share),
        }
    }

    /// What a switch makes of its subject.
    pub(super) fn verdict_of_switch(switch: &Switch) -> Verdict {
        match switch.kind {
            SwitchKind::Disable => Verdict::Disabled,
            SwitchKind::Pin => Verdict::Healthy,
        }
    }

    fn provider_verdict(&self, index: ProviderIndex) -> Verdict {
        let switch = self.switches.of(&Subject::Provider(self.topology[index].id.clone()));
        switch.map_or(self.providers[index.get()].health.verdict(), Self::verdict_of_switch)
    }
}
