//! Reads a recorded stream and writes it to stdout as the stream of another dialect, for client libraries to read.
//!
//! `reencode --from anthropic|openai|responses --to anthropic|openai|responses [--answer N] FILE`, where FILE ends in
//! `.sse` (raw bytes) or `.chunks.txt` (one JSON event a line, of which a file may hold several answers).
//! Exit status: 0 written, 2 used wrongly, 3 what is written ends in an error (the recording itself is broken, or holds
//! nothing that the target's dialect has a form for), 4 the file has no such answer.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bytes::{Bytes, BytesMut};
use sidestep_dialect::{
    AnswerContext, Decoder, Dialect, Encoder, ErrorForm, ErrorKind, Event, Flavor, Splitter, StreamFault,
};

#[path = "../tests/answers/recording.rs"]
mod recording;

struct Order {
    from: Dialect,
    to: Dialect,
    answer: usize,
    file: PathBuf,
}

fn main() -> ExitCode {
    let Some(order) = order(std::env::args().skip(1)) else { return ExitCode::from(2) };
    let Ok(streams) = recording::streams(&order.file, order.from) else { return ExitCode::from(2) };
    let Some(stream) = streams.get(order.answer) else { return ExitCode::from(4) };
    let (events, result) = decode(order.from, stream);
    let mut encoder = Encoder::new(order.to, context());
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.encode(event, &mut out));
    if let Err(fault) = &result {
        encoder.error(&broken(fault), &mut out);
    }
    if std::io::stdout().write_all(&out).is_err() {
        return ExitCode::FAILURE;
    }
    let ends_well = decode(order.to, &out).1.is_ok();
    ExitCode::from(if ends_well { 0 } else { 3 })
}

fn order(mut words: impl Iterator<Item = String>) -> Option<Order> {
    let (mut from, mut to, mut answer, mut file) = (None, None, 0, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--from" => from = Some(dialect(&words.next()?)?),
            "--to" => to = Some(dialect(&words.next()?)?),
            "--answer" => answer = words.next()?.parse().ok()?,
            _ => file = Some(PathBuf::from(word)),
        }
    }
    Some(Order { from: from?, to: to?, answer, file: file? })
}

fn dialect(name: &str) -> Option<Dialect> {
    Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == name)
}

fn decode(dialect: Dialect, stream: &[u8]) -> (Vec<Event>, Result<(), StreamFault>) {
    let (mut splitter, mut events) = (Splitter::new(1 << 24), Vec::new());
    let mut decoder = Decoder::new(dialect, Flavor::Generic);
    splitter.feed(Bytes::copy_from_slice(stream));
    while let Some(raw) = splitter.next() {
        let read = raw.map_err(StreamFault::from).and_then(|raw| decoder.decode(&raw, &mut events));
        if read.is_err() {
            return (events, read);
        }
    }
    let result = decoder.finish(&splitter.finish(), &mut events);
    (events, result)
}

fn context() -> AnswerContext {
    AnswerContext {
        id_seed: 1,
        created: 1_800_000_000,
        include_usage: true,
        served_model: "recorded".to_owned(),
        request_id: "req_recorded".to_owned(),
    }
}

fn broken(fault: &StreamFault) -> ErrorForm {
    ErrorForm {
        status: 502,
        kind: ErrorKind::Unavailable,
        message: fault.to_string(),
        code: None,
        param: None,
        retry_after: None,
        should_retry: None,
        request_id: "req_recorded".to_owned(),
    }
}
