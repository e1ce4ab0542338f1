//! Puts incidents on disk, beside everything else: what is slow or full there stops nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::folder::Folder;
use super::{Change, Incidents, Update};
use crate::journal::{Journal, Kind};
use crate::metrics::Metrics;

/// An incident under way is written at most this often, and what could not be written is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// What is to be written: at most one version of each incident that is remembered.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: Mutex<BTreeMap<String, Arc<super::Incident>>>,
    urgent: Notify,
}

/// Writes what is in the outbox.
pub(super) struct Keeper {
    incidents: Arc<Incidents>,
    folder: Folder,
    journal: Arc<Journal>,
    metrics: Arc<Metrics>,
    /// The last attempt to write failed.
    failing: bool,
}

// === impl Outbox ===

impl Outbox {
    /// Puts an incident in. Its beginning and its end do not wait.
    pub(super) fn put(&self, update: &Update) {
        self.locked().insert(update.incident.id.clone(), update.incident.clone());
        if update.change != Change::Changed {
            self.urgent.notify_one();
        }
    }

    /// Forgets an incident that is no longer remembered.
    pub(super) fn forget(&self, id: &str) {
        self.locked().remove(id);
    }

    fn take(&self) -> BTreeMap<String, Arc<super::Incident>> {
        std::mem::take(&mut self.locked())
    }

    /// Puts back what could not be written, unless there is something newer.
    fn put_back(&self, incident: Arc<super::Incident>) {
        self.locked().entry(incident.id.clone()).or_insert(incident);
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Arc<super::Incident>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Keeper ===

impl Keeper {
    pub(super) fn new(
        incidents: Arc<Incidents>,
        folder: Folder,
        journal: Arc<Journal>,
        metrics: Arc<Metrics>,
    ) -> Keeper {
        Keeper { incidents, folder, journal, metrics, failing: false }
    }

    /// Works until `stop`, then writes what still waits.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.incidents.outbox.urgent.notified() => {}
                _ = ticks.tick() => {}
            }
            self.write().await;
        }
        self.write().await;
    }

    async fn write(&mut self) {
        let waiting = self.incidents.outbox.take();
        if waiting.is_empty() {
            return;
        }
        let (folder, incidents) = (self.folder.clone(), self.incidents.clone());
        let writing = spawn_blocking(move || {
            let mut unwritten = Vec::new();
            let mut reason = None;
            for incident in waiting.into_values() {
                if let Err(error) = folder.save(&incident) {
                    reason = Some(error);
                    unwritten.push(incident);
                }
            }
            let swept = folder.sweep(|id| incidents.get(id).is_some());
            (unwritten, reason.or(swept.err()))
        });
        // The blocking pool ends with the process only.
        let Ok((unwritten, reason)) = writing.await else { return };
        for incident in unwritten {
            if self.incidents.get(&incident.id).is_some() {
                self.incidents.outbox.put_back(incident);
            }
        }
        self.report(reason);
    }

    /// Says once that the disk fails, and once that it no longer does.
    fn report(&mut self, reason: Option<std::io::Error>) {
        let path = self.folder.path().display();
        match reason {
            Some(error) => {
                self.metrics.incident_file_failed();
                tracing::warn!(%path, %error, "incidents cannot be kept on disk; they are kept in memory");
                if !std::mem::replace(&mut self.failing, true) {
                    let why = format!("incidents cannot be kept in {path}, and are kept in memory: {error}");
                    self.journal.note(Kind::Process, "incidents", &why);
                }
            }
            None if std::mem::take(&mut self.failing) => {
                tracing::info!(%path, "incidents are kept on disk again");
                self.journal.note(Kind::Process, "incidents", &format!("incidents are kept in {path} again"));
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
