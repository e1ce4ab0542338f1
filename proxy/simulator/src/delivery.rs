//! A response body told step by step: what is sent, when, and how it ends.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};

use crate::attempts::Entry;
use crate::gzip::Gzip;

/// What hyper is given.
pub(crate) type Body = UnsyncBoxBody<Bytes, BrokenOff>;

/// The exchange ends without being finished: HTTP/1 closes the connection, HTTP/2 resets the stream.
#[derive(Debug, thiserror::Error)]
#[error("broken off on purpose")]
pub(crate) struct BrokenOff;

/// One step of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Bytes),
    /// Sends the same bytes so many times.
    Repeat(Bytes, u64),
    /// Waits.
    Wait(Duration),
    /// Sends the same bytes for ever, with a wait before each.
    Forever(Bytes, Duration),
    /// Sends nothing more, for ever.
    Silence,
    /// Breaks the connection off.
    Break,
}

/// Long enough for what was sent to leave the buffers before the connection breaks.
const FLUSH: Duration = Duration::from_millis(5);

struct Delivery {
    steps: VecDeque<Step>,
    attempt: Entry,
    gzip: Option<Gzip>,
}

pub(crate) fn at_once(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn deliver(steps: Vec<Step>, gzip: bool, attempt: Entry) -> Body {
    let delivery = Delivery { steps: steps.into(), attempt, gzip: gzip.then(Gzip::default) };
    let frames = stream::unfold(Some(delivery), |delivery| async move {
        let mut delivery = delivery?;
        match delivery.next().await {
            Ok(Some(bytes)) => Some((Ok(Frame::data(bytes)), Some(delivery))),
            Ok(None) => {
                delivery.attempt.finish();
                None
            }
            Err(broken) => {
                delivery.attempt.finish();
                Some((Err(broken), None))
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Delivery {
    async fn next(&mut self) -> Result<Option<Bytes>, BrokenOff> {
        while let Some(step) = self.steps.pop_front() {
            match step {
                Step::Send(bytes) => return Ok(Some(self.sent(bytes))),
                Step::Repeat(_, 0) => {}
                Step::Repeat(bytes, times) => {
                    self.steps.push_front(Step::Repeat(bytes.clone(), times - 1));
                    return Ok(Some(self.sent(bytes)));
                }
                Step::Wait(pause) => tokio::time::sleep(pause).await,
                Step::Forever(bytes, pause) => {
                    self.steps.push_front(Step::Forever(bytes.clone(), pause));
                    // Yields even without a pause: an endless body must not hold its worker.
                    if pause.is_zero() {
                        tokio::task::yield_now().await;
                    } else {
                        tokio::time::sleep(pause).await;
                    }
                    return Ok(Some(self.sent(bytes)));
                }
                Step::Silence => std::future::pending().await,
                Step::Break => {
                    tokio::time::sleep(FLUSH).await;
                    return Err(BrokenOff);
                }
            }
        }
        Ok(self.gzip.take().map(|gzip| self.counted(gzip.end())))
    }

    fn sent(&mut self, bytes: Bytes) -> Bytes {
        let encoded = self.gzip.as_mut().map(|gzip| gzip.piece(&bytes));
        self.counted(encoded.unwrap_or(bytes))
    }

    fn counted(&self, bytes: Bytes) -> Bytes {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.attempt.note(|attempt| {
            attempt.bytes = attempt.bytes.saturating_add(length);
            attempt.pieces += 1;
        });
        // Nobody may ask for what comes after the last piece: a body of known length ends with it, and a caller
        // that has the terminal event may leave.
        if self.steps.is_empty() && self.gzip.is_none() {
            self.attempt.finish();
        }
        bytes
    }
}
