//! Keeps the record: looks whenever something was decided, and every second.

use std::sync::Arc;
use std::time::Duration;

use sidestep_table::Moment;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::accounts::Accounts;
use super::casebook::{Casebook, Look};
use super::episodes::Episodes;
use super::stranded::Strandings;
use super::{Calls, Change, Incident, Incidents, Sources, Update};
use crate::faults::Faults;
use crate::journal::{Journal, Kind};
use crate::stack::Foundation;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two readings of the counters while no incident lasts.
const CALM: Duration = Duration::from_secs(30);

/// Writes the incident record; a task of its own, on no call's path.
pub(super) struct Clerk {
    incidents: Arc<Incidents>,
    journal: Arc<Journal>,
    on: Foundation,
    faults: Arc<Faults>,
    casebook: Casebook,
    accounts: Accounts,
    episodes: Episodes,
    strandings: Strandings,
    /// When the counters were read last.
    read: Option<Moment>,
    /// The latest entry of the journal that was taken in.
    seq: u64,
}

// === impl Clerk ===

impl Clerk {
    /// Keeps `incidents` by its sources. `unfinished` are those that an earlier process left under way.
    pub(super) fn new(incidents: Arc<Incidents>, sources: Sources, unfinished: Vec<Incident>) -> Clerk {
        let Sources { on, journal, faults } = sources;
        let mut casebook = Casebook::default();
        for update in casebook.resume(unfinished, on.clock.reading()) {
            let id = &update.incident.id;
            tracing::warn!(id, "an incident was under way when Sidestep ended");
            journal.note(
                Kind::Process,
                "incidents",
                &format!("{id} was under way when Sidestep ended; it goes on if the trouble is found again"),
            );
            incidents.publish(update);
        }
        Clerk {
            incidents,
            journal,
            on,
            faults,
            casebook,
            accounts: Accounts::default(),
            episodes: Episodes::default(),
            strandings: Strandings::default(),
            read: None,
            seq: 0,
        }
    }

    /// Works until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut feed = self.journal.subscribe();
        let mut ticks = interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let heard = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                // Only a bell: what was noted is read from the journal, which a lagging reader can do too.
                _ = feed.recv() => true,
                _ = ticks.tick() => false,
            };
            while feed.try_recv().is_ok() {}
            if !heard {
                self.sample();
            }
            if heard || self.casebook.is_busy() {
                self.look().await;
            }
        }
    }

    /// What costs next to nothing, every second.
    fn sample(&mut self) {
        let (catalog, now) = (self.on.catalog.load(), self.on.clock.now());
        self.episodes.sample(&catalog, now, &self.journal);
        let (casebook, incidents) = (&self.casebook, &self.incidents);
        let explained = |provider: &str| casebook.explains(provider);
        let taken = |id: &str| incidents.get(id).is_some();
        let updates = self.strandings.look(&catalog, self.on.clock.reading(), explained, taken);
        self.publish(updates);
        if self.read.is_none_or(|at| now.saturating_since(at) >= CALM) {
            self.read_counters();
        }
    }

    fn read_counters(&mut self) {
        let (catalog, now) = (self.on.catalog.load(), self.on.clock.now());
        self.read = Some(now);
        self.accounts.read(&catalog, now, |model| self.casebook.holds(model));
    }

    async fn look(&mut self) {
        let Some(view) = self.on.judge.view().await else { return };
        self.read_counters();
        let entries = self.journal.after(self.seq);
        self.seq = entries.last().map_or(self.seq, |entry| entry.seq);
        let incidents = &self.incidents;
        let look = Look {
            view: &view,
            entries,
            accounts: &self.accounts,
            now: self.on.clock.reading(),
            rehearsed: &|provider| self.faults.active(provider),
        };
        let updates = self.casebook.look(look, |id| incidents.get(id).is_some());
        self.publish(updates);
    }

    fn publish(&self, updates: Vec<Update>) {
        let any = !updates.is_empty();
        for update in updates {
            if update.change == Change::Opened && update.incident.relapses == 0 {
                self.on.metrics.incident(update.incident.scope);
            }
            tell(&update);
            self.incidents.publish(update);
        }
        if any {
            self.on.metrics.incidents_open(self.incidents.current().len());
        }
    }
}

/// Tells the log of a beginning and of an end.
fn tell(update: &Update) {
    let (id, title) = (&update.incident.id, &update.incident.title);
    let Calls { rerouted, rescued, refused, failed, cut } = update.incident.calls;
    match update.change {
        Change::Opened => tracing::warn!(id, title, "an incident begins"),
        Change::Ended => {
            let seconds = update.incident.seconds(update.incident.updated).round();
            tracing::info!(
                id,
                title,
                seconds,
                rerouted,
                rescued,
                refused,
                failed,
                cut,
                "an incident is over"
            );
        }
        Change::Changed => {}
    }
}
