//! Answers that broke off after each of their events and were continued by another model, as a client would see them.
//! The official SDKs must take each for one answer; `tests/sdk/run seams` asks them.
//!
//! Prints one JSON object a line: `name`, `dialect` (the client's), the joined answer's `text`,
//! `joined` with the `body` and the `output` tokens of each cut, and `refused` with bodies whose continuation could not be joined:
//! those must raise.

use std::error::Error;
use std::io::Write;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use serde_json::{Value, json};
use sidestep_dialect::{
    AnswerContext, BlockKind, Decoder, Dialect, Encoder, ErrorForm, ErrorKind, Event, Flavor, Journal,
    RawEvent, Splice, Splitter, StopReason, Tier, Usage, peek,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A block of an answer in the pieces in which it comes.
type Pieces = (BlockKind, Vec<&'static str>);

const DIALECTS: [Dialect; 3] = [Dialect::Anthropic, Dialect::OpenAi, Dialect::Responses];
const LARGEST_EVENT: usize = 1 << 20;
const USAGE: Usage = Usage { input: 9, cache_read: 0, cache_write: 0, output: 40, reasoning: 0 };

/// A stream and where it breaks off.
struct Cut<'a> {
    upstream: Dialect,
    client: Dialect,
    events: &'a [Bytes],
}

/// What a client got before the cut.
struct Begun {
    journal: Journal,
    encoder: Option<Encoder>,
    out: BytesMut,
}

fn main() -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    for (what, blocks) in answers() {
        for upstream in DIALECTS {
            for client in DIALECTS {
                for second in DIALECTS {
                    writeln!(out, "{}", continued(what, &blocks, [upstream, client, second])?)?;
                }
            }
        }
    }
    Ok(())
}

/// One answer with all of its cuts, each continued by a model of the dialect `second`, for one client.
fn continued(what: &str, blocks: &[Pieces], [upstream, client, second]: [Dialect; 3]) -> Outcome<Value> {
    // Thoughts have no pieces here.
    let text: String = blocks.iter().map(|(_, pieces)| pieces.concat()).collect();
    let events = split(&written(upstream, &answer("first", blocks)))?;
    let (mut joined, mut refused) = (Vec::new(), Vec::new());
    for at in 1..events.len() {
        let cut = Cut { upstream, client, events: &events[..at] };
        let begun = cut.begun()?;
        let rest = text.strip_prefix(begun.journal.text()).unwrap_or_default();
        if begun.journal.unfit().is_some() || rest.trim().is_empty() {
            continue;
        }
        let (body, output) = begun.joined(second, rest)?;
        joined.push(json!({ "at": at, "body": body, "output": output }));
        let (body, _) = cut.begun()?.joined(second, &format!("Sure! Here is the rest: {rest}"))?;
        refused.push(json!({ "at": at, "body": body }));
    }
    Ok(json!({
        "name": format!("{what}, {} to {}, continued in {}", upstream.as_str(), client.as_str(), second.as_str()),
        "dialect": client.as_str(),
        "text": text,
        "joined": joined,
        "refused": refused,
    }))
}

impl Cut<'_> {
    fn begun(&self) -> Outcome<Begun> {
        let translated = self.upstream != self.client;
        let field = if self.client == Dialect::Responses { "input" } else { "messages" };
        let body = json!({ "model": "m", "stream": true, field: [{ "role": "user", "content": "hi" }] });
        let ask = peek(self.client, &HeaderMap::new(), body.to_string().as_bytes())?;
        let mut begun = Begun {
            journal: Journal::new(&ask, translated),
            encoder: translated.then(|| Encoder::new(self.client, context())),
            out: BytesMut::new(),
        };
        let mut decoder = Decoder::new(self.upstream, Flavor::Generic);
        for raw in self.events {
            let mut said = Vec::new();
            let event = RawEvent::parse(raw.clone());
            decoder.decode(&event, &mut said)?;
            for event in &said {
                begun.journal.note(event);
                if let Some(encoder) = &mut begun.encoder {
                    encoder.encode(event, &mut begun.out);
                }
            }
            if !translated {
                begun.journal.pass(&event);
                begun.out.extend_from_slice(raw);
            }
        }
        Ok(begun)
    }
}

impl Begun {
    /// The stream with `rest` from another model, and all of its output tokens.
    fn joined(mut self, second: Dialect, rest: &str) -> Outcome<(String, u64)> {
        let encoder = self.encoder.take();
        let encoder = encoder.or_else(|| Encoder::resume(&self.journal, context(), &mut self.out));
        let mut encoder = encoder.ok_or("the stream cannot be resumed")?;
        let mut splice = Splice::new(&self.journal, &encoder, Tier::Instruct);
        let stream =
            written(second, &answer("second", &[(BlockKind::Text, rest.split_inclusive(' ').collect())]));
        let mut decoder = Decoder::new(second, Flavor::Generic);
        for raw in split(&stream)? {
            let (mut said, mut joined) = (Vec::new(), Vec::new());
            decoder.decode(&RawEvent::parse(raw), &mut said)?;
            let taken = said.iter().try_for_each(|event| splice.take(event, &mut joined));
            joined.iter().for_each(|event| encoder.encode(event, &mut self.out));
            if taken.is_err() {
                encoder.error(&error(), &mut self.out);
                break;
            }
        }
        Ok((String::from_utf8(self.out.to_vec())?, splice.usage().output))
    }
}

fn split(stream: &Bytes) -> Outcome<Vec<Bytes>> {
    let mut splitter = Splitter::new(LARGEST_EVENT);
    splitter.feed(stream.clone());
    let mut events = Vec::new();
    while let Some(event) = splitter.next() {
        events.push(event?.raw);
    }
    Ok(events)
}

fn written(dialect: Dialect, answer: &[Event]) -> Bytes {
    let mut encoder = Encoder::new(dialect, context());
    let mut out = BytesMut::new();
    answer.iter().for_each(|event| encoder.encode(event, &mut out));
    out.freeze()
}

fn answers() -> [(&'static str, Vec<Pieces>); 3] {
    let words = vec!["Nïce", " 東京", " 🚲", "\n\nand", " bells", " that ring", " on", " the hill."];
    [
        ("one block", vec![(BlockKind::Text, words.clone())]),
        (
            "two blocks",
            vec![(BlockKind::Text, words.clone()), (BlockKind::Text, vec![" And", " so", " on."])],
        ),
        ("sealed thoughts", vec![(BlockKind::Thinking, vec![]), (BlockKind::Text, words)]),
    ]
}

fn answer(model: &str, blocks: &[(BlockKind, Vec<&str>)]) -> Vec<Event> {
    let mut events = vec![Event::Start { id: format!("id_{model}"), model: model.to_owned(), usage: USAGE }];
    for (key, (kind, pieces)) in (0..).zip(blocks) {
        events.push(Event::Open { key, kind: kind.clone() });
        events.extend(pieces.iter().map(|&text| Event::Delta { key, text: text.to_owned() }));
        if *kind == BlockKind::Thinking {
            events.push(Event::Signature { key, signature: "c2VhbA==".to_owned() });
        }
        events.push(Event::Close { key, sealed: true });
    }
    events.extend([Event::Usage(USAGE), Event::Stop(StopReason::EndTurn, None), Event::End]);
    events
}

fn context() -> AnswerContext {
    AnswerContext {
        id_seed: 1,
        created: 1_800_000_000,
        include_usage: true,
        served_model: "served".to_owned(),
        request_id: "req_1".to_owned(),
    }
}

fn error() -> ErrorForm {
    ErrorForm {
        status: 502,
        kind: ErrorKind::Internal,
        message: "the upstream model's answer broke off".to_owned(),
        code: None,
        param: None,
        retry_after: None,
        should_retry: None,
        request_id: "req_1".to_owned(),
    }
}
