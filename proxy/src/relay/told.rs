//! One upstream stream, told to the caller: split, decoded, and either passed on as it is or said anew.

use bytes::{Bytes, BytesMut};
use sidestep_dialect::{
    Decoder, Dialect, Encoder, ErrorForm, Event, Forward, Splitter, StreamFault, Tail, Usage,
    write_stream_error,
};
use sidestep_probes::class_of_stream;

use crate::miss::Failed;

/// The state of one stream.
pub struct Told {
    caller: Dialect,
    splitter: Splitter,
    decoder: Decoder,
    /// `None` when the caller speaks the upstream's dialect: complete events go on byte for byte.
    encoder: Option<Encoder>,
    events: Vec<Event>,
    out: BytesMut,
    over: bool,
    refused: bool,
    progressed: bool,
    held: Option<StreamFault>,
}

impl Told {
    /// A stream of the decoder's dialect for a caller of dialect `caller`; events over `event_bytes` break it.
    #[must_use]
    pub fn new(caller: Dialect, decoder: Decoder, encoder: Option<Encoder>, event_bytes: usize) -> Told {
        Told {
            caller,
            splitter: Splitter::new(event_bytes),
            decoder,
            encoder,
            events: Vec::new(),
            out: BytesMut::new(),
            over: false,
            refused: false,
            progressed: false,
            held: None,
        }
    }

    /// Takes what the upstream sent.
    ///
    /// # Errors
    /// When the stream cannot go on. What was complete before is written all the same.
    pub fn take(&mut self, chunk: Bytes) -> Result<(), StreamFault> {
        self.splitter.feed(chunk);
        while !self.is_finished() {
            let Some(next) = self.splitter.next() else { break };
            let event = next?;
            self.events.clear();
            let decoded = self.decoder.decode(&event, &mut self.events);
            self.pass_on(decoded)?;
            if self.encoder.is_none() {
                match self.decoder.forward() {
                    Forward::AsIs => {}
                    Forward::Nothing => continue,
                    Forward::After(late) => self.out.extend_from_slice(late),
                }
                self.out.extend_from_slice(&event.raw);
            }
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
        self.pass_on(finished)?;
        if self.encoder.is_none() {
            match &tail {
                _ if *self.decoder.forward() == Forward::Nothing => {}
                Tail::Event(event) => self.out.extend_from_slice(&event.raw),
                // It was taken for whole, so it goes on as a whole event: with the blank line that it lacked.
                Tail::Torn(event) if event.is_whole() => {
                    self.out.extend_from_slice(&event.raw);
                    self.out.extend_from_slice(b"\n\n");
                }
                Tail::Torn(_) | Tail::Clean => {}
            }
            if let Some(marker) = self.decoder.missing_terminal() {
                self.out.extend_from_slice(marker);
            }
        }
        self.over = true;
        Ok(())
    }

    /// Says the decoded events anew when the caller speaks another dialect.
    fn pass_on(&mut self, decoded: Result<(), StreamFault>) -> Result<(), StreamFault> {
        self.progressed |= self.events.iter().any(|event| *event != Event::Ping);
        for event in &self.events {
            if let Event::Error { failure } = event {
                return Err(StreamFault::InBand(failure.clone()));
            }
            if let Some(encoder) = &mut self.encoder {
                encoder.encode(event, &mut self.out);
                self.refused |= encoder.is_over() && *event != Event::End;
            }
        }
        decoded
    }

    /// Ends the stream with an error that every SDK raises. A half event is left out; no end marker follows.
    pub fn break_off(&mut self, form: &ErrorForm) {
        match &mut self.encoder {
            Some(encoder) => encoder.error(form, &mut self.out),
            None => self.out.extend_from_slice(&write_stream_error(self.caller, form)),
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
