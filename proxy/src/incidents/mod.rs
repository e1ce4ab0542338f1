//! The incident record: what was ill, since when, what Sidestep did about it, and what it cost.
//!
//! ```text
//! journal, judge's view → clerk → casebook (which trouble belongs together) → Incidents → page, notices, /incidents
//! ```
//!
//! One provider has at most one incident at a time: whatever befalls its models while it lasts belongs to it. Two
//! providers in trouble at once are two incidents, each with an end of its own.

mod case;
mod casebook;
mod clerk;
mod name;
mod record;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

pub use self::clerk::Clerk;
pub use self::record::{Calls, Evidence, Extra, Incident, ModelPart, Scope};

/// Incidents kept; the oldest go first.
const KEPT: usize = 200;
/// Updates that a slow subscriber may lag behind before it loses the oldest ones.
const FEED: usize = 64;

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
}

impl Default for Incidents {
    fn default() -> Self {
        Self { kept: Mutex::default(), feed: broadcast::Sender::new(FEED) }
    }
}

impl Incidents {
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
        while kept.len() > KEPT {
            kept.pop_front();
        }
        // Sent under the lock, so that the feed has the order of changes. No subscriber is no error.
        drop(self.feed.send(update));
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Arc<Incident>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
