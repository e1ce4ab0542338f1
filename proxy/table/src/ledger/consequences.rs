//! What follows from a change: decisions, masks, and what siblings do.

use rand::Rng;

use super::Ledger;
use crate::{
    decision::{Decision, DecisionKind},
    evidence::Evidence,
    identity::{ModelIndex, ProviderIndex},
    provider::{Member, ProviderTransition},
    standing::{FULL_SHARE, Verdict},
    switches::Subject,
    verdict::Transition,
};

// === impl Ledger ===

impl Ledger {
    /// Records a model's change and lets its provider react to it.
    pub(super) fn follow(
        &mut self,
        index: ModelIndex,
        change: Option<Transition>,
        decisions: &mut Vec<Decision>,
    ) {
        let Some(change) = change else { return };
        let (from, to) = (change.from, change.to);
        let carried = matches!(from, Verdict::Healthy | Verdict::Degraded | Verdict::Ramping);
        if matches!(from, Verdict::Healthy | Verdict::Ramping)
            && matches!(to, Verdict::Degraded | Verdict::Open)
        {
            self.models[index.get()].troubled_at = Some(self.now);
        }
        self.decide(index, change, decisions);
        let (provider, id) = (self.topology[index].provider, self.topology[index].id.clone());
        let members: Vec<Member> = self.members(provider).collect();
        let health = &mut self.providers[provider.get()].health;
        let change = match to {
            Verdict::Open if carried => health.model_opened(&members, self.now),
            Verdict::Ramping if from == Verdict::HalfOpen => health.model_recovered(&id, self.now),
            _ => None,
        };
        self.follow_provider(provider, Some(index), change, decisions);
        self.watch(provider, decisions);
    }

    /// Records a provider's change. Those that come out from under its mask begin at 1 %, for nobody knows what
    /// they can bear; `first`, which lifted the mask, has just begun.
    pub(super) fn follow_provider(
        &mut self,
        provider: ProviderIndex,
        first: Option<ModelIndex>,
        change: Option<ProviderTransition>,
        decisions: &mut Vec<Decision>,
    ) {
        let Some(ProviderTransition { from, to, why }) = change else { return };
        let subject = Subject::Provider(self.topology[provider].id.clone());
        let share = if to == Verdict::Open { 0 } else { FULL_SHARE };
        let kind = DecisionKind::Provider;
        decisions.push(Decision { at: self.now, subject, from, to, why, actor: None, share, kind });
        let models = self.topology[provider].models.clone();
        for index in models {
            if from == Verdict::Open && Some(index) != first {
                let draw = self.draw.random();
                let change = self.with_step(index, draw, |record, step| {
                    record.health.unmasked(step, "its provider is no longer masked")
                });
                if let Some(change) = change {
                    self.decide(index, change, decisions);
                }
            }
            self.publish_model(index);
        }
        self.publish_provider(provider);
    }

    /// Suspicion of a provider comes and goes with its models' troubles.
    pub(super) fn watch(&mut self, provider: ProviderIndex, decisions: &mut Vec<Decision>) {
        let members: Vec<Member> = self.members(provider).collect();
        let change = self.providers[provider.get()].health.watch(&members, self.now);
        self.follow_provider(provider, None, change, decisions);
    }

    pub(super) fn members(&self, provider: ProviderIndex) -> impl Iterator<Item = Member> {
        self.topology[provider].models.iter().map(|index| {
            let record = &self.models[index.get()];
            Member {
                // One more than its traffic: without any, all count alike.
                weight: 1.0 + record.traffic.at(self.now),
                verdict: record.health.verdict(),
                troubled_at: record.troubled_at,
            }
        })
    }

    /// A 401 or 403; `true` while the provider accepts no credential at all. The moment that begins, all its
    /// models are given up at once: no request can succeed there.
    pub(super) fn note_refusal(
        &mut self,
        index: ModelIndex,
        evidence: &Evidence,
        decisions: &mut Vec<Decision>,
    ) -> bool {
        let provider = self.topology[index].provider;
        let credentials = &mut self.providers[provider.get()].credentials;
        let credential = evidence.credential.unwrap_or(0);
        let news = credentials.refused(credential, self.now);
        let (all, count) = (credentials.all_refused(), credentials.count());
        if news {
            let why = format!("credential {} of {count} was refused three times in a row", credential + 1);
            let subject = Subject::Provider(self.topology[provider].id.clone());
            decisions.push(self.unchanged(subject, why, DecisionKind::Credential));
            self.publish_provider(provider);
        }
        if news && all {
            let why = format!("none of its provider's {count} credentials is accepted");
            for sibling in self.topology[provider].models.clone() {
                let draw = self.draw.random();
                let change = self.with_step(sibling, draw, |record, step| record.health.give_up(step, &why));
                self.follow(sibling, change, decisions);
                self.publish_model(sibling);
            }
        }
        all
    }

    /// The provider took the credential.
    pub(super) fn note_acceptance(
        &mut self,
        index: ModelIndex,
        evidence: &Evidence,
        decisions: &mut Vec<Decision>,
    ) {
        self.models[index.get()].refusals = 0;
        let provider = self.topology[index].provider;
        let credential = evidence.credential.unwrap_or(0);
        if self.providers[provider.get()].credentials.accepted(credential) {
            let subject = Subject::Provider(self.topology[provider].id.clone());
            let why = format!("credential {} is accepted again", credential + 1);
            decisions.push(self.unchanged(subject, why, DecisionKind::Credential));
            self.publish_provider(provider);
        }
    }

    fn decide(&mut self, index: ModelIndex, change: Transition, decisions: &mut Vec<Decision>) {
        let kind = if change.from == change.to { DecisionKind::Stage } else { DecisionKind::Verdict };
        let subject = Subject::Model(self.topology[index].id.clone());
        let Transition { from, to, why } = change;
        let share = self.standing(index).share;
        decisions.push(Decision { at: self.now, subject, from, to, why, actor: None, share, kind });
    }

    /// A decision that leaves the verdict as it is.
    pub(super) fn unchanged(&self, subject: Subject, why: String, kind: DecisionKind) -> Decision {
        let (from, share) = (self.verdict_of(&subject), self.share_of(&subject));
        Decision { at: self.now, subject, from, to: from, why, actor: None, share, kind }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.local.frozen_until(self.now).is_some()
    }
}
