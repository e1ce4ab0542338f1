//! From a vendor's events to neutral ones.

use std::fmt;

use super::anthropic_decoder::AnthropicDecoder;
use super::damage::{Damage, Forward, said_late};
use super::event::{Event, StreamFault};
use super::openai_decoder::OpenAiDecoder;
use super::progress::Progress;
use super::responses_decoder::ResponsesDecoder;
use super::responses_items::Words;
use crate::error::{Failure, classify};
pub(super) use crate::sse::DONE;
use crate::sse::{RawEvent, Tail};
use crate::{Dialect, Flavor};

/// Reads one stream, event by event.
pub struct Decoder {
    dialect: Dialect,
    grammar: Grammar,
    progress: Progress,
    forward: Forward,
}

enum Grammar {
    Anthropic(AnthropicDecoder),
    OpenAi(OpenAiDecoder),
    Responses(ResponsesDecoder),
}

impl Decoder {
    /// A decoder for one stream of a `dialect`, as the vendor named by `flavor` speaks it.
    #[must_use]
    pub fn new(dialect: Dialect, flavor: Flavor) -> Self {
        let grammar = match dialect {
            Dialect::Anthropic => Grammar::Anthropic(AnthropicDecoder::default()),
            Dialect::OpenAi => Grammar::OpenAi(OpenAiDecoder::new(flavor)),
            Dialect::Responses => Grammar::Responses(ResponsesDecoder::new(flavor)),
        };
        Self { dialect, grammar, progress: Progress::default(), forward: Forward::AsIs }
    }

    /// Reads one event and appends what it says. What comes after the end marker or after a failure is ignored. A
    /// malformed event that held nothing of the answer, or nothing that does not come again, is left out and counted
    /// in [`Progress::dropped`].
    ///
    /// # Errors
    /// The stream is no answer; what could be read of this event stands in `out` all the same.
    pub fn decode(&mut self, raw: &RawEvent, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.progress.terminal {
            return Ok(());
        }
        let from = out.len();
        self.forward = Forward::AsIs;
        let result = match self.read(raw, out) {
            Err(fault @ StreamFault::Broken(_)) if out.len() == from => self.excuse(raw, fault),
            result => result.and_then(|()| self.repair(raw, &out[from..])),
        };
        self.observe(&out[from..]);
        result.and_then(|()| self.judge_end(out.len() > from))
    }

    /// How the event that was decoded last goes on to a caller of the same dialect.
    #[must_use]
    pub fn forward(&self) -> &Forward {
        &self.forward
    }

    /// Ends the stream. A last event without its blank line counts if it is whole in itself; an answer that lacks
    /// nothing but its end marker is complete, and [`Self::missing_terminal`] names the marker.
    ///
    /// # Errors
    /// [`StreamFault::Truncated`] when the answer had not ended, [`StreamFault::InBand`] when it ended in a failure
    /// that the vendor reported.
    pub fn finish(&mut self, tail: &Tail, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        // Unless it is read now, the last event is of no use to anybody.
        self.forward = Forward::Nothing;
        if let Tail::Event(last) | Tail::Torn(last) = tail
            && (last.is_whole() || last.data.is_empty())
        {
            self.decode(last, out)?;
        }
        if let Some(failure) = &self.progress.error {
            return Err(StreamFault::InBand(failure.clone()));
        }
        if self.progress.terminal {
            return Ok(());
        }
        let from = out.len();
        let result = match &mut self.grammar {
            Grammar::Anthropic(grammar) => grammar.finish(out),
            Grammar::OpenAi(grammar) => grammar.finish(out),
            Grammar::Responses(_) => Err(StreamFault::Truncated),
        };
        self.observe(&out[from..]);
        result.and_then(|()| self.judge_end(true))
    }

    /// Reads an answer that came whole, as the events that its stream would have had.
    ///
    /// # Errors
    /// The body is no complete answer: the same faults as those of a stream.
    pub fn decode_whole(&mut self, body: &[u8], out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let from = out.len();
        let result = match &mut self.grammar {
            Grammar::Anthropic(grammar) => grammar.decode_whole(body, out),
            Grammar::OpenAi(grammar) => grammar.decode_whole(body, out),
            Grammar::Responses(grammar) => grammar.decode_whole(body, out),
        };
        self.observe(&out[from..]);
        if let Some(failure) = &self.progress.error {
            return Err(StreamFault::InBand(failure.clone()));
        }
        result.and_then(|()| self.judge_end(true))
    }

    /// What is known of the stream so far.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The end marker that a complete answer lacks, in the stream's own dialect; nothing while the answer is not
    /// complete, for no truncated answer may be given one.
    #[must_use]
    pub fn missing_terminal(&self) -> Option<&'static [u8]> {
        match &self.grammar {
            Grammar::Anthropic(grammar) => grammar.missing_terminal(),
            Grammar::OpenAi(grammar) => grammar.missing_terminal(),
            Grammar::Responses(_) => None,
        }
    }

    /// Leaves a malformed event out if that costs nothing.
    fn excuse(&mut self, raw: &RawEvent, fault: StreamFault) -> Result<(), StreamFault> {
        match (Damage::of(self.dialect, raw, &self.progress), &mut self.grammar) {
            (Damage::None, _) => {}
            (Damage::Words, Grammar::Responses(grammar)) => grammar.lose_words(),
            _ => return Err(fault),
        }
        self.forward = Forward::Nothing;
        self.progress.dropped += 1;
        Ok(())
    }

    /// While words are missing, those that follow them wait.
    fn repair(&mut self, raw: &RawEvent, events: &[Event]) -> Result<(), StreamFault> {
        let Grammar::Responses(grammar) = &mut self.grammar else { return Ok(()) };
        self.forward = match (grammar.words_lost(), raw.name(), events) {
            (None, ..) => return Ok(()),
            (Some(Words::Missing), Some("response.output_text.delta"), []) => Forward::Nothing,
            (Some(Words::Missing), ..) => return Ok(()),
            (Some(Words::Found), _, [.., Event::Delta { text, .. }, Event::Close { .. }]) => {
                let late = said_late(raw, text);
                Forward::After(late.ok_or(StreamFault::Broken("lost words without a place"))?)
            }
            (Some(Words::Found), ..) => Forward::AsIs,
        };
        Ok(())
    }

    fn read(&mut self, raw: &RawEvent, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        if raw.data.is_empty() {
            return self.read_plain_body(raw, out);
        }
        match &mut self.grammar {
            Grammar::Anthropic(grammar) => grammar.decode(raw, out),
            Grammar::OpenAi(grammar) => grammar.decode(raw, out),
            Grammar::Responses(grammar) => grammar.decode(raw, out),
        }
    }

    /// Comments are nothing, but a JSON or HTML body in a stream's place is a failure.
    fn read_plain_body(&self, raw: &RawEvent, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        match raw.raw.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') if mentions_error(&raw.raw) => {
                out.push(Event::Error { failure: in_band(self.dialect, &raw.raw) });
                Ok(())
            }
            Some(b'{' | b'[' | b'<') => Err(StreamFault::NotAStream),
            _ => Ok(()),
        }
    }

    fn observe(&mut self, events: &[Event]) {
        for event in events {
            self.progress.observe(event);
        }
        if let Grammar::Anthropic(AnthropicDecoder { stopped: true, .. })
        | Grammar::OpenAi(OpenAiDecoder { finished: Some(_), .. }) = &self.grammar
        {
            self.progress.complete = self.progress.error.is_none();
        }
    }

    fn judge_end(&self, news: bool) -> Result<(), StreamFault> {
        if news && self.progress.terminal && self.progress.is_empty() {
            Err(StreamFault::Empty)
        } else {
            Ok(())
        }
    }
}

/// Leaves out what the model says, for debug output ends up in logs.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({}, {:?})", self.dialect.as_str(), self.progress)
    }
}

/// A failure that a vendor reports inside a stream.
pub(super) fn in_band(dialect: Dialect, body: &[u8]) -> Failure {
    classify(dialect, 200, &http::HeaderMap::new(), body)
}

fn mentions_error(body: &[u8]) -> bool {
    body.windows(b"\"error\"".len()).any(|word| word == b"\"error\"")
}
