//! Everything composed: the only writer of cells.

mod consequences;
mod judging;
mod publishing;
mod record;

use std::sync::Arc;

use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::{
    decision::{Decision, DecisionKind},
    evidence::Evidence,
    identity::{ModelIndex, ProviderIndex},
    local::LocalSuspicion,
    moment::Moment,
    switches::{Subject, Switch, SwitchKind, SwitchOrder, Switches, UnknownSubject},
    topology::Topology,
    verdict::Step,
};
use record::{ModelRecord, ProviderRecord};

/// Judges all evidence and writes all cells. Deterministic, given its seed and the moments it is told.
///
/// Time never runs backwards here: a moment before the latest one counts as the latest.
#[derive(Debug)]
pub struct Ledger {
    topology: Arc<Topology>,
    models: Vec<ModelRecord>,
    providers: Vec<ProviderRecord>,
    switches: Switches,
    local: LocalSuspicion,
    draw: SmallRng,
    now: Moment,
}

// === impl Ledger ===

impl Ledger {
    /// A ledger over `topology`; `seed` decides the jitter of its cooldowns.
    #[must_use]
    pub fn new(topology: Arc<Topology>, seed: u64, now: Moment) -> Self {
        let models = topology.models.iter().map(|entry| ModelRecord::new(entry, now)).collect();
        let providers = topology.providers.iter().map(|entry| ProviderRecord::new(entry, now)).collect();
        let ledger = Self {
            topology,
            models,
            providers,
            switches: Switches::default(),
            local: LocalSuspicion::default(),
            draw: SmallRng::seed_from_u64(seed),
            now,
        };
        ledger.publish_all();
        ledger
    }

    /// Takes over a reloaded topology. What is known of models and providers that stay is kept, and so are
    /// all switches; models that their provider did not know are looked at anew.
    pub fn replace(&mut self, topology: Arc<Topology>, now: Moment) -> Vec<Decision> {
        self.now = self.now.max(now);
        let old = std::mem::replace(&mut self.topology, topology);
        let models = std::mem::take(&mut self.models);
        let providers = std::mem::take(&mut self.providers);
        self.models = record::carry_models(&self.topology, &old, models, self.now);
        self.providers = record::carry_providers(&self.topology, &old, providers, self.now);
        self.local.forget();
        for entry in &self.topology.models {
            let credentials = self.topology[entry.provider].credentials;
            entry.cell.configure(entry.max_concurrency, credentials);
        }
        let mut decisions = Vec::new();
        for index in self.model_indexes() {
            let draw = self.draw.random();
            let change = self.with_step(index, draw, |record, step| record.health.reconfigured(step));
            self.follow(index, change, &mut decisions);
        }
        decisions.extend(self.tick(now));
        decisions
    }

    /// Judges one claim. One from another epoch, or about nobody known, changes nothing.
    pub fn observe(&mut self, evidence: &Evidence, now: Moment) -> Vec<Decision> {
        self.now = self.now.max(now);
        let mut decisions = Vec::new();
        let Some(index) = self.topology.model(&evidence.model) else { return decisions };
        self.elapse(index, &mut decisions);
        if self.models[index.get()].health.epoch() == evidence.epoch {
            self.judge(index, evidence, &mut decisions);
        }
        self.publish_model(index);
        decisions
    }

    /// Lets time pass: cooldowns end, stages advance, switches and suspicions lapse.
    pub fn tick(&mut self, now: Moment) -> Vec<Decision> {
        self.now = self.now.max(now);
        let mut decisions = Vec::new();
        self.lapse_switches(&mut decisions);
        for index in self.model_indexes() {
            self.elapse(index, &mut decisions);
        }
        for index in (0..self.providers.len()).map(ProviderIndex::new) {
            self.providers[index.get()].credentials.lapse(self.now);
            self.watch(index, &mut decisions);
        }
        self.publish_all();
        decisions
    }

    /// When [`tick`](Self::tick) has something to do next; `None` when nothing is due.
    #[must_use]
    pub fn next_tick(&self) -> Option<Moment> {
        let models = self.models.iter().zip(&self.topology.models);
        let models = models.filter_map(|(record, entry)| record.health.due(&entry.policy, self.now));
        let providers = self.providers.iter().flat_map(|one| [one.health.due(), one.credentials.due()]);
        let due = models.chain(providers.flatten()).chain(self.switches.next_lapse()).min()?;
        Some(due.max(Moment::from_millis(self.now.as_millis() + 1)))
    }

    /// Sets or lifts a switch; in force for whoever reads a cell after this returns.
    ///
    /// # Errors
    /// [`UnknownSubject`] when the configuration has no such provider or model.
    pub fn switch(&mut self, order: SwitchOrder, now: Moment) -> Result<Vec<Decision>, UnknownSubject> {
        self.now = self.now.max(now);
        let subject = match &order {
            SwitchOrder::Set(switch) => &switch.subject,
            SwitchOrder::Clear { subject, .. } => subject,
        };
        if !self.knows(subject) {
            return Err(UnknownSubject(subject.clone()));
        }
        let subject = subject.clone();
        let from = self.verdict_of(&subject);
        let (why, actor) = match order {
            SwitchOrder::Set(switch) => {
                let kind = match switch.kind {
                    SwitchKind::Disable => "disabled",
                    SwitchKind::Pin => "kept in service",
                };
                let said = (format!("{kind} by {}: {}", switch.actor, switch.reason), switch.actor.clone());
                self.switches.set(switch);
                said
            }
            SwitchOrder::Clear { subject, actor } => match self.switches.clear(&subject) {
                Some(_) => (format!("switch lifted by {actor}"), actor),
                None => return Ok(Vec::new()),
            },
        };
        self.publish_all();
        let decision = self.switch_decision(subject, from, why, Some(actor));
        Ok(vec![decision])
    }

    /// All switches in force.
    #[must_use]
    pub fn switches(&self) -> Vec<Switch> {
        self.switches.all().to_vec()
    }

    fn lapse_switches(&mut self, decisions: &mut Vec<Decision>) {
        for switch in self.switches.lapse(self.now) {
            let from = Self::verdict_of_switch(&switch);
            self.publish_all();
            if self.knows(&switch.subject) {
                let why = format!("the switch set by {} has lapsed", switch.actor);
                decisions.push(self.switch_decision(switch.subject, from, why, None));
            }
        }
    }

    fn elapse(&mut self, index: ModelIndex, decisions: &mut Vec<Decision>) {
        let draw = self.draw.random();
        let change = self.with_step(index, draw, |record, step| record.health.elapse(step));
        self.follow(index, change, decisions);
    }

    fn with_step<T>(
        &mut self,
        index: ModelIndex,
        draw: f64,
        act: impl FnOnce(&mut ModelRecord, &Step<'_>) -> T,
    ) -> T {
        let entry = &self.topology[index];
        let suspect = self.providers[entry.provider.get()].health.is_suspect();
        let in_flight = entry.cell.in_flight();
        let step = Step { policy: &entry.policy, now: self.now, draw, in_flight, suspect };
        act(&mut self.models[index.get()], &step)
    }

    fn model_indexes(&self) -> impl Iterator<Item = ModelIndex> + use<> {
        (0..self.models.len()).map(ModelIndex::new)
    }

    fn knows(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Provider(id) => self.topology.provider(id).is_some(),
            Subject::Model(id) => self.topology.model(id).is_some(),
        }
    }

    fn switch_decision(
        &self,
        subject: Subject,
        from: crate::Verdict,
        why: String,
        actor: Option<String>,
    ) -> Decision {
        let (to, share) = (self.verdict_of(&subject), self.share_of(&subject));
        Decision { at: self.now, subject, from, to, why, actor, share, kind: DecisionKind::Switch }
    }
}
