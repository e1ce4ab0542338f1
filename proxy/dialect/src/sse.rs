//! Server-sent events, cut out of a byte stream as it arrives.
//!
//! Follows the parsing rules of the WHATWG HTML standard, §9.2 "Server-sent events", with two additions that a
//! proxy needs: every event keeps the exact bytes it came in, so that it can be forwarded as it was, and an event
//! that the stream broke off is handed over apart from the whole ones, so that it is never forwarded by mistake.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};

#[cfg(test)]
mod tests;

/// What is wrong with a byte stream as server-sent events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseFault {
    /// One event is longer than the splitter may hold.
    #[error("a server-sent event is longer than {limit} bytes")]
    TooLarge {
        /// The longest event allowed, in bytes, blank line included.
        limit: usize,
    },
}

/// One event of a stream: its exact bytes, and what they say.
#[derive(Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// The bytes as received, up to and including the blank line that ends the event.
    pub raw: Bytes,
    /// The value of the last `event` field, if there was one.
    pub event: Option<Bytes>,
    /// The `data` lines, joined with line feeds. Empty when there is nothing to decode, as in a comment.
    pub data: Bytes,
}

impl RawEvent {
    /// The event's name, if it has one that is valid UTF-8.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.event.as_deref().and_then(|name| std::str::from_utf8(name).ok())
    }

    /// Whether the data is one of the two things that data can be, an end marker or JSON, to its end: then the event
    /// is complete though the stream may have ended before its blank line.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        &self.data[..] == DONE || serde_json::from_slice::<serde::de::IgnoredAny>(&self.data).is_ok()
    }

    /// Reads the fields out of an event's bytes. A byte order mark is skipped; it can only stand in a first event.
    #[must_use]
    pub fn parse(raw: Bytes) -> Self {
        let mut fields = Fields::default();
        let mut start = if raw.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        while start < raw.len() {
            let end = line_break(&raw[start..]).map_or(raw.len(), |at| start + at);
            fields.take(raw.slice(start..end));
            start = end + 1;
        }
        Self { event: fields.event, data: fields.data.into_bytes(), raw }
    }
}

/// What is left when a stream has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the last event was complete.
    Clean,
    /// The last event, complete: it ended in a carriage return that might have had a line feed after it.
    Event(RawEvent),
    /// An event without its closing blank line. It must not be forwarded: a client would glue it to the next one.
    Torn(RawEvent),
}

/// Cuts a byte stream into events, whatever the pieces it arrives in.
///
/// Bytes of an event that arrives in one piece are not copied; of one in several pieces, they are copied once.
pub struct Splitter {
    limit: usize,
    /// The beginning of an event whose end has not arrived; already scanned.
    pending: BytesMut,
    /// Pieces not yet scanned.
    queue: VecDeque<Bytes>,
    scan: Scan,
    failed: bool,
}

/// The end marker of Chat Completions.
pub(crate) const DONE: &[u8] = b"[DONE]";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where the scanner stands, relative to lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    /// Only (part of) a byte order mark has been seen: still the start of a line.
    Mark(usize),
    LineStart,
    InLine,
    /// After a carriage return that ended a line with something on it; a line feed may belong to it.
    LineReturn,
    /// After a carriage return that ended a blank line; a line feed may belong to it.
    BlankReturn,
}

/// Leaves out what the event says, for debug output ends up in logs.
impl fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawEvent({:?}, {} bytes)", self.name(), self.raw.len())
    }
}

impl fmt::Debug for Splitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Splitter({} of {} bytes pending)", self.pending.len(), self.limit)
    }
}

impl Splitter {
    /// A splitter that refuses events over `max_event` bytes.
    #[must_use]
    pub fn new(max_event: usize) -> Self {
        let (pending, queue) = (BytesMut::new(), VecDeque::new());
        Self { limit: max_event, pending, queue, scan: Scan::Mark(0), failed: false }
    }

    /// Takes the next piece of the stream.
    pub fn feed(&mut self, piece: Bytes) {
        if !piece.is_empty() && !self.failed {
            self.queue.push_back(piece);
        }
    }

    /// The next complete event, or nothing until more bytes have come. After a fault there is never anything more.
    #[expect(
        clippy::should_implement_trait,
        reason = "not an iterator: `None` means that more bytes are needed"
    )]
    pub fn next(&mut self) -> Option<Result<RawEvent, SseFault>> {
        while let Some(mut piece) = self.queue.pop_front() {
            let Some(end) = self.scan(&piece) else {
                self.pending.extend_from_slice(&piece);
                if self.pending.len() > self.limit {
                    return Some(Err(self.fail()));
                }
                continue;
            };
            let rest = piece.split_off(end);
            if !rest.is_empty() {
                self.queue.push_front(rest);
            }
            let raw = self.complete(piece);
            return Some(if raw.len() > self.limit { Err(self.fail()) } else { Ok(RawEvent::parse(raw)) });
        }
        None
    }

    /// Ends the stream: what was not complete is handed over. Call [`Self::next`] until it is empty first.
    pub fn finish(&mut self) -> Tail {
        let raw = self.pending.split().freeze();
        self.queue.clear();
        let scan = std::mem::replace(&mut self.scan, Scan::LineStart);
        if self.failed || raw.is_empty() {
            Tail::Clean
        } else if scan == Scan::BlankReturn {
            Tail::Event(RawEvent::parse(raw))
        } else {
            Tail::Torn(RawEvent::parse(raw))
        }
    }

    fn complete(&mut self, piece: Bytes) -> Bytes {
        if self.pending.is_empty() {
            return piece;
        }
        self.pending.extend_from_slice(&piece);
        self.pending.split().freeze()
    }

    fn fail(&mut self) -> SseFault {
        self.failed = true;
        self.pending = BytesMut::new();
        self.queue.clear();
        SseFault::TooLarge { limit: self.limit }
    }

    /// Scans a piece; gives the length of what belongs to the current event when its end is in this piece.
    fn scan(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            if self.scan == Scan::InLine {
                at += line_break(&piece[at..])?;
                self.scan = if piece[at] == b'\n' { Scan::LineStart } else { Scan::LineReturn };
                at += 1;
                continue;
            }
            match self.step(byte) {
                Step::Within => at += 1,
                Step::EndsHere => return Some(at + 1),
                Step::EndedBefore => return Some(at),
            }
        }
        None
    }

    fn step(&mut self, byte: u8) -> Step {
        let blank = matches!(self.scan, Scan::LineStart | Scan::LineReturn | Scan::Mark(_));
        let (next, step) = match (self.scan, byte) {
            (Scan::BlankReturn, b'\n') => (Scan::LineStart, Step::EndsHere),
            (Scan::BlankReturn, _) => (Scan::LineStart, Step::EndedBefore),
            (Scan::LineReturn, b'\n') => (Scan::LineStart, Step::Within),
            (Scan::Mark(seen), b) if BYTE_ORDER_MARK.get(seen) == Some(&b) => {
                (Scan::Mark(seen + 1), Step::Within)
            }
            (Scan::Mark(1 | 2), b'\n') => (Scan::LineStart, Step::Within),
            (Scan::Mark(1 | 2), b'\r') => (Scan::LineReturn, Step::Within),
            (_, b'\n') if blank => (Scan::LineStart, Step::EndsHere),
            (_, b'\r') if blank => (Scan::BlankReturn, Step::Within),
            _ => (Scan::InLine, Step::Within),
        };
        self.scan = next;
        step
    }
}

enum Step {
    Within,
    EndsHere,
    EndedBefore,
}

/// The fields of an event under construction.
#[derive(Default)]
struct Fields {
    event: Option<Bytes>,
    data: Data,
}

/// `data` lines: one is a slice of the event, several have to be joined.
#[derive(Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Joined(BytesMut),
}

impl Fields {
    fn take(&mut self, line: Bytes) {
        let colon = line.iter().position(|&b| b == b':').unwrap_or(line.len());
        let mut value = (colon + 1).min(line.len());
        if line.get(value) == Some(&b' ') {
            value += 1;
        }
        match &line[..colon] {
            b"data" => self.data.push(line.slice(value..)),
            b"event" => self.event = Some(line.slice(value..)),
            _ => {}
        }
    }
}

impl Data {
    fn push(&mut self, line: Bytes) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(line),
            Self::One(first) => Self::Joined(BytesMut::from(&first[..])).joined(&line),
            joined @ Self::Joined(_) => joined.joined(&line),
        };
    }

    fn joined(mut self, line: &[u8]) -> Self {
        if let Self::Joined(all) = &mut self {
            all.extend_from_slice(b"\n");
            all.extend_from_slice(line);
        }
        self
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(line) => line,
            Self::Joined(all) => all.freeze(),
        }
    }
}

fn line_break(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', b'\r', bytes)
}
