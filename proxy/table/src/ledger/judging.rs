//! One claim: whose fault it is, what it closes, and what it does to health.

use rand::Rng;

use super::Ledger;
use crate::{
    decision::{Decision, DecisionKind},
    evidence::{Class, Evidence, Fault, Quality, Source},
    identity::ModelIndex,
    switches::Subject,
    verdict::Claim,
};

/// Refusals of our credential in a row after which a model that others get through to counts as failing.
const REFUSALS: u32 = 3;

// === impl Ledger ===

impl Ledger {
    /// `evidence` is of this epoch.
    pub(super) fn judge(&mut self, index: ModelIndex, evidence: &Evidence, decisions: &mut Vec<Decision>) {
        self.suspect_host(index, evidence, decisions);
        let class = self.adjudicate(index, evidence, decisions);
        self.note_limits(index, evidence);
        self.note_traffic(index, evidence);
        self.note_provider(index, evidence, class, decisions);
        // What the credentials did may have opened the model already, and with that its epoch is over.
        if self.models[index.get()].health.epoch() != evidence.epoch {
            return;
        }
        let claim = Claim { source: evidence.source, class, retry_after: evidence.retry_after };
        let draw = self.draw.random();
        let change = self.with_step(index, draw, |record, step| record.health.settle(&claim, step));
        self.follow(index, change, decisions);
    }

    /// Independent providers that cannot be reached in the same breath speak against this host.
    fn suspect_host(&mut self, index: ModelIndex, evidence: &Evidence, decisions: &mut Vec<Decision>) {
        let unreached = match evidence.class {
            Class::Hard(fault) => fault.is_connect_level(),
            class => class == Class::Local,
        };
        let own = !matches!(evidence.source, Source::Peer | Source::Operator);
        let provider = self.topology[index].provider;
        if own && unreached && self.local.failed(provider, self.now) {
            let why = "independent providers became unreachable together: this host is suspected, and failures \
                       that it may cause are not counted for 15 s";
            let subject = Subject::Provider(self.topology[provider].id.clone());
            decisions.push(self.unchanged(subject, why.to_owned(), DecisionKind::Freeze));
        }
    }

    /// The class that counts. A probe is known to be valid, so refusing it is the upstream's failure; so is
    /// refusing a credential that works elsewhere, again and again.
    fn adjudicate(&mut self, index: ModelIndex, evidence: &Evidence, decisions: &mut Vec<Decision>) -> Class {
        let probe = evidence.source.is_probe();
        match evidence.class {
            Class::Hard(fault) if !fault.proves_the_way() && self.is_frozen() => Class::Local,
            Class::Client if probe => Class::Hard(Fault::Status),
            Class::Auth => {
                let refusals = self.models[index.get()].refusals + 1;
                self.models[index.get()].refusals = refusals.min(REFUSALS + 1);
                let all = self.note_refusal(index, evidence, decisions);
                if probe || all || refusals > REFUSALS { Class::Hard(Fault::Status) } else { Class::Auth }
            }
            class => {
                if class.is_answer() || class == Class::Rate {
                    self.note_acceptance(index, evidence, decisions);
                }
                // A host that lags is slow to see a first token.
                if class == Class::Slow && self.is_frozen() { Class::Local } else { class }
            }
        }
    }

    /// 429 and quota close the limiter of the credential; an overloaded upstream's Retry-After holds all.
    fn note_limits(&mut self, index: ModelIndex, evidence: &Evidence) {
        let entry = &self.topology[index];
        let limiters = &mut self.models[index.get()].limiters;
        let changed = match (evidence.class, evidence.retry_after) {
            (Class::Rate | Class::Quota, asked) => {
                limiters.close(evidence.credential, evidence.class, asked, self.now);
                true
            }
            (Class::Overload, Some(asked)) => {
                limiters.hold(self.now + asked.min(entry.policy.max_cooldown()));
                true
            }
            (Class::Ok | Class::Slow, _) => limiters.answered(evidence.credential),
            _ => false,
        };
        if changed {
            for (credential, until) in limiters.until() {
                entry.cell.limit_credential(credential, until);
            }
        }
    }

    fn note_traffic(&mut self, index: ModelIndex, evidence: &Evidence) {
        if evidence.source.is_live() {
            let record = &mut self.models[index.get()];
            // Whose traffic is whose bears on health too, so what says nothing of health has no say in it.
            if evidence.class.is_answer() || evidence.class.is_failure() {
                record.traffic.add(1.0, self.now);
            }
            record.surge.note(evidence.class == Class::Client, self.now);
        }
    }

    fn note_provider(
        &mut self,
        index: ModelIndex,
        evidence: &Evidence,
        class: Class,
        decisions: &mut Vec<Decision>,
    ) {
        let provider = self.topology[index].provider;
        let (id, gap) = (self.topology[index].id.clone(), self.topology[index].policy.least_probe_gap());
        let none_open = self.members(provider).all(|member| !member.is_open());
        let health = &mut self.providers[provider.get()].health;
        let change = match (evidence.class, class) {
            (_, Class::Local | Class::Cancel) => None,
            (Class::Auth, _) => health.failed(&id, self.now),
            (_, Class::Hard(fault)) if fault.is_connect_level() => health.failed(&id, self.now),
            (_, Class::Hard(fault)) if !fault.proves_the_way() => None,
            _ => {
                health.reached();
                let right = !matches!(evidence.source, Source::Probe { quality: Quality::Wrong, .. });
                let passed = evidence.source.is_probe() && class.is_answer() && right;
                if passed && none_open { health.probe_passed(gap, self.now) } else { None }
            }
        };
        self.follow_provider(provider, None, change, decisions);
    }
}
