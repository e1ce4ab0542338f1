//! Every cut of valid streams as a client would see it: the complete events that came before the cut, in the
//! client's dialect, then our error. The official SDKs must raise on each; `tests/sdk/run prefixes` asks them.
//!
//! Prints one JSON object a line: `name`, `dialect` (the client's), `whole`, and `cuts` with the `body` that the
//! cuts after bytes `first..=last` lead to.

use std::error::Error;
use std::io::Write;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use sidestep_dialect::{
    AnswerContext, BlockKind, Decoder, Dialect, Encoder, ErrorForm, ErrorKind, Event, Flavor, Splitter,
    StopReason, Usage, write_stream_error,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

const DIALECTS: [Dialect; 3] = [Dialect::Anthropic, Dialect::OpenAi, Dialect::Responses];
const LARGEST_EVENT: usize = 1 << 20;

fn main() -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    for (what, answer) in answers() {
        for upstream in DIALECTS {
            let stream = written(upstream, &answer);
            for client in DIALECTS {
                writeln!(out, "{}", judged(what, upstream, client, &stream)?)?;
            }
        }
    }
    Ok(())
}

/// One stream with all of its cuts, told to one client.
fn judged(what: &str, upstream: Dialect, client: Dialect, stream: &Bytes) -> Outcome<Value> {
    let mut cuts: Vec<(usize, usize, Bytes)> = Vec::new();
    for cut in 0..stream.len() {
        let body = forwarded(upstream, client, stream.slice(..cut), true)?;
        match cuts.last_mut() {
            Some((_, last, same)) if *same == body => *last = cut,
            _ => cuts.push((cut, cut, body)),
        }
    }
    let cuts = cuts.into_iter().map(|(first, last, body)| {
        Ok(json!({ "first": first, "last": last, "body": std::str::from_utf8(&body)? }))
    });
    let whole = forwarded(upstream, client, stream.clone(), false)?;
    Ok(json!({
        "name": format!("{what}, {} to {}", upstream.as_str(), client.as_str()),
        "dialect": client.as_str(),
        "whole": std::str::from_utf8(&whole)?,
        "cuts": cuts.collect::<Outcome<Vec<_>>>()?,
    }))
}

/// What a client has when `came` is all that came: whole events only, the bytes themselves within one dialect.
fn forwarded(upstream: Dialect, client: Dialect, came: Bytes, broken: bool) -> Outcome<Bytes> {
    let mut splitter = Splitter::new(LARGEST_EVENT);
    let mut decoder = Decoder::new(upstream, Flavor::Generic);
    let mut encoder = Encoder::new(client, context());
    let mut out = BytesMut::new();
    splitter.feed(came);
    while let Some(event) = splitter.next() {
        let event = event?;
        if upstream == client {
            out.extend_from_slice(&event.raw);
            continue;
        }
        let mut said = Vec::new();
        decoder.decode(&event, &mut said)?;
        said.iter().for_each(|event| encoder.encode(event, &mut out));
    }
    match (broken, upstream == client) {
        (false, _) => {}
        (true, true) => out.extend_from_slice(&write_stream_error(client, &error())),
        (true, false) => encoder.error(&error(), &mut out),
    }
    Ok(out.freeze())
}

fn written(dialect: Dialect, answer: &[Event]) -> Bytes {
    let mut encoder = Encoder::new(dialect, context());
    let mut out = BytesMut::new();
    answer.iter().for_each(|event| encoder.encode(event, &mut out));
    out.freeze()
}

/// None that stops for its length or for a filter: some helpers raise on those even when they are whole.
fn answers() -> [(&'static str, Vec<Event>); 4] {
    let tool = |id: &str, name: &str| BlockKind::Tool { id: id.to_owned(), name: name.to_owned() };
    [
        ("text", answer(&[(BlockKind::Text, &["Nïce", " 東京 🚲\n", "\n bells"])], StopReason::EndTurn)),
        (
            "tools",
            answer(
                &[
                    (BlockKind::Text, &["I look."]),
                    (tool("toolu_1", "forecast"), &["{\"city\":", "\"Oslo\"}"]),
                    (tool("toolu_2", "tides"), &["{}"]),
                ],
                StopReason::ToolUse,
            ),
        ),
        (
            "thinking",
            answer(&[(BlockKind::Thinking, &["Hm", "."]), (BlockKind::Text, &["Yes."])], StopReason::EndTurn),
        ),
        ("refusal", answer(&[(BlockKind::Refusal, &["I", " cannot."])], StopReason::EndTurn)),
    ]
}

fn answer(blocks: &[(BlockKind, &[&str])], stop: StopReason) -> Vec<Event> {
    let usage = Usage { input: 9, output: 7, ..Usage::default() };
    let mut events = vec![Event::Start { id: "answer_1".to_owned(), model: "served".to_owned(), usage }];
    for (key, (kind, pieces)) in (0..).zip(blocks) {
        events.push(Event::Open { key, kind: kind.clone() });
        events.extend(pieces.iter().map(|&text| Event::Delta { key, text: text.to_owned() }));
        events.push(Event::Close { key, sealed: true });
    }
    events.extend([Event::Usage(usage), Event::Stop(stop, None), Event::End]);
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
