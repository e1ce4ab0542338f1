//! Everything composed: the only writer of cells.

use std::sync::Arc;

use rand::{SeedableRng, rngs::SmallRng};

use crate::{
    decision::Decision,
    evidence::Evidence,
    moment::Moment,
    switches::{Switch, SwitchOrder, Switches, UnknownSubject},
    topology::Topology,
    view::View,
};

/// Judges all evidence and writes all cells. Deterministic, given its seed and the moments it is told.
#[derive(Debug)]
pub struct Ledger {
    topology: Arc<Topology>,
    switches: Switches,
    draw: SmallRng,
    now: Moment,
}

// === impl Ledger ===

impl Ledger {
    /// A ledger over `topology`; `seed` decides the jitter of its cooldowns.
    #[must_use]
    pub fn new(topology: Arc<Topology>, seed: u64, now: Moment) -> Self {
        Self { topology, switches: Switches::default(), draw: SmallRng::seed_from_u64(seed), now }
    }

    /// Takes over a reloaded topology; what is known of models that stay is kept.
    pub fn replace(&mut self, topology: Arc<Topology>, now: Moment) -> Vec<Decision> {
        self.topology = topology;
        self.tick(now)
    }

    /// Judges one claim.
    pub fn observe(&mut self, evidence: &Evidence, now: Moment) -> Vec<Decision> {
        let _ = (evidence, &mut self.draw);
        self.tick(now)
    }

    /// Lets time pass: cooldowns end, stages advance, switches lapse.
    pub fn tick(&mut self, now: Moment) -> Vec<Decision> {
        self.now = self.now.max(now);
        let _lapsed = self.switches.lapse(self.now);
        Vec::new()
    }

    /// When [`tick`](Self::tick) has something to do next; `None` when nothing is due.
    #[must_use]
    pub fn next_tick(&self) -> Option<Moment> {
        self.switches.next_lapse()
    }

    /// Sets or lifts a switch; in force for whoever reads a cell after this returns.
    ///
    /// # Errors
    /// [`UnknownSubject`] when the configuration has no such provider or model.
    pub fn switch(&mut self, order: SwitchOrder, now: Moment) -> Result<Vec<Decision>, UnknownSubject> {
        match order {
            SwitchOrder::Set(switch) => self.switches.set(switch),
            SwitchOrder::Clear { subject, .. } => drop(self.switches.clear(&subject)),
        }
        Ok(self.tick(now))
    }

    /// All switches in force.
    #[must_use]
    pub fn switches(&self) -> Vec<Switch> {
        self.switches.all().to_vec()
    }

    /// Everything, for people and machines.
    #[must_use]
    pub fn view(&self, now: Moment) -> View {
        let generation = self.topology.generation;
        View { at: now, generation, frozen_until: None, providers: Vec::new(), models: Vec::new() }
    }
}
