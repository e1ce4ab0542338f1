//! Rehearsals: faults of Sidestep's own making between it and a provider, so that a team can practise an incident.
//!
//! Traffic and probes take the same road, so both meet them, and what they meet is evidence like any other. Off
//! unless the configuration allows it; kept in memory alone; ended by time, by an operator, by a reload that no
//! longer allows it, and by a real incident that leaves a route without anybody else.

mod disturbance;
mod disturbed;
mod order;
mod passage;
mod rehearsal;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rand::Rng;
use sidestep_table::{ModelId, ProviderId, Topology};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

pub use self::disturbance::Disturbance;
pub use self::order::{Order, Refused};
pub use self::passage::Passage;
pub use self::rehearsal::{Rehearsal, RehearsalReport};

use self::order::{bereft, is_healthy, takes_calls};
use self::rehearsal::Ending;
use crate::clock::Clock;
use crate::config::FaultsConfig;
use crate::dice::Dice;
use crate::journal::{BEGUN, Journal, Kind, OVER};
use crate::metrics::Metrics;
use crate::operator::{ACTOR, line, subject};

/// The most rehearsals at once.
const MOST: usize = 16;
/// How often is looked whether a real incident has come.
const LOOK: Duration = Duration::from_secs(1);

/// The rehearsals in force.
pub struct Faults {
    /// Whether there is any: all that a request reads while there is none.
    any: AtomicBool,
    set: ArcSwap<Vec<Arc<Rehearsal>>>,
    /// Held by whoever changes the set.
    allowed: Mutex<FaultsConfig>,
    changed: Notify,
    clock: Clock,
    dice: Dice,
    journal: Arc<Journal>,
    metrics: Arc<Metrics>,
}

impl Faults {
    /// No rehearsals, and what `allowed` says of new ones.
    #[must_use]
    pub fn new(
        allowed: FaultsConfig,
        clock: Clock,
        dice: Dice,
        (journal, metrics): (Arc<Journal>, Arc<Metrics>),
    ) -> Faults {
        let (any, set, changed) = (AtomicBool::new(false), ArcSwap::default(), Notify::new());
        Faults { any, set, allowed: Mutex::new(allowed), changed, clock, dice, journal, metrics }
    }

    /// What stands in the way of one request to `provider`, about `model` if it is about one. A rehearsal of the
    /// model goes before one of its provider.
    #[must_use]
    pub fn draw(&self, provider: &ProviderId, model: Option<&ModelId>) -> Option<Arc<Rehearsal>> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let (set, now) = (self.set.load(), self.clock.now());
        let concerning = set.iter().filter(|one| now < one.until && one.concerns(provider, model));
        let one = concerning.max_by_key(|one| one.is_of_a_model())?;
        one.meet(self.dice.throw().random()).then(|| one.clone())
    }

    /// Whether a rehearsal of `provider`, or of a model there, is in force.
    #[must_use]
    pub fn active(&self, provider: &str) -> bool {
        let now = self.clock.now();
        self.set.load().iter().any(|one| *one.provider == *provider && now < one.until)
    }

    /// Every rehearsal in force, for people.
    #[must_use]
    pub fn reports(&self) -> Vec<RehearsalReport> {
        let now = self.clock.reading();
        let set = self.set.load();
        let set = set.iter().filter(|one| self.clock.now() < one.until);
        set.map(|one| RehearsalReport::of(one, now)).collect()
    }

    /// Sets a fault. One that is on the same subject already is replaced.
    ///
    /// # Errors
    /// When it is not allowed, over a cap, nonsense, or would leave a route without anybody healthy.
    pub fn begin(&self, order: Order, topology: &Topology) -> Result<(), Refused> {
        let allowed = self.allowed();
        if !allowed.allow {
            return Err(Refused::NotAllowed);
        }
        let fresh = Arc::new(order.checked(&allowed, topology, (self.clock.now(), &self.metrics))?);
        let (replaced, mut next): (Vec<_>, Vec<_>) =
            self.set.load().iter().cloned().partition(|one| one.subject == fresh.subject);
        if next.len() >= MOST {
            return Err(Refused::TooMany(next.len()));
        }
        next.push(fresh.clone());
        let set = next.iter().map(|one| &**one);
        if let Some(route) = bereft(topology, set, is_healthy).filter(|_| !fresh.even_all) {
            return Err(Refused::LastWell(route));
        }
        for one in &replaced {
            self.ended(one, &Ending::Replaced(&fresh.actor));
        }
        fresh.metrics.rehearsing(fresh.disturbance, 1);
        self.store(next);
        self.tell(&fresh, BEGUN, &fresh.begun());
        Ok(())
    }

    /// Ends the rehearsal of `name`, or all of them.
    ///
    /// # Errors
    /// When there is none, the name is unknown, or the actor is no name.
    pub fn clear(&self, name: Option<&str>, actor: &str, topology: &Topology) -> Result<(), Refused> {
        let actor = line("actor", actor, ACTOR)?;
        let named = name.map(|name| subject(name, topology)).transpose()?;
        let of = named.as_ref().map(|named| format!(" on {named}")).unwrap_or_default();
        let wanted = |one: &Rehearsal| named.as_ref().is_none_or(|named| one.subject == *named);
        let ended = self.end(|one| wanted(one).then_some(Ending::Cleared(&actor)));
        if ended == 0 { Err(Refused::NotSet(of)) } else { Ok(()) }
    }

    /// Takes over what another configuration says; what it no longer allows, or no longer has, ends at once.
    pub fn govern(&self, allowed: FaultsConfig, topology: &Topology) {
        *self.allowed() = allowed;
        self.end(|one| {
            let same = order::owner(&one.subject, topology).is_some_and(|owner| owner == one.provider);
            match (one.is_allowed(&allowed), same) {
                (false, _) => Some(Ending::Forbidden),
                (true, false) => Some(Ending::Gone),
                (true, true) => None,
            }
        });
    }

    /// Ends what has run out, and what a real incident has overtaken.
    pub fn review(&self, topology: &Topology) {
        let now = self.clock.now();
        self.end(|one| (now >= one.until).then_some(Ending::RanOut));
        let set = self.set.load();
        let real = bereft(topology, set.iter().map(|one| &**one), takes_calls);
        if let Some(route) = real {
            self.end(|one| (!one.even_all).then(|| Ending::Overtaken(route.clone())));
        }
    }

    /// Sees to it that rehearsals end, for as long as it is not dropped.
    pub async fn attend(self: Arc<Self>, topology: impl Fn() -> Arc<Topology>) {
        loop {
            match self.set.load().iter().map(|one| self.clock.instant(one.until)).min() {
                None => self.changed.notified().await,
                Some(end) => tokio::select! {
                    () = sleep_until(end.min(Instant::now() + LOOK)) => {}
                    () = self.changed.notified() => {}
                },
            }
            self.review(&topology());
        }
    }

    /// Ends every rehearsal that `why` gives an ending. Returns how many.
    fn end<'a>(&self, why: impl Fn(&Rehearsal) -> Option<Ending<'a>>) -> usize {
        let _one_at_a_time = self.allowed();
        let set = self.set.load_full();
        let endings: Vec<_> = set.iter().filter_map(|one| Some((one, why(one)?))).collect();
        if !endings.is_empty() {
            self.store(set.iter().filter(|one| why(one).is_none()).cloned().collect());
        }
        for (one, ending) in &endings {
            self.ended(one, ending);
        }
        endings.len()
    }

    fn ended(&self, one: &Rehearsal, ending: &Ending<'_>) {
        one.over.cancel();
        one.metrics.rehearsing(one.disturbance, -1);
        self.tell(one, OVER, &one.ended(ending));
    }

    fn store(&self, next: Vec<Arc<Rehearsal>>) {
        let any = !next.is_empty();
        self.set.store(Arc::new(next));
        self.any.store(any, Ordering::Relaxed);
        self.changed.notify_one();
    }

    fn tell(&self, one: &Rehearsal, state: &str, words: &str) {
        let subject = one.subject.to_string();
        tracing::warn!(%subject, actor = one.actor, "{words}");
        self.journal.note_state(Kind::Rehearsal, one.name(), Some(state), words);
    }

    fn allowed(&self) -> MutexGuard<'_, FaultsConfig> {
        // Nothing that can panic runs under this lock.
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
