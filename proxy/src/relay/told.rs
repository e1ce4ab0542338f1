//! One upstream stream, told to the caller: split, decoded, and either passed on as it is or said anew.

use bytes::{Bytes, BytesMut};
use sidestep_dialect::{
    BlockKind, Decoder, Dialect, Encoder, ErrorForm, Event, Forward, Journal, RawEvent, Splitter,
    StreamFault, Tail, Usage, write_stream_error,
};
use sidestep_probes::class_of_stream;

use crate::miss::Failed;

/// The state of one stream.
pub struct Told {
    caller: Dialect,
    splitter: Splitter,
    decoder: Decoder,
    telling: Telling,
    /// What the caller was told, should another upstream have to tell the rest; `None` when none may.
    journal: Option<Journal>,
    /// The block of text that is being told.
    text: Option<u32>,
    events: Vec<Event>,
    out: BytesMut,
    over: bool,
    refused: bool,
    progressed: bool,
    held: Option<StreamFault>,
}

/// How the caller is told.
#[expect(clippy::large_enum_variant, reason = "there is one for each stream, in the box of its `Told`")]
pub enum Telling {
    /// It speaks the upstream's dialect: complete events go on byte for byte.
    AsIs,
    /// It speaks another one.
    Anew(Encoder),
    /// By somebody else, who joins the events to those of another stream.
    Aside(Vec<Event>),
}

impl Told {
    /// A stream of the decoder's dialect for a caller of dialect `caller`; events over `event_bytes` break it.
    #[must_use]
    pub fn new(caller: Dialect, decoder: Decoder, telling: Telling, event_bytes: usize) -> Told {
        Told {
            caller,
            splitter: Splitter::new(event_bytes),
            decoder,
            telling,
            journal: None,
            text: None,
            events: Vec::new(),
            out: BytesMut::new(),
            over: false,
            refused: false,
            progressed: false,
            held: None,
        }
    }

    /// Keeps what the caller is told from now on.
    #[must_use]
    pub fn with_journal(mut self, journal: Journal) -> Told {
        self.journal = Some(journal);
        self
    }

    /// Takes what the upstream sent.
    ///
    /// # Errors
    /// When the stream cannot go on. What was complete before is told all the same.
    pub fn take(&mut self, chunk: Bytes) -> Result<(), StreamFault> {
        self.splitter.feed(chunk);
        while !self.is_finished() {
            let Some(next) = self.splitter.next() else { break };
            let event = next?;
            self.events.clear();
            let decoded = self.decoder.decode(&event, &mut self.events);
            self.pass_on(decoded, Some(&event))?;
        }
        Ok(())
    }

    /// The upstream has nothing more to send. A whole answer that lacks only its end marker gets one.
    ///
    /// # Errors
    /// When something of the answer is missing.
    pub fn end(&mut self) -> Result<(), StreamFault> {
        if self.is_finished() {
            return Ok(());
        }
        let tail = self.splitter.finish();
        self.events.clear();
        let finished = self.decoder.finish(&tail, &mut self.events);
        let last = match &tail {
            Tail::Event(event) => Some(event),
            // It was taken for whole, so it goes on as a whole event: with the blank line that it lacked.
            Tail::Torn(event) if event.is_whole() => Some(event),
            Tail::Torn(_) | Tail::Clean => None,
        };
        self.pass_on(finished, last)?;
        if matches!(self.telling, Telling::AsIs) {
            let passed = *self.decoder.forward() != Forward::Nothing;
            if passed && matches!(tail, Tail::Torn(_)) && last.is_some() {
                self.out.extend_from_slice(b"\n\n");
            }
            if let Some(marker) = self.decoder.missing_terminal() {
                self.out.extend_from_slice(marker);
            }
        }
        self.over = true;
        Ok(())
    }

    /// Tells the decoded events, which came as `raw`.
    fn pass_on(
        &mut self,
        decoded: Result<(), StreamFault>,
        raw: Option<&RawEvent>,
    ) -> Result<(), StreamFault> {
        self.progressed |= self.events.iter().any(|event| *event != Event::Ping);
        let failure = self.events.iter().position(|event| matches!(event, Event::Error { .. }));
        let good = failure.unwrap_or(self.events.len());
        let outcome = match failure.map(|at| self.events.remove(at)) {
            Some(Event::Error { failure }) => Err(StreamFault::InBand(failure)),
            _ => decoded,
        };
        match &mut self.telling {
            // An event that breaks the stream is not passed on, and nothing that it says was said.
            Telling::AsIs => {
                outcome.clone()?;
                let forward = self.decoder.forward();
                if let (Some(raw), true) = (raw, *forward != Forward::Nothing) {
                    if let Forward::After(late) = forward {
                        self.out.extend_from_slice(late);
                    }
                    self.out.extend_from_slice(&raw.raw);
                    if let Some(journal) = &mut self.journal {
                        journal.pass(raw);
                    }
                }
            }
            Telling::Anew(encoder) => {
                for event in &self.events[..good] {
                    encoder.encode(event, &mut self.out);
                    self.refused |= encoder.is_over() && *event != Event::End;
                }
            }
            Telling::Aside(events) => events.extend_from_slice(&self.events[..good]),
        }
        if let Some(journal) = &mut self.journal {
            for event in &self.events[..good] {
                journal.note(event);
                match event {
                    Event::Open { key, kind: BlockKind::Text } => self.text = Some(*key),
                    Event::Close { key, .. } if self.text == Some(*key) => self.text = None,
                    _ => {}
                }
            }
        }
        outcome
    }

    /// Ends the stream with an error that every SDK raises. A half event is left out; no end marker follows.
    pub fn break_off(&mut self, form: &ErrorForm) {
        match &mut self.telling {
            Telling::Anew(encoder) => encoder.error(form, &mut self.out),
            Telling::AsIs | Telling::Aside(_) => {
                self.out.extend_from_slice(&write_stream_error(self.caller, form));
            }
        }
        self.over = true;
    }

    /// Keeps a break for later: what came before it is worth committing to.
    pub fn hold_break(&mut self, fault: StreamFault) {
        self.held.get_or_insert(fault);
    }

    /// The break that was kept.
    pub fn take_break(&mut self) -> Option<StreamFault> {
        self.held.take()
    }

    /// Whether the upstream said anything but pings and comments since this was last asked.
    pub fn progressed(&mut self) -> bool {
        std::mem::take(&mut self.progressed)
    }

    /// What is ready for the caller.
    pub fn ready(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| self.out.split().freeze())
    }

    /// What is to be told by somebody else, since this was last asked.
    pub fn aside(&mut self) -> Vec<Event> {
        match &mut self.telling {
            Telling::Aside(events) => std::mem::take(events),
            Telling::AsIs | Telling::Anew(_) => Vec::new(),
        }
    }

    /// What the caller has been told.
    #[must_use]
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Whether the caller has been told part of a text. One that was closed is over, though the answer may not be: who
    /// is asked to go on with it has nothing to say.
    #[must_use]
    pub fn is_in_text(&self) -> bool {
        self.text.is_some()
    }

    /// What wrote to the caller, unless the upstream's bytes were passed on as they are.
    pub fn take_pen(&mut self) -> Option<Encoder> {
        match std::mem::replace(&mut self.telling, Telling::AsIs) {
            Telling::Anew(encoder) => Some(encoder),
            Telling::AsIs | Telling::Aside(_) => None,
        }
    }

    /// True once something came that an application would show or act on.
    #[must_use]
    pub fn is_meaningful(&self) -> bool {
        self.decoder.progress().meaningful
    }

    /// True once the answer has said why it stopped; at most an end marker is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.decoder.progress().complete
    }

    /// True after the terminal event; nothing may follow.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.over || self.decoder.progress().terminal
    }

    /// True when the answer is whole but could not be told to its end in the caller's dialect: an error was.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// Malformed events that were left out so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.decoder.progress().dropped
    }

    /// What the upstream says it cost, so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.decoder.progress().usage
    }

    /// What it has cost, should it end here: the count of what was put out comes last, so it may be an estimate.
    #[must_use]
    pub fn spent(&self) -> Usage {
        self.journal.as_ref().map_or_else(|| self.usage(), Journal::usage)
    }
}

/// A stream that broke, as a failed attempt.
#[must_use]
pub fn failed(fault: &StreamFault) -> Failed {
    let class = class_of_stream(fault);
    let failure = match fault {
        StreamFault::InBand(failure) => Some(failure.clone()),
        _ => None,
    };
    Failed { class, failure, answer: None }
}
