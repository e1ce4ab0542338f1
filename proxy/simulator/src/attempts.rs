//! The log of attempts: what came, what was done to it, how it ended. Never what was said.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::time::Instant;

/// One HTTP exchange as the vendor saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of one exchange, read one by one")]
pub struct Attempt {
    /// Counts from 0 since the start, also over a cleared log.
    pub number: u64,
    /// When it came, in milliseconds since the vendor's start.
    pub at_ms: u64,
    /// The vendor's name.
    pub vendor: Arc<str>,
    /// The model that was asked for, when the vendor has it.
    pub model: Option<Arc<str>>,
    /// The request's path, when it is one of the vendor's endpoints.
    pub path: &'static str,
    /// A stream was asked for.
    pub streamed: bool,
    /// The prompt was a probe's.
    pub probe: bool,
    /// Faults that were applied, by name.
    pub faults: Vec<&'static str>,
    /// The response's status; none when there was no response.
    pub status: Option<u16>,
    /// What the prompt comes to in tokens, once it is understood.
    pub input_tokens: u64,
    /// Body bytes given to the connection.
    pub bytes: u64,
    /// Pieces that these came in: of a stream, its events, which is a token each and few more.
    pub pieces: u64,
    /// The whole of what was to be sent was sent.
    pub finished: bool,
    /// The caller left before that.
    pub left_early: bool,
}

/// The newest attempts, oldest first, and how many there were in all.
#[derive(Debug)]
pub struct Attempts {
    vendor: Arc<str>,
    start: Instant,
    capacity: usize,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    next: u64,
    kept: VecDeque<Attempt>,
}

/// Writes one attempt's progress; when dropped unfinished, the caller has left.
#[derive(Debug)]
pub(crate) struct Entry {
    attempts: Arc<Attempts>,
    number: u64,
}

impl Attempts {
    pub(crate) fn new(vendor: &str, capacity: usize) -> Self {
        Self {
            vendor: vendor.into(),
            start: Instant::now(),
            capacity: capacity.max(1),
            log: Mutex::default(),
        }
    }

    /// The attempts that are still remembered, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Attempt> {
        self.lock().kept.iter().cloned().collect()
    }

    /// How many there were since the start, forgotten ones included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lock().next
    }

    /// Forgets all; numbers go on.
    pub fn clear(&self) {
        self.lock().kept.clear();
    }

    pub(crate) fn begin(self: &Arc<Self>, path: &'static str) -> Entry {
        let at_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut log = self.lock();
        let number = log.next;
        log.next += 1;
        if log.kept.len() >= self.capacity {
            log.kept.pop_front();
        }
        log.kept.push_back(Attempt {
            number,
            at_ms,
            vendor: Arc::clone(&self.vendor),
            model: None,
            path,
            streamed: false,
            probe: false,
            faults: Vec::new(),
            status: None,
            input_tokens: 0,
            bytes: 0,
            pieces: 0,
            finished: false,
            left_early: false,
        });
        Entry { attempts: Arc::clone(self), number }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Changes the attempt, unless it has been forgotten.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Attempt)) {
        let mut log = self.attempts.lock();
        let Some(first) = log.kept.front().map(|attempt| attempt.number) else { return };
        let place = self.number.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(attempt) = place.and_then(|place| log.kept.get_mut(place)) {
            change(attempt);
        }
    }

    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn finish(&self) {
        self.note(|attempt| attempt.finished = true);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.note(|attempt| attempt.left_early = !attempt.finished);
    }
}
