//! What waits for one target: bounded, the newest state of each trouble only, and not too much of any one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::notice::{Notice, Phase};
use crate::config::{NotifyEvent, TargetKind};
use crate::metrics::{NotifyOutcome, TargetMetrics};

/// Messages that wait at most. Each is of another trouble.
const ROOM: usize = 64;
/// Messages of one trouble that may go out at once; then one each [`PAUSE`].
const BURST: f64 = 4.0;
/// Between two messages of a trouble that comes and goes.
const PAUSE: Duration = Duration::from_secs(180);

/// A notice on its way to people.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letter {
    pub(super) notice: Notice,
    /// Beginnings and ends of the same trouble that were not told, for this one says where they led to.
    pub(super) more: u32,
    /// Since when, in seconds since 1970.
    pub(super) since: f64,
}

/// Filled by the desk, emptied by a courier.
pub(super) struct Mailbox {
    kind: TargetKind,
    events: Vec<NotifyEvent>,
    waiting: Mutex<Waiting>,
    filled: Notify,
    pub(super) metrics: Option<Arc<TargetMetrics>>,
}

#[derive(Default)]
struct Waiting {
    letters: VecDeque<Letter>,
    paces: BTreeMap<String, Pace>,
}

/// A bucket of messages that refills by one each [`PAUSE`].
#[derive(Clone, Copy)]
struct Pace {
    left: f64,
    at: Instant,
}

// === impl Mailbox ===

impl Mailbox {
    pub(super) fn new(
        kind: TargetKind,
        events: Vec<NotifyEvent>,
        metrics: Option<Arc<TargetMetrics>>,
    ) -> Mailbox {
        Mailbox { kind, events, waiting: Mutex::default(), filled: Notify::new(), metrics }
    }

    /// Takes what its target wants to be told of; never waits.
    pub(super) fn put(&self, notice: &Notice) {
        if self.wants(notice) {
            self.keep(Letter { notice: notice.clone(), more: 0, since: notice.began });
            self.filled.notify_one();
        }
    }

    /// Takes what was not sent before the target was changed.
    pub(super) fn inherit(&self, older: &Mailbox) {
        let letters = std::mem::take(&mut older.locked().letters);
        older.count_waiting(0);
        letters.into_iter().for_each(|letter| self.keep(letter));
        self.filled.notify_one();
    }

    /// The next letter whose time has come; with `hurry` that of every letter has.
    pub(super) fn take(&self, hurry: bool) -> Option<Letter> {
        let now = Instant::now();
        let mut waiting = self.locked();
        let Waiting { letters, paces } = &mut *waiting;
        let due = |letter: &Letter| {
            hurry || paces.get(&letter.notice.subject).is_none_or(|pace| pace.due(now) <= now)
        };
        let at = letters.iter().position(due)?;
        let letter = letters.remove(at)?;
        paces.retain(|_, pace| pace.refilled(now) < BURST);
        let pace = paces.entry(letter.notice.subject.clone()).or_insert(Pace { left: BURST, at: now });
        *pace = Pace { left: (pace.refilled(now) - 1.0).max(0.0), at: now };
        self.count_waiting(letters.len());
        Some(letter)
    }

    /// Waits until [`Mailbox::take`] may have something.
    pub(super) async fn ready(&self) {
        let next = self.locked().due();
        let timer = async move {
            match next {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.filled.notified() => {}
            () = timer => {}
        }
    }

    /// Whether something newer of the same trouble waits.
    pub(super) fn has_newer(&self, letter: &Letter) -> bool {
        self.locked().letters.iter().any(|waiting| waiting.notice.subject == letter.notice.subject)
    }

    /// Everything that waits, in order.
    pub(super) fn drain(&self) -> Vec<Notice> {
        let letters = std::mem::take(&mut self.locked().letters);
        self.count_waiting(0);
        letters.into_iter().map(|letter| letter.notice).collect()
    }

    /// Counts what became of a notice.
    pub(super) fn count(&self, notice: &Notice, outcome: NotifyOutcome) {
        if let Some(metrics) = &self.metrics {
            metrics.finished(shown(notice), outcome);
        }
    }

    /// Whether the target is told of this. The end of what it is not told of does not concern it, nor do figures
    /// concern people.
    fn wants(&self, notice: &Notice) -> bool {
        let machine = self.kind == TargetKind::Alertmanager;
        self.events.contains(&notice.event)
            && match notice.phase {
                Phase::Began | Phase::Grew => true,
                Phase::Revised => machine,
                Phase::Over => machine || self.events.contains(&NotifyEvent::Restored),
            }
    }

    fn keep(&self, mut letter: Letter) {
        let mut waiting = self.locked();
        let letters = &mut waiting.letters;
        let older = letters.iter_mut().find(|waiting| waiting.notice.subject == letter.notice.subject);
        if let Some(older) = older {
            if letter.follow(older) {
                self.count(&older.notice, NotifyOutcome::Merged);
            }
            *older = letter;
            return;
        }
        if letters.len() >= ROOM
            && let Some(oldest) = letters.pop_front()
        {
            self.count(&oldest.notice, NotifyOutcome::Dropped);
        }
        letters.push_back(letter);
        self.count_waiting(letters.len());
    }

    fn count_waiting(&self, letters: usize) {
        if let Some(metrics) = &self.metrics {
            metrics.waiting(letters);
        }
    }

    fn locked(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a notice is counted as.
fn shown(notice: &Notice) -> NotifyEvent {
    if notice.phase == Phase::Over { NotifyEvent::Restored } else { notice.event }
}

// === impl Letter ===

impl Letter {
    /// Takes the place of `older`, which was not sent. Returns whether that one is lost, so that there is one less.
    fn follow(&mut self, older: &Letter) -> bool {
        (self.more, self.since) = (older.more, older.since);
        match (older.notice.phase, self.notice.phase) {
            // Nobody has heard of it yet.
            (Phase::Began, Phase::Grew | Phase::Revised) => self.notice.phase = Phase::Began,
            (Phase::Grew, Phase::Revised) => self.notice.phase = Phase::Grew,
            (Phase::Grew, Phase::Grew) | (Phase::Revised, _) => {}
            // One message tells of the whole.
            (Phase::Began | Phase::Grew, Phase::Over) => return true,
            _ => {
                self.more += 1;
                return true;
            }
        }
        false
    }
}

// === impl Pace ===

impl Pace {
    fn refilled(self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + since / PAUSE.as_secs_f64()).min(BURST)
    }

    /// When a message may go.
    fn due(self, now: Instant) -> Instant {
        let lacking = (1.0 - self.refilled(now)).max(0.0);
        now + PAUSE.mul_f64(lacking)
    }
}

impl Waiting {
    /// When the first letter may go.
    fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        let due = |letter: &Letter| self.paces.get(&letter.notice.subject).map_or(now, |pace| pace.due(now));
        self.letters.iter().map(due).min()
    }
}
