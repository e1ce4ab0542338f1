//! One upstream stream, told to the caller: split, decoded, and either passed on as it is or said anew.

use bytes::{Bytes, BytesMut};
use sidestep_dialect::{
    Decoder, Dialect, Encoder, ErrorForm, Event, Failure, Splitter, StopReason, StreamFault, Usage,
    write_stream_error,
};
use sidestep_probes::class_of;
use sidestep_table::{Class, Fault};

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
    usage: Usage,
    stop: Option<StopReason>,
    meaningful: bool,
    finished: bool,
    progressed: bool,
    held: Option<Broken>,
}

/// Why a stream cannot go on.
#[derive(Debug)]
pub enum Broken {
    /// It broke off, stalled, or is no stream of its dialect.
    Fault(Fault),
    /// One event is over the size limit.
    Oversize,
    /// The upstream said so in the stream.
    InBand(Failure),
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
            usage: Usage::default(),
            stop: None,
            meaningful: false,
            finished: false,
            progressed: false,
            held: None,
        }
    }

    /// Takes what the upstream sent.
    ///
    /// # Errors
    /// When the stream cannot go on. What was complete before is written all the same.
    pub fn take(&mut self, chunk: Bytes) -> Result<(), Broken> {
        self.splitter.feed(chunk);
        while !self.finished {
            let Some(next) = self.splitter.next() else { break };
            let event = next.map_err(|_| Broken::Oversize)?;
            self.events.clear();
            self.decoder.decode(&event, &mut self.events).map_err(Broken::from)?;
            self.observe()?;
            if self.encoder.is_none() {
                self.out.extend_from_slice(&event.raw);
            }
        }
        Ok(())
    }

    /// The upstream has nothing more to send.
    ///
    /// # Errors
    /// When something is missing.
    pub fn end(&mut self) -> Result<(), Broken> {
        if self.finished {
            return Ok(());
        }
        self.events.clear();
        // A stop reason came but no end marker: the answer is whole, and the marker is supplied.
        self.decoder.finish(&mut self.events).map_err(Broken::from)?;
        self.observe()?;
        if self.encoder.is_none() {
            self.out.extend_from_slice(&sidestep_dialect::end_marker(self.caller));
        }
        Ok(())
    }

    /// Looks at the decoded events, and says them anew when the caller speaks another dialect.
    fn observe(&mut self) -> Result<(), Broken> {
        for event in &self.events {
            self.progressed |= !matches!(event, Event::Ping);
            match event {
                Event::Error { failure } => return Err(Broken::InBand(failure.clone())),
                Event::Usage(usage) => self.usage = *usage,
                Event::Start { usage: Some(usage), .. } => self.usage = *usage,
                Event::Stop { reason, .. } => self.stop = Some(*reason),
                Event::End => self.finished = true,
                _ => self.meaningful |= event.is_meaningful(),
            }
            if let Some(encoder) = &mut self.encoder {
                encoder.encode(event, &mut self.out);
            }
        }
        Ok(())
    }

    /// Ends the stream with an error that every SDK raises. A half event is left out; no end marker follows.
    pub fn break_off(&mut self, form: &ErrorForm) {
        match &mut self.encoder {
            Some(encoder) => encoder.error(form, &mut self.out),
            None => self.out.extend_from_slice(&write_stream_error(self.caller, form)),
        }
        self.finished = true;
    }

    /// Keeps a break for later: what came before it is worth committing to.
    pub fn hold_break(&mut self, broken: Broken) {
        self.held.get_or_insert(broken);
    }

    /// The break that was kept.
    pub fn take_break(&mut self) -> Option<Broken> {
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

    /// How much is ready, in bytes.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.out.len()
    }

    /// True once something came that an application would show or act on.
    #[must_use]
    pub fn is_meaningful(&self) -> bool {
        self.meaningful
    }

    /// True after the terminal event; nothing may follow.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// True when it finished as if it were well, but said nothing and spent nothing.
    #[must_use]
    pub fn is_hollow(&self) -> bool {
        self.finished && !self.meaningful && self.usage.output == 0 && self.stop == Some(StopReason::EndTurn)
    }

    /// What the upstream says it cost, so far.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.usage
    }
}

impl From<StreamFault> for Broken {
    fn from(fault: StreamFault) -> Broken {
        Broken::Fault(match fault {
            StreamFault::Truncated => Fault::Truncated,
            _ => Fault::Broken,
        })
    }
}

impl Broken {
    /// What the table is told.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Broken::Fault(fault) => Class::Hard(*fault),
            Broken::Oversize => Class::Hard(Fault::Broken),
            Broken::InBand(failure) => match class_of(failure) {
                // Its words cannot be taken back: an error after the 200 is a failure of the upstream.
                Class::Hard(_) => Class::Hard(Fault::InBand),
                class => class,
            },
        }
    }

    /// As a failed attempt.
    #[must_use]
    pub fn into_failed(self) -> Failed {
        let class = self.class();
        let failure = match self {
            Broken::InBand(failure) => Some(failure),
            Broken::Fault(_) | Broken::Oversize => None,
        };
        Failed { class, failure, answer: None }
    }
}
