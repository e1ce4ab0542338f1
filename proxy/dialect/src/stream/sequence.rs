//! Blocks one after the other, however the vendor mixed them.

use bytes::BytesMut;

use super::event::{BlockKind, Event};

/// Writes events of a stream in which no block overlaps another.
pub(super) trait Writer {
    /// Whether blocks of this kind can be told in the dialect. Others are left out whole.
    fn shows(&self, kind: &BlockKind) -> bool;

    /// Writes one event.
    fn write(&mut self, event: &Event, out: &mut BytesMut);
}

/// Lets one block through at a time, and holds what belongs to the next ones until it is closed.
#[derive(Default)]
pub(super) struct Sequence {
    current: Option<u32>,
    /// The current block is text.
    text: bool,
    waiting: Vec<Waiting>,
}

struct Waiting {
    key: u32,
    events: Vec<Event>,
    closed: bool,
}

impl Sequence {
    /// In the midst of a block of text, or between blocks.
    pub(super) fn resumed(current: Option<u32>) -> Self {
        Self { current, text: current.is_some(), waiting: Vec::new() }
    }

    /// The block that is being written, and whether it is text.
    pub(super) const fn current(&self) -> Option<(u32, bool)> {
        match self.current {
            Some(key) => Some((key, self.text)),
            None => None,
        }
    }

    /// Passes an event on, now or when its turn has come.
    pub(super) fn pass(&mut self, event: &Event, writer: &mut dyn Writer, out: &mut BytesMut) {
        match event {
            Event::Open { key, kind } => {
                if !writer.shows(kind) {
                    return;
                }
                if self.current.is_none() {
                    self.current = Some(*key);
                    self.text = *kind == BlockKind::Text;
                    writer.write(event, out);
                } else {
                    self.waiting.push(Waiting { key: *key, events: vec![event.clone()], closed: false });
                }
            }
            Event::Delta { key, .. } | Event::Signature { key, .. } => self.add(*key, event, writer, out),
            Event::Close { key, .. } => {
                self.add(*key, event, writer, out);
                if self.current == Some(*key) {
                    self.current = None;
                    self.promote(writer, out);
                } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.key == *key) {
                    waiting.closed = true;
                }
            }
            Event::Stop(..) | Event::End => {
                self.close_all(writer, out);
                writer.write(event, out);
            }
            Event::Start { .. } | Event::Usage(_) | Event::Error { .. } | Event::Ping => {
                writer.write(event, out)
            }
        }
    }

    fn add(&mut self, key: u32, event: &Event, writer: &mut dyn Writer, out: &mut BytesMut) {
        if self.current == Some(key) {
            writer.write(event, out);
        } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.key == key) {
            waiting.events.push(event.clone());
        }
    }

    fn promote(&mut self, writer: &mut dyn Writer, out: &mut BytesMut) {
        while self.current.is_none() && !self.waiting.is_empty() {
            let next = self.waiting.remove(0);
            for event in &next.events {
                writer.write(event, out);
            }
            self.text = matches!(next.events.first(), Some(Event::Open { kind: BlockKind::Text, .. }));
            self.current = (!next.closed).then_some(next.key);
        }
    }

    fn close_all(&mut self, writer: &mut dyn Writer, out: &mut BytesMut) {
        while let Some(key) = self.current.take() {
            writer.write(&Event::Close { key, sealed: true }, out);
            self.promote(writer, out);
        }
    }
}
