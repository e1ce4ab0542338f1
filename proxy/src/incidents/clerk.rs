//! Keeps the record: looks whenever something was decided, and every second while an incident lasts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Incidents;
use super::casebook::Casebook;
use crate::clock::Clock;
use crate::journal::Journal;
use crate::judge::JudgeHandle;

/// Between two looks while an incident lasts.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes the incident record; a task of its own, on no call's path.
pub struct Clerk {
    incidents: Arc<Incidents>,
    journal: Arc<Journal>,
    judge: JudgeHandle,
    clock: Clock,
    casebook: Casebook,
    /// The latest entry of the journal that was taken in.
    seq: u64,
}

impl Clerk {
    /// Keeps `incidents` by what `journal` notes and `judge` says.
    #[must_use]
    pub fn new(incidents: Arc<Incidents>, journal: Arc<Journal>, judge: JudgeHandle, clock: Clock) -> Clerk {
        Clerk { incidents, journal, judge, clock, casebook: Casebook::default(), seq: 0 }
    }

    /// Works until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut feed = self.journal.subscribe();
        let mut ticks = interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                // Only a bell: what was noted is read from the journal, which a lagging reader can do too.
                _ = feed.recv() => while feed.try_recv().is_ok() {},
                _ = ticks.tick(), if self.casebook.is_busy() => {}
            }
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let Some(view) = self.judge.view().await else { return };
        let entries = self.journal.after(self.seq);
        self.seq = entries.last().map_or(self.seq, |entry| entry.seq);
        let incidents = &self.incidents;
        let taken = |id: &str| incidents.get(id).is_some();
        for update in self.casebook.look(&view, entries, self.clock.reading(), taken) {
            incidents.publish(update);
        }
    }
}
