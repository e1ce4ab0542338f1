//! A stream that breaks off, and another that continues it, as a caller sees the two.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use serde_json::json;
use sidestep_dialect::{
    Ask, Decoder, Dialect, Encoder, Event, Flavor, Forward, Journal, RawEvent, SeamFault, Splice, Splitter,
    StreamFault, Tail, Tier, Unfit, Usage, peek, write_stream_error,
};

use crate::exchange::{context, error_form};

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The first stream was whole.
    Whole,
    /// Joined.
    Joined,
    Unfit(Unfit),
    Refused(SeamFault),
    /// The second stream broke as well.
    Broken,
}

/// What the caller got, and how.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) out: BytesMut,
    pub(crate) end: End,
    /// What had been said when the first stream broke off.
    pub(crate) said: String,
    pub(crate) spent: Usage,
    pub(crate) splits_words: bool,
}

/// A stream on its way to a caller.
struct Relay {
    caller: Dialect,
    decoder: Decoder,
    encoder: Option<Encoder>,
    journal: Journal,
    out: BytesMut,
}

/// A plain question.
pub(crate) fn ask(dialect: Dialect) -> Ask {
    let field = if dialect == Dialect::Responses { "input" } else { "messages" };
    let turns = json!([{ "role": "user", "content": "Well?" }]);
    peek(
        dialect,
        &HeaderMap::new(),
        json!({ "model": "m", "stream": true, field: turns }).to_string().as_bytes(),
    )
    .unwrap()
}

/// Tells a caller the first stream, and from where it ends without an end, the second. `pace` is the number of events
/// of the second after which the seam's time is over.
pub(crate) fn told(
    caller: Dialect,
    first: (Dialect, &[u8]),
    second: (Dialect, &[u8]),
    tier: Tier,
    pace: usize,
) -> Told {
    let translated = caller != first.0;
    let mut relay = Relay {
        caller,
        decoder: Decoder::new(first.0, Flavor::Generic),
        encoder: translated.then(|| Encoder::new(caller, context())),
        journal: Journal::new(&ask(caller), translated),
        out: BytesMut::new(),
    };
    let whole = relay.first(first.1).is_ok();
    let (said, spent) = (relay.journal.text().to_owned(), relay.journal.usage());
    let splits_words = relay.journal.splits_words();
    let end = if whole { End::Whole } else { relay.continued(second, tier, pace) };
    Told { out: relay.out, end, said, spent, splits_words }
}

impl Relay {
    fn first(&mut self, stream: &[u8]) -> Result<(), StreamFault> {
        let mut splitter = Splitter::new(1 << 24);
        splitter.feed(Bytes::copy_from_slice(stream));
        let mut events = Vec::new();
        while let Some(raw) = splitter.next() {
            let raw = raw?;
            events.clear();
            self.decoder.decode(&raw, &mut events)?;
            for event in &events {
                self.journal.note(event);
                if let Some(encoder) = &mut self.encoder {
                    encoder.encode(event, &mut self.out);
                }
            }
            if self.encoder.is_none() {
                self.journal.pass(&raw);
                self.out.extend_from_slice(&raw.raw);
            }
        }
        events.clear();
        let tail = splitter.finish();
        self.decoder.finish(&tail, &mut events)?;
        for event in &events {
            if let Some(encoder) = &mut self.encoder {
                encoder.encode(event, &mut self.out);
            }
        }
        if self.encoder.is_none() {
            let last = match tail {
                Tail::Event(last) => Some(last),
                // A stump of an event has nothing to say, not even an empty line of data.
                Tail::Torn(last) => Some(last).filter(RawEvent::is_whole),
                Tail::Clean => None,
            };
            if let Some(last) = last.filter(|_| *self.decoder.forward() == Forward::AsIs) {
                self.out.extend_from_slice(&last.raw);
                self.out.extend_from_slice(b"\n\n");
            }
            self.out.extend_from_slice(self.decoder.missing_terminal().unwrap_or_default());
        }
        Ok(())
    }

    fn continued(&mut self, (dialect, stream): (Dialect, &[u8]), tier: Tier, pace: usize) -> End {
        let unfit = self.journal.unfit();
        if unfit.is_none() && self.encoder.is_none() {
            self.encoder = Encoder::resume(&self.journal, context(), &mut self.out);
        }
        let (None, Some(encoder)) = (unfit, &mut self.encoder) else {
            match &mut self.encoder {
                Some(encoder) => encoder.error(&error_form(), &mut self.out),
                None => self.out.extend_from_slice(&write_stream_error(self.caller, &error_form())),
            }
            return End::Unfit(unfit.unwrap_or(Unfit::Irregular));
        };
        let splice = Splice::new(&self.journal, encoder, tier);
        let end = spliced(splice, (dialect, stream), pace, |event| encoder.encode(event, &mut self.out));
        if end != End::Joined {
            encoder.error(&error_form(), &mut self.out);
        }
        end
    }
}

/// Splices a stream in, event by event.
fn spliced(
    mut splice: Splice,
    (dialect, stream): (Dialect, &[u8]),
    pace: usize,
    mut write: impl FnMut(&Event),
) -> End {
    let (mut decoder, mut splitter) = (Decoder::new(dialect, Flavor::Generic), Splitter::new(1 << 24));
    splitter.feed(Bytes::copy_from_slice(stream));
    let (mut read, mut joined) = (Vec::new(), Vec::new());
    let mut step = 0;
    while let Some(Ok(raw)) = splitter.next() {
        read.clear();
        joined.clear();
        let decoded = decoder.decode(&raw, &mut read);
        let mut taken = read.iter().try_for_each(|event| splice.take(event, &mut joined));
        step += 1;
        if taken.is_ok() && step == pace {
            taken = splice.flush(&mut joined);
        }
        joined.iter().for_each(&mut write);
        if let Err(fault) = taken {
            return End::Refused(fault);
        }
        if decoded.is_err() {
            return End::Broken;
        }
    }
    if read.contains(&Event::End) { End::Joined } else { End::Broken }
}
