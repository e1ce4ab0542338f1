//! Where what happens comes in and what is told goes out. One task does all of it; the parts of Sidestep that something
//! happens in only put it on their own feeds, and never hear of what becomes of it here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::courier::{Courier, Post};
use super::editor::Editor;
use super::mailbox::Mailbox;
use super::notice::{Letterhead, Notice, Phase};
use super::outlet::Outlet;
use super::report;
use crate::catalog::SharedCatalog;
use crate::config::{NotifyConfig, NotifyTarget};
use crate::incidents::{Incidents, Update};
use crate::journal::{Entry, Journal};
use crate::stack::Foundation;

/// Between two looks at the routes while an incident lasts. The end of one is seen by the next look.
const LOOK: Duration = Duration::from_secs(1);

/// Hears of everything, and hands what is to be told to the couriers.
pub(super) struct Desk {
    foundation: Foundation,
    incidents: Arc<Incidents>,
    editor: Editor,
    config: watch::Receiver<NotifyConfig>,
    head: Letterhead,
    stations: BTreeMap<String, Station>,
    couriers: FuturesUnordered<BoxFuture<'static, ()>>,
    /// Since when a route has no target left.
    dry_since: Option<f64>,
}

/// One target, and how it is reached.
struct Station {
    target: NotifyTarget,
    mailbox: Arc<Mailbox>,
    closing: CancellationToken,
}

/// What the desk listens to.
struct Feeds {
    updates: Receiver<Update>,
    entries: Receiver<Entry>,
}

// === impl Desk ===

impl Desk {
    pub(super) fn new(
        on: &Foundation,
        incidents: &Arc<Incidents>,
        config: watch::Receiver<NotifyConfig>,
    ) -> Desk {
        Desk {
            foundation: on.clone(),
            incidents: incidents.clone(),
            editor: Editor::default(),
            config,
            head: Letterhead::default(),
            stations: BTreeMap::new(),
            couriers: FuturesUnordered::new(),
            dry_since: None,
        }
    }

    /// Works until `stop`; then everybody is given a short time to send what is left.
    pub(super) async fn run(mut self, journal: Arc<Journal>, stop: CancellationToken) {
        self.config.mark_changed();
        let mut feeds = Feeds { updates: self.incidents.subscribe(), entries: journal.subscribe() };
        loop {
            let next = self.editor.next();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                changed = self.config.changed() => {
                    if changed.is_err() { break }
                    self.reconfigure();
                }
                update = feeds.updates.recv() => self.hear_update(update),
                entry = feeds.entries.recv() => self.hear_entry(entry),
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => self.tell_due(false),
                () = sleep(LOOK), if !self.editor.is_idle() => self.look_at_routes(),
                Some(()) = self.couriers.next() => {}
            }
        }
        self.tell_due(true);
        self.stations.values().for_each(|station| station.closing.cancel());
        while self.couriers.next().await.is_some() {}
    }

    fn hear_update(&mut self, update: Result<Update, RecvError>) {
        match update {
            Ok(update) => self.hear(report::incident(&update.incident)),
            // What was missed is in the record.
            Err(_) => {
                let recent = self.incidents.recent(usize::MAX);
                recent.iter().rev().for_each(|incident| self.hear(report::incident(incident)));
            }
        }
        self.look_at_routes();
    }

    fn hear_entry(&mut self, entry: Result<Entry, RecvError>) {
        match entry {
            Ok(entry) => self.hear(report::entry(&entry)),
            Err(why) => tracing::warn!(%why, "decisions were made faster than they could be told of"),
        }
    }

    /// Looks whether every route has a target. What a look finds is as it is now, whatever was missed.
    fn look_at_routes(&mut self) {
        if self.stations.is_empty() {
            return;
        }
        let catalog: &SharedCatalog = &self.foundation.catalog;
        let (topology, now) = (catalog.load().topology.clone(), self.foundation.clock.unix_now());
        let since = self.dry_since.unwrap_or(now);
        let notice = report::routes(&topology, since, now);
        self.dry_since = (notice.phase != Phase::Over).then_some(since);
        self.hear(Some(notice));
    }

    fn hear(&mut self, notice: Option<Notice>) {
        // Who tells nobody has nothing to keep.
        let Some(notice) = notice.filter(|_| !self.stations.is_empty()) else { return };
        if let Some(notice) = self.editor.hear(notice, Instant::now()) {
            self.tell(&notice);
        }
    }

    fn tell_due(&mut self, hurry: bool) {
        for notice in self.editor.due(Instant::now(), hurry) {
            tracing::info!(event = notice.event.as_str(), subject = notice.subject, "notifying");
            self.tell(&notice);
        }
    }

    fn tell(&self, notice: &Notice) {
        self.stations.values().for_each(|station| station.mailbox.put(notice));
    }

    /// Puts the newest configuration in force. What waits for a target of the same name stays.
    fn reconfigure(&mut self) {
        let config = self.config.borrow_and_update().clone();
        let head = Letterhead::from(&config);
        let mut before = std::mem::take(&mut self.stations);
        for target in &config.targets {
            let old = before.remove(&target.name);
            let station = match old {
                // The files that it names may have changed behind unchanged names.
                Some(old) if old.target == *target && head == self.head && target.ca_file.is_none() => old,
                old => self.station(target, &head, old.as_ref()),
            };
            self.stations.insert(target.name.clone(), station);
        }
        before.values().for_each(|gone| {
            gone.mailbox.drain();
            gone.closing.cancel();
        });
        self.head = head;
        let names = self.stations.keys().cloned().collect();
        self.foundation.metrics.retire_targets(&names);
        self.incidents.current().iter().for_each(|incident| self.hear(report::incident(incident)));
    }

    fn station(&self, target: &NotifyTarget, head: &Letterhead, old: Option<&Station>) -> Station {
        let metrics = self.foundation.metrics.target(&target.name);
        let mailbox = Arc::new(Mailbox::new(target.kind, target.events.clone(), metrics));
        if let Some(old) = old {
            mailbox.inherit(&old.mailbox);
            old.closing.cancel();
        }
        // An Alertmanager has to be told again and again, whoever did it before.
        self.editor.told().for_each(|notice| mailbox.put(&notice));
        let closing = CancellationToken::new();
        let Foundation { clock, dice, .. } = &self.foundation;
        let post = Post {
            mailbox: mailbox.clone(),
            head: head.clone(),
            clock: *clock,
            draw: dice.throw(),
            closing: closing.clone(),
        };
        self.couriers.push(Box::pin(Courier::new(target, Outlet::build(target), post).run()));
        Station { target: target.clone(), mailbox, closing }
    }
}
