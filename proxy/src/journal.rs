//! What happened and why, for the timeline: a bounded ring of recent entries, and a live feed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sidestep_table::{Decision, DecisionKind, Subject};
use tokio::sync::broadcast;

use crate::clock::Clock;

/// Entries kept for the status page.
const KEPT: usize = 256;
/// Entries that a slow subscriber may lag behind before it loses the oldest ones.
const FEED: usize = 256;

/// The state of something that has begun, in [`Entry::to`].
pub const BEGUN: &str = "begun";
/// The state of something that is over, in [`Entry::to`].
pub const OVER: &str = "over";

/// One notable event. Holds no prompt, completion or credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number: 1, 2, 3 and so on within one process.
    pub seq: u64,
    /// Seconds since 1970.
    pub at: f64,
    /// What kind of event.
    pub kind: Kind,
    /// The model, provider, file or part that it concerns.
    pub subject: String,
    /// State before, where there is one; of traffic, the model that would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// State after, where there is one; of traffic, the model that does instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// For a person: the reason.
    pub why: String,
    /// Who did it, when it was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// Kinds of notable events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A model's verdict changed by itself.
    Verdict,
    /// A recovering model moved to another stage of its ramp.
    Stage,
    /// A provider's verdict changed, and with it what its models may take.
    Provider,
    /// A credential was given up or taken back.
    Credential,
    /// An operator's switch was set or cleared, or ran out.
    Switch,
    /// This host is suspected itself, so that failures are not held against models for a while.
    Freeze,
    /// A configuration came into force or was refused.
    Config,
    /// The process started, drained, or lost a part.
    Process,
    /// Calls of a route began to be rerouted, rescued or refused, or no longer are.
    Traffic,
    /// The probe budget was spent, or suffices again.
    Probes,
    /// A fault was injected for practice, cleared, or ran out.
    Rehearsal,
}

/// Bounded memory of notable events. Share it in an `Arc`.
pub struct Journal {
    clock: Clock,
    recent: Mutex<Recent>,
    feed: broadcast::Sender<Entry>,
}

#[derive(Default)]
struct Recent {
    entries: VecDeque<Entry>,
    /// The number of the latest entry.
    seq: u64,
}

impl Kind {
    /// The kind as it stands in JSON and in the terminal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Stage => "stage",
            Self::Provider => "provider",
            Self::Credential => "credential",
            Self::Switch => "switch",
            Self::Freeze => "freeze",
            Self::Config => "config",
            Self::Process => "process",
            Self::Traffic => "traffic",
            Self::Probes => "probes",
            Self::Rehearsal => "rehearsal",
        }
    }
}

impl From<DecisionKind> for Kind {
    fn from(kind: DecisionKind) -> Self {
        match kind {
            DecisionKind::Verdict => Self::Verdict,
            DecisionKind::Stage => Self::Stage,
            DecisionKind::Provider => Self::Provider,
            DecisionKind::Credential => Self::Credential,
            DecisionKind::Switch => Self::Switch,
            DecisionKind::Freeze => Self::Freeze,
        }
    }
}

impl Journal {
    /// An empty journal that tells time by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { clock, recent: Mutex::default(), feed: broadcast::Sender::new(FEED) }
    }

    /// Notes one decision of the judge.
    pub fn decided(&self, decision: &Decision) {
        self.push(Entry {
            seq: 0,
            at: self.clock.reading().unix(decision.at),
            kind: decision.kind.into(),
            subject: match &decision.subject {
                Subject::Provider(id) => id.to_string(),
                Subject::Model(id) => id.to_string(),
            },
            from: Some(decision.from.as_str().to_owned()),
            to: Some(decision.to.as_str().to_owned()),
            why: decision.why.clone(),
            actor: decision.actor.clone(),
        });
    }

    /// Notes an event without states, now.
    pub fn note(&self, kind: Kind, subject: &str, why: &str) {
        self.note_state(kind, subject, None, why);
    }

    /// Notes an event that left `subject` in the state `to`, now.
    pub fn note_state(&self, kind: Kind, subject: &str, to: Option<&str>, why: &str) {
        self.push(Entry {
            seq: 0,
            at: self.clock.unix_now(),
            kind,
            subject: subject.to_owned(),
            from: None,
            to: to.map(str::to_owned),
            why: why.to_owned(),
            actor: None,
        });
    }

    /// Notes, now, what became of calls of `route` that `from` would have answered; `to` did it instead, if anybody.
    pub fn traffic(&self, route: &str, from: Option<&str>, to: Option<&str>, why: &str) {
        self.push(Entry {
            seq: 0,
            at: self.clock.unix_now(),
            kind: Kind::Traffic,
            subject: route.to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            why: why.to_owned(),
            actor: None,
        });
    }

    /// The latest entries, oldest first, at most `limit`.
    pub fn recent(&self, limit: usize) -> Vec<Entry> {
        let entries = &self.locked().entries;
        entries.iter().skip(entries.len().saturating_sub(limit)).cloned().collect()
    }

    /// The entries after the one numbered `seq`, oldest first, as far as they are still kept.
    pub fn after(&self, seq: u64) -> Vec<Entry> {
        let recent = self.locked();
        let fresh = usize::try_from(recent.seq.saturating_sub(seq)).unwrap_or(usize::MAX);
        let skipped = recent.entries.len().saturating_sub(fresh);
        recent.entries.iter().skip(skipped).cloned().collect()
    }

    /// Every entry from now on. A subscriber that falls far behind is told how many it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<Entry> {
        self.feed.subscribe()
    }

    /// Gives the entry its number and makes it known.
    fn push(&self, entry: Entry) {
        let mut recent = self.locked();
        recent.seq += 1;
        let entry = Entry { seq: recent.seq, ..entry };
        if recent.entries.len() == KEPT {
            recent.entries.pop_front();
        }
        recent.entries.push_back(entry.clone());
        // Sent under the lock, so that the feed has the ring's order. No subscriber is no error.
        drop(self.feed.send(entry));
    }

    fn locked(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_latest_and_feeds_all_in_order() {
        let journal = Journal::new(Clock::start());
        let mut feed = journal.subscribe();
        for number in 0..KEPT + 10 {
            journal.note(Kind::Process, "test", &number.to_string());
            let fed = feed.recv().await.unwrap();
            assert_eq!((fed.why, fed.seq), (number.to_string(), number as u64 + 1));
        }
        let kept = journal.recent(usize::MAX);
        assert_eq!(kept.len(), KEPT);
        assert_eq!(kept[0].why, "10");
        assert_eq!(
            journal.recent(2).iter().map(|entry| entry.why.as_str()).collect::<Vec<_>>(),
            ["264", "265"]
        );
        let after = |seq| journal.after(seq).into_iter().map(|entry| entry.seq).collect::<Vec<_>>();
        assert_eq!(after(264), [265, 266]);
        assert_eq!((after(266), after(1000)), (vec![], vec![]));
        assert_eq!(after(0).len(), KEPT);
    }
}
