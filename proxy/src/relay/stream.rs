//! A committed stream as a response body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use sidestep_dialect::{ErrorForm, ErrorKind, StreamFault};
use sidestep_table::Fault;
use tokio::time::{Instant, Sleep, sleep};

use super::{Settlement, Told, failed};
use crate::body::{Body, BoxError};
use crate::metrics::{CutCause, Outcome};
use crate::miss::Failed;
use crate::story::Story;

/// After the terminal event the upstream is read on for this long, so that its connection can be used again.
const LINGER: Duration = Duration::from_millis(500);

/// A stream that has begun. Holds the target's place until its end.
pub struct StreamBody {
    upstream: Body,
    told: Box<Told>,
    settlement: Settlement,
    story: Arc<Story>,
    request_id: Arc<str>,
    stall: Duration,
    timer: Pin<Box<Sleep>>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Streaming,
    Lingering,
    Done,
}

impl StreamBody {
    /// Continues `told` from `upstream`. The answer breaks off after `stall` without an event.
    #[must_use]
    pub fn new(
        upstream: Body,
        told: Box<Told>,
        settlement: Settlement,
        call: &crate::call::Call,
    ) -> StreamBody {
        let stall = call.route_plan().stall_timeout;
        let mut body = StreamBody {
            upstream,
            told,
            settlement,
            story: call.story.clone(),
            request_id: call.id.clone(),
            stall,
            timer: Box::pin(sleep(stall)),
            phase: Phase::Streaming,
        };
        match body.told.take_break() {
            Some(fault) => body.break_at(&fault),
            None if body.told.is_finished() => body.finish(),
            None => {}
        }
        body
    }

    fn finish(&mut self) {
        let usage = self.told.usage();
        self.story.used(usage);
        self.story.end(Outcome::Answered);
        self.settlement.complete(&usage);
        self.phase = Phase::Lingering;
        self.timer.as_mut().reset(Instant::now() + LINGER);
    }

    fn break_off(&mut self, cause: CutCause, failed: &Failed) {
        self.told.break_off(&ErrorForm {
            status: 502,
            kind: ErrorKind::Internal,
            message: format!("the upstream model's answer broke off: {}", cause.as_str()),
            code: None,
            param: None,
            retry_after: None,
            should_retry: None,
            request_id: self.request_id.to_string(),
        });
        self.settlement.cut(cause);
        self.settlement.fail(failed);
        self.story.end(Outcome::Cut);
        self.phase = Phase::Done;
        self.upstream = crate::body::empty();
    }

    fn break_at(&mut self, fault: &StreamFault) {
        self.break_off(cause(fault), &failed(fault));
    }

    /// Reads on until something changed: bytes for the caller, the phase, or both.
    fn poll_upstream(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = Pin::new(&mut self.upstream).poll_frame(cx);
        let taken = match polled {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(chunk) => self.told.take(chunk),
                Err(_trailers) => Ok(()),
            },
            Poll::Ready(Some(Err(_))) => self.told.end(),
            Poll::Ready(None) => self.told.end(),
            Poll::Pending => {
                ready!(self.timer.as_mut().poll(cx));
                if !self.told.is_complete() {
                    self.break_off(CutCause::Stall, &Failed::fault(Fault::Stall));
                    return Poll::Ready(());
                }
                // The answer is whole; only its end marker has not come.
                self.told.end()
            }
        };
        match taken {
            Err(fault) => self.break_at(&fault),
            Ok(()) if self.told.is_finished() => self.finish(),
            // Comments and pings are no progress: an upstream that only pings has stalled.
            Ok(()) if self.told.progressed() => self.timer.as_mut().reset(Instant::now() + self.stall),
            Ok(()) => {}
        }
        Poll::Ready(())
    }

    /// Lets the upstream end its response; what it still says is not for the caller.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match Pin::new(&mut self.upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(self.timer.as_mut().poll(cx));
                    break;
                }
            }
        }
        self.phase = Phase::Done;
        Poll::Ready(())
    }
}

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            if let Some(bytes) = this.told.ready() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match this.phase {
                Phase::Streaming => ready!(this.poll_upstream(cx)),
                Phase::Lingering => ready!(this.poll_linger(cx)),
                Phase::Done => return Poll::Ready(None),
            }
        }
    }
}

fn cause(fault: &StreamFault) -> CutCause {
    match fault {
        StreamFault::Sse(_) => CutCause::Oversize,
        StreamFault::InBand(_) | StreamFault::Finish => CutCause::InBand,
        StreamFault::Truncated => CutCause::Truncated,
        _ => CutCause::Broken,
    }
}
