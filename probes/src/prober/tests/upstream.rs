//! An upstream in memory that answers probes in all dialects, rightly or on cue not.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::{Value, json};
use sidestep_dialect::Dialect;
use sidestep_table::{Class, Fault};
use tokio::time::{Instant, sleep};

use super::wording::{completions, messages, responses};
use crate::conversion::Blame;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Right,
    Wrong,
    /// Says the question back.
    Parrot,
    /// Nothing visible: thoughts ate the cap.
    Starved,
    /// Ends without its terminal events.
    Truncated,
    /// Nothing at all, and a proper end.
    Mute,
    /// Right, but the first token comes late.
    Late(Duration),
    Never,
    /// Goes silent after the first token.
    Stall,
    Refused,
    Status(u16, &'static str),
    /// A 200 or 500 that says this for ever.
    Endless(u16, &'static str),
    /// A 200 with this body.
    Page(&'static str),
}

/// The dial failed, or the connection broke.
#[derive(Debug)]
pub(super) struct Broke;

pub(super) type Wire = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Broke>> + Send>>>;

#[derive(Clone)]
pub(super) struct Upstream(Arc<Mutex<Log>>);

pub(super) struct Log {
    pub(super) act: Act,
    pub(super) asked: Vec<(Instant, Value)>,
    pub(super) flying: usize,
    pub(super) most_flying: usize,
    /// Input and output tokens counted over all answers.
    pub(super) billed: u64,
}

/// Counts an answer as in flight for as long as it lives.
struct Airborne(Upstream);

impl Upstream {
    pub(super) fn new(act: Act) -> Self {
        let log = Log { act, asked: Vec::new(), flying: 0, most_flying: 0, billed: 0 };
        Self(Arc::new(Mutex::new(log)))
    }

    pub(super) fn log<R>(&self, read: impl FnOnce(&mut Log) -> R) -> R {
        read(&mut self.0.lock().unwrap())
    }

    fn depart(&self, body: Value) -> (Act, Airborne) {
        self.log(|log| {
            log.asked.push((Instant::now(), body));
            log.flying += 1;
            log.most_flying = log.most_flying.max(log.flying);
            (log.act, Airborne(self.clone()))
        })
    }
}

impl Drop for Airborne {
    fn drop(&mut self) {
        self.0.log(|log| log.flying -= 1);
    }
}

impl Blame for Broke {
    fn class(&self) -> Class {
        Class::Hard(Fault::Connect)
    }
}

impl tower::Service<Request<Full<Bytes>>> for Upstream {
    type Response = Response<Wire>;
    type Error = Broke;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Broke>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broke>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let upstream = self.clone();
        Box::pin(async move {
            let dialect = Dialect::from_path(request.uri().path()).unwrap().0;
            assert!(request.uri().host().is_none());
            let body = request.into_body().collect().await.unwrap_or_else(|never: Infallible| match never {});
            let ask: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
            let (act, airborne) = upstream.depart(ask.clone());
            sleep(Duration::from_millis(100)).await;
            match act {
                Act::Refused => Err(Broke),
                Act::Status(status, text) => Ok(wire(status, vec![text.to_owned()], None, airborne)),
                Act::Endless(status, text) => Ok(endless(status, text.repeat(10_000), airborne)),
                Act::Page(text) => Ok(wire(200, vec![text.to_owned()], None, airborne)),
                act => Ok(answer(dialect, &ask, act, airborne)),
            }
        })
    }
}

fn answer(dialect: Dialect, ask: &Value, act: Act, airborne: Airborne) -> Response<Wire> {
    let (nonce, left, right) = riddle(dialect, ask);
    let sum = if act == Act::Wrong { left } else { left + right };
    let text = match act {
        Act::Starved | Act::Mute => String::new(),
        Act::Parrot => format!("{nonce} {left}+{right}=?"),
        _ => format!("{nonce} {sum}"),
    };
    let called = ask["tools"].is_array() && !matches!(act, Act::Starved | Act::Mute);
    let said = if called { json!({ "code": nonce, "sum": sum }).to_string() } else { text };
    let mut events = match dialect {
        Dialect::Anthropic => messages(&said, called, act),
        Dialect::OpenAi => completions(&said, called, act),
        Dialect::Responses => responses(&said, called, act),
    };
    if act == Act::Truncated {
        let ends = if dialect == Dialect::Responses { 1 } else { 2 };
        events.truncate(events.len() - ends);
    } else {
        airborne.0.log(|log| log.billed += 40);
    }
    let pause = match act {
        Act::Late(pause) => Some((0, pause)),
        Act::Never => Some((0, Duration::MAX)),
        Act::Stall => Some((events.len() - 2, Duration::MAX)),
        _ => None,
    };
    wire(200, events, pause, airborne)
}

/// A body that sends `parts` one by one, and before one of them pauses.
fn wire(
    status: u16,
    parts: Vec<String>,
    pause: Option<(usize, Duration)>,
    airborne: Airborne,
) -> Response<Wire> {
    let parts = stream::unfold((0, parts, airborne), move |(at, parts, airborne)| async move {
        if let Some((_, long)) = pause.filter(|(before, _)| *before == at) {
            sleep(long).await;
        }
        let part = parts.get(at)?.clone();
        Some((Ok(Frame::data(Bytes::from(part))), (at + 1, parts, airborne)))
    });
    let body: Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Broke>> + Send>> = Box::pin(parts);
    Response::builder().status(status).body(StreamBody::new(body)).unwrap()
}

fn endless(status: u16, part: String, airborne: Airborne) -> Response<Wire> {
    let parts = stream::unfold((Bytes::from(part), airborne), |(part, airborne)| async move {
        Some((Ok(Frame::data(part.clone())), (part, airborne)))
    });
    let body: Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Broke>> + Send>> = Box::pin(parts);
    Response::builder().status(status).body(StreamBody::new(body)).unwrap()
}

/// The nonce and both terms, read as a simulator or a person would.
fn riddle(dialect: Dialect, ask: &Value) -> (String, u64, u64) {
    let text = match dialect {
        Dialect::Responses => ask["input"].as_str(),
        _ => ask["messages"][0]["content"].as_str(),
    };
    let words: Vec<&str> = text.unwrap().split_whitespace().collect();
    let at = words.iter().position(|word| word.ends_with("=?")).unwrap();
    let (left, right) = words[at].trim_end_matches("=?").split_once('+').unwrap();
    (words[at - 1].to_owned(), left.parse().unwrap(), right.parse().unwrap())
}
