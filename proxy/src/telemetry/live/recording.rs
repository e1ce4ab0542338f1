//! What happens to a traced call, until its last part has ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::HeaderValue;
use sidestep_dialect::{Dialect, Target, Usage};
use sidestep_table::{Class, ModelId};
use tokio::time::Instant;

use super::Outlet;
use super::context::{Context, name};
use crate::call::Attempt;
use crate::logging::Ended;
use crate::metrics::Outcome;
use crate::story::Chapters;
use crate::upstream::Upstream;

/// Longest piece of the model name that was asked for, in characters: the application may write what it wants there.
const NAME_SHOWN: usize = 80;

/// A traced call under way. Its parts share it; with the last of them it goes to the queue. So it does not matter in
/// which order the parts of a call that its application has left are let go.
pub(super) struct Recording {
    start: Start,
    propagate: bool,
    outlet: Outlet,
    progress: Mutex<Progress>,
}

/// What is known from the beginning.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) context: Context,
    pub(super) requested: String,
    began: Instant,
    /// The same in nanoseconds since 1970.
    began_unix: u64,
}

#[derive(Default)]
struct Progress {
    asked: Vec<ModelId>,
    under_way: usize,
    attempts: Vec<AttemptFacts>,
    root: Option<Root>,
}

/// A call that has ended.
pub(super) struct Recorded {
    pub(super) start: Start,
    pub(super) root: Root,
    pub(super) attempts: Vec<AttemptFacts>,
}

/// How a call ended.
pub(super) struct Root {
    pub(super) ended: Instant,
    pub(super) id: String,
    pub(super) route: String,
    pub(super) dialect: Option<Dialect>,
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) streamed: bool,
    pub(super) chapters: Chapters,
}

/// An attempt under way.
pub(super) struct AttemptRecord {
    recording: Arc<Recording>,
    pub(super) facts: AttemptFacts,
}

/// One attempt of a call.
pub(super) struct AttemptFacts {
    pub(super) span: u64,
    pub(super) role: Role,
    pub(super) model: ModelId,
    pub(super) upstream: Arc<Upstream>,
    /// The name that the provider was asked for.
    pub(super) asked: String,
    /// What the table thought of the model.
    pub(super) verdict: &'static str,
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) class: Class,
    pub(super) status: Option<u16>,
    pub(super) first_token: Option<Instant>,
    pub(super) usage: Usage,
}

/// Why an attempt was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nobody had been asked.
    First,
    /// The same model again.
    Retry,
    /// Another model after the one before had failed.
    Reroute,
    /// Another model while the one before was late.
    Hedge,
    /// For the rest of an answer that broke off.
    Rescue,
}

impl Recording {
    pub(super) fn begin(
        context: Context,
        requested: &str,
        began: Instant,
        (propagate, outlet): (bool, Outlet),
    ) -> Recording {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let began_unix = nanos(since.saturating_sub(began.elapsed()));
        let requested = requested.chars().take(NAME_SHOWN).collect();
        let start = Start { context, requested, began, began_unix };
        Recording { start, propagate, outlet, progress: Mutex::default() }
    }

    pub(super) fn close(&self, root: Root) {
        self.progress().root = Some(root);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Progress { attempts, root, .. } = std::mem::take(&mut *self.progress());
        // Without an end only after a panic, which is told elsewhere.
        if let Some(root) = root {
            self.outlet.take(Recorded { start: self.start.clone(), root, attempts });
        }
    }
}

impl Start {
    /// `instant` in nanoseconds since 1970, by the clock as it was when the call began: the times of a trace agree with
    /// each other whatever becomes of the wall clock.
    pub(super) fn unix(&self, instant: Instant) -> u64 {
        self.began_unix.saturating_add(nanos(instant.saturating_duration_since(self.began)))
    }

    pub(super) const fn began(&self) -> Instant {
        self.began
    }
}

impl Recorded {
    /// How many spans it makes.
    pub(super) fn spans(&self) -> u64 {
        1 + self.attempts.len() as u64
    }
}

impl Root {
    pub(super) fn of(call: &Ended<'_>) -> Root {
        Root {
            ended: Instant::now(),
            id: call.id.to_owned(),
            route: call.route.to_owned(),
            dialect: call.dialect,
            outcome: call.outcome,
            status: call.status,
            streamed: call.streamed,
            chapters: call.chapters.clone(),
        }
    }
}

impl AttemptRecord {
    pub(super) fn begin(recording: &Arc<Recording>, attempt: &Attempt, target: &Target) -> AttemptRecord {
        let plan = attempt.model();
        let mut progress = recording.progress();
        let role = match &*progress.asked {
            _ if attempt.call.rest.is_some() => Role::Rescue,
            [] => Role::First,
            _ if progress.under_way > 0 => Role::Hedge,
            asked if asked.contains(&plan.id) => Role::Retry,
            _ => Role::Reroute,
        };
        progress.asked.push(plan.id.clone());
        progress.under_way += 1;
        drop(progress);
        let now = Instant::now();
        let facts = AttemptFacts {
            span: name(&recording.start.context.dice),
            role,
            model: plan.id.clone(),
            upstream: plan.upstream.clone(),
            asked: target.model.chars().take(NAME_SHOWN).collect(),
            verdict: plan.cell.standing().verdict.as_str(),
            began: now,
            ended: now,
            class: Class::Cancel,
            status: None,
            first_token: None,
            usage: Usage::default(),
        };
        AttemptRecord { recording: recording.clone(), facts }
    }

    pub(super) fn header(&self) -> Option<HeaderValue> {
        let trace = self.recording.start.context.trace;
        let told = format!("00-{trace:032x}-{:016x}-01", self.facts.span);
        self.recording.propagate.then(|| HeaderValue::from_str(&told).ok())?
    }

    pub(super) fn end(self, class: Class) {
        let AttemptRecord { recording, mut facts } = self;
        (facts.ended, facts.class) = (Instant::now(), class);
        let mut progress = recording.progress();
        progress.under_way -= 1;
        progress.attempts.push(facts);
    }
}

impl Role {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Role::First => "first",
            Role::Retry => "retry",
            Role::Reroute => "reroute",
            Role::Hedge => "hedge",
            Role::Rescue => "rescue",
        }
    }
}

fn nanos(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
