//! `/events`: what `/status` says, each time that it changes, and every decision as it is made, as server-sent events
//! (HTML standard, 9.2). A stream holds no queue: it is asked for its next event when its reader has taken the last,
//! so that a slow reader misses statuses in between and nothing piles up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Admin;
use super::reply::{Reply, refusal};
use crate::incidents::{Change, Incident, Update};
use crate::journal::Entry;

/// Streams at once; each costs a connection and at most one event's size.
pub(super) const STREAMS: usize = 32;
/// Incidents that a new reader is told.
const INCIDENTS: usize = 8;
/// How soon somebody who found no place may ask again, in seconds.
const AGAIN: &str = "5";
/// The status at most this often.
const TICK: Duration = Duration::from_secs(1);
/// Something at least this often, so that both sides know that the other one is there.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

/// Streams under way, and the status that they share.
pub struct Live {
    room: Arc<Semaphore>,
    stop: CancellationToken,
    told: Mutex<Option<Told>>,
    /// Tells this process's entries from those of the one before, whose numbers were the same.
    run: u64,
}

/// A status, written.
#[derive(Clone)]
struct Told {
    at: Instant,
    /// Grows with each change.
    version: u64,
    /// What of it counts as a change.
    essence: Value,
    event: Bytes,
}

/// One reader's place in the stream.
struct Reader {
    admin: Arc<Admin>,
    entries: broadcast::Receiver<Entry>,
    incidents: broadcast::Receiver<Update>,
    ticks: Interval,
    /// Entries that wait to be sent, the last one first.
    backlog: Vec<Entry>,
    /// The latest incidents, likewise: a reader who missed an update is told how they stand.
    standing: Vec<Arc<Incident>>,
    seen: Seen,
    _place: OwnedSemaphorePermit,
}

/// What a reader has been sent.
struct Seen {
    entry: u64,
    status: u64,
    status_at: Instant,
    step: f64,
}

// === impl Live ===

impl Live {
    /// No stream yet; all end when `stop` is cancelled. `now` is the wall clock in seconds since 1970.
    pub fn new(stop: CancellationToken, now: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time after 1970")]
        let run = now.max(0.0) as u64;
        Self { room: Arc::new(Semaphore::new(STREAMS)), stop, told: Mutex::default(), run }
    }
}

impl Admin {
    /// Opens a stream. With `Last-Event-ID` it begins with the entries after that one, without with all that are kept.
    pub(super) fn stream(self: &Arc<Self>, headers: &HeaderMap) -> Reply {
        let Ok(place) = Arc::clone(&self.live.room).try_acquire_owned() else {
            let why = format!("{STREAMS} readers follow already; ask /status instead");
            let mut reply = refusal(StatusCode::SERVICE_UNAVAILABLE, why);
            reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(AGAIN));
            return reply;
        };
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let reader = Reader::new(Arc::clone(self), last, place);
        let stop = self.live.stop.clone();
        let greeting = stream::iter([Bytes::from_static(b"retry: 2000\n\n")]);
        let events = stream::unfold(reader, |mut reader| async { Some((reader.next().await, reader)) });
        let events = stream::StreamExt::chain(greeting, events);
        let events = stream::StreamExt::take_until(events, stop.cancelled_owned());
        let frames = stream::StreamExt::map(events, |event| Ok::<_, Infallible>(Frame::data(event)));
        let body = StreamBody::new(frames).map_err(|never| match never {}).boxed_unsync();
        let mut reply = Response::new(body);
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        // nginx would collect a stream otherwise.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        reply
    }

    /// The status as of the last second, written once for all readers; `None` when there is none any more.
    async fn told(&self) -> Option<Told> {
        let mut told = self.live.told.lock().await;
        if let Some(told) = told.as_ref().filter(|told| told.at.elapsed() < TICK) {
            return Some(told.clone());
        }
        let mut status = serde_json::to_value(self.report().await?).ok()?;
        // Entries are events of their own.
        without(&mut status, &["events"]);
        let event = event("status", None, &status);
        // Times are told by the wall clock, against which the other one drifts: what they mark changes too when they do.
        without(
            &mut status,
            &["at", "uptime_seconds", "left_seconds", "since", "set_at", "held_until", "limited_until"],
        );
        coarsen(&mut status);
        let version = match told.as_ref() {
            Some(before) if before.essence == status => before.version,
            before => before.map_or(0, |before| before.version) + 1,
        };
        let now = Told { at: Instant::now(), version, essence: status, event };
        *told = Some(now.clone());
        Some(now)
    }
}

// === impl Reader ===

impl Reader {
    fn new(admin: Arc<Admin>, last: Option<&str>, place: OwnedSemaphorePermit) -> Self {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Listens before it looks, so that no entry falls between.
        let entries = admin.journal.subscribe();
        let step = admin.history.latest().map_or(0.0, |step| step.at);
        let entry = last.and_then(|id| admin.live.seen(id)).unwrap_or(0);
        let incidents = admin.incidents.subscribe();
        let standing = admin.incidents.recent(INCIDENTS);
        let seen = Seen { entry, status: 0, status_at: Instant::now(), step };
        let backlog = Vec::new();
        let mut reader = Reader { admin, entries, incidents, ticks, backlog, standing, seen, _place: place };
        // More than there are: an id of another life.
        if reader.admin.journal.recent(1).last().is_none_or(|newest| newest.seq < reader.seen.entry) {
            reader.seen.entry = 0;
        }
        reader.catch_up();
        reader
    }

    /// The next event; waits for one as long as it takes.
    async fn next(&mut self) -> Bytes {
        loop {
            if let Some(entry) = self.backlog.pop() {
                self.seen.entry = entry.seq;
                return event("entry", Some((self.admin.live.run, entry.seq)), &entry);
            }
            if let Some(incident) = self.standing.pop() {
                let change = if incident.ended.is_some() { Change::Ended } else { Change::Changed };
                return event("incident", None, &Update { change, incident });
            }
            tokio::select! {
                entry = self.entries.recv() => match entry {
                    Ok(entry) => self.backlog.extend(Some(entry).filter(|entry| entry.seq > self.seen.entry)),
                    Err(RecvError::Lagged(_)) => self.catch_up(),
                    // The journal lives as long as the admin side.
                    Err(RecvError::Closed) => std::future::pending().await,
                },
                update = self.incidents.recv() => match update {
                    Ok(update) => return event("incident", None, &update),
                    Err(RecvError::Lagged(_)) => self.standing = self.admin.incidents.recent(INCIDENTS),
                    Err(RecvError::Closed) => std::future::pending().await,
                },
                _ = self.ticks.tick() => if let Some(event) = self.look().await {
                    return event;
                },
            }
        }
    }

    /// Takes what the journal still has of the entries that were not sent.
    fn catch_up(&mut self) {
        self.backlog = self.admin.journal.recent(usize::MAX);
        self.backlog.retain(|entry| entry.seq > self.seen.entry);
        self.backlog.reverse();
    }

    async fn look(&mut self) -> Option<Bytes> {
        if let Some(step) = self.admin.history.latest().filter(|step| step.at > self.seen.step) {
            self.seen.step = step.at;
            // The status is looked at with the next tick.
            return Some(event("sample", None, &*step));
        }
        let told = self.admin.told().await?;
        if told.version == self.seen.status && self.seen.status_at.elapsed() < SILENCE {
            return None;
        }
        (self.seen.status, self.seen.status_at) = (told.version, Instant::now());
        Some(told.event)
    }
}

impl Live {
    /// Places that are free.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.room.available_permits()
    }

    /// The entry that an id names, if it is one of this process.
    fn seen(&self, id: &str) -> Option<u64> {
        let (run, seq) = id.split_once('-')?;
        (run.parse() == Ok(self.run)).then_some(())?;
        seq.parse().ok()
    }
}

/// Written as JSON, which holds no line break, so that it is one line of the stream.
fn event(name: &str, id: Option<(u64, u64)>, data: &impl Serialize) -> Bytes {
    let id = id.map(|(run, seq)| format!("id: {run}-{seq}\n")).unwrap_or_default();
    match serde_json::to_string(data) {
        Ok(data) => format!("event: {name}\n{id}data: {data}\n\n").into(),
        // A comment: readers skip it.
        Err(error) => format!(": cannot write {name}: {error}\n\n").into(),
    }
}

/// Brings other times down to tens of seconds, for the same reason.
fn coarsen(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(coarsen),
        Value::Array(items) => items.iter_mut().for_each(coarsen),
        Value::Number(number) => {
            if let Some(time) = number.as_f64().filter(|number| *number > 1e9) {
                *value = Value::from((time / 10.0).round());
            }
        }
        _ => {}
    }
}

/// Takes members of these names away, however deep they are.
fn without(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|member| without(member, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| without(item, names)),
        _ => {}
    }
}
