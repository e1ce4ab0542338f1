//! The incident record: what was ill, since when, what Sidestep did about it, and what it cost.
//!
//! ```text
//! journal, judge's view → clerk → casebook (which trouble belongs together) → Incidents → page, notices, /incidents
//! ```
//!
//! One provider has at most one incident at a time: whatever befalls its models while it lasts belongs to it. Two
//! providers in trouble at once are two incidents, each with an end of its own.

mod accounts;
mod case;
mod casebook;
mod clerk;
mod episodes;
mod folder;
mod keeper;
mod name;
mod record;
mod sight;
mod stranded;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

pub(crate) use self::name::stamp;
pub use self::record::{Calls, Evidence, Extra, Incident, ModelPart, Scope};

use self::clerk::Clerk;
use self::folder::Folder;
use self::keeper::{Keeper, Outbox};
use crate::faults::Faults;
use crate::journal::{Journal, Kind};
use crate::stack::Foundation;
use crate::tasks::Tasks;

/// Incidents kept, in memory and on disk; the oldest that are over go first.
const KEPT: usize = 100;
/// Updates that a slow subscriber may lag behind before it loses the oldest ones.
const FEED: usize = 64;

/// What the record is made from.
pub struct Sources {
    /// The judge, the counters and the clock.
    pub on: Foundation,
    /// What was decided.
    pub journal: Arc<Journal>,
    /// Tells which trouble was made on purpose.
    pub faults: Arc<Faults>,
}

/// What became of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It began, or began anew within a minute of its end (then under the same id).
    Opened,
    /// It lasts, and something of it is new; at most once a second.
    Changed,
    /// Everything is back.
    Ended,
}

/// One change of one incident.
#[derive(Clone, Debug, Serialize)]
pub struct Update {
    /// What happened.
    pub change: Change,
    /// The incident afterwards.
    pub incident: Arc<Incident>,
}

/// All incidents that are remembered. Share it in an `Arc`.
pub struct Incidents {
    /// Oldest first.
    kept: Mutex<VecDeque<Arc<Incident>>>,
    feed: broadcast::Sender<Update>,
    outbox: Outbox,
    on_disk: bool,
}

impl Default for Incidents {
    fn default() -> Self {
        let (kept, outbox) = (Mutex::default(), Outbox::default());
        Self { kept, feed: broadcast::Sender::new(FEED), outbox, on_disk: false }
    }
}

impl Incidents {
    /// What is remembered in the folder `state`, kept up by tasks of its own from now on. What cannot be read there is
    /// said and left alone.
    ///
    /// Blocks while it reads; meant for the start of the process, before it listens.
    #[must_use]
    pub fn open(state: Option<&Path>, sources: Sources, tasks: &Tasks) -> Arc<Self> {
        let folder = state.map(Folder::within);
        let found = folder.as_ref().map(Folder::load).unwrap_or_default();
        let Sources { on, journal, .. } = &sources;
        for complaint in &found.complaints {
            on.metrics.incident_file_failed();
            tracing::warn!(complaint, "an incident of the past is lost");
            journal.note(Kind::Process, "incidents", complaint);
        }
        let surplus = found.incidents.len().saturating_sub(KEPT);
        let kept: VecDeque<_> = found.incidents.into_iter().skip(surplus).map(Arc::new).collect();
        let unfinished =
            kept.iter().filter(|one| one.ended.is_none()).map(|one| Incident::clone(one)).collect();
        let incidents =
            Arc::new(Self { kept: Mutex::new(kept), on_disk: folder.is_some(), ..Self::default() });
        if let Some(folder) = folder {
            let keeper = Keeper::new(incidents.clone(), folder, journal.clone(), on.metrics.clone());
            tasks.spawn("incident files", keeper.run(tasks.stopping()));
        }
        let clerk = Clerk::new(incidents.clone(), sources, unfinished);
        tasks.spawn("incidents", clerk.run(tasks.stopping()));
        incidents
    }

    /// Whether they survive a restart.
    pub fn are_kept(&self) -> bool {
        self.on_disk
    }

    /// Every change from now on. A subscriber that falls far behind is told how many it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<Update> {
        self.feed.subscribe()
    }

    /// The latest incidents, newest first, at most `limit`.
    pub fn recent(&self, limit: usize) -> Vec<Arc<Incident>> {
        self.locked().iter().rev().take(limit).cloned().collect()
    }

    /// The incident of this id.
    pub fn get(&self, id: &str) -> Option<Arc<Incident>> {
        self.locked().iter().rev().find(|incident| incident.id == id).cloned()
    }

    /// Those that last, newest first.
    pub fn current(&self) -> Vec<Arc<Incident>> {
        self.locked().iter().rev().filter(|incident| incident.ended.is_none()).cloned().collect()
    }

    /// Remembers what is new of an incident, and tells everybody.
    fn publish(&self, update: Update) {
        let mut kept = self.locked();
        match kept.iter().rposition(|known| known.id == update.incident.id) {
            Some(at) => kept[at] = update.incident.clone(),
            None => kept.push_back(update.incident.clone()),
        }
        if self.on_disk {
            self.outbox.put(&update);
        }
        while kept.len() > KEPT {
            let over = kept.iter().position(|incident| incident.ended.is_some()).unwrap_or(0);
            if let Some(gone) = kept.remove(over) {
                self.outbox.forget(&gone.id);
            }
        }
        // Sent under the lock, so that the feed has the order of changes. No subscriber is no error.
        drop(self.feed.send(update));
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Arc<Incident>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
