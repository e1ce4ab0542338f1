//! A committed stream as a response body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use sidestep_dialect::{ErrorForm, ErrorKind, StreamFault};
use sidestep_table::{Class, Fault};
use tokio::time::{Instant, Sleep, sleep};

use super::{Settlement, Told, failed};
use crate::body::{Body, BoxError};
use crate::metrics::{CutCause, Outcome};
use crate::miss::Failed;
use crate::story::Story;

/// After the terminal event the upstream is read on for this long, so that its connection can be used again.
const LINGER: Duration = Duration::from_millis(500);
/// And at most for this many bytes: an upstream that has not ended by then says something else.
const LINGER_BYTES: usize = 64 * 1024;
/// A caller who comes back for more later than this was busy, and the upstream may have had to wait for it.
const AWAY: Duration = Duration::from_millis(100);

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
    /// Since when the caller has something to read.
    handed_over: Option<Instant>,
    linger_bytes: usize,
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
            handed_over: None,
            linger_bytes: LINGER_BYTES,
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
        // The model has done its part all the same.
        self.story.end(if self.told.is_refused() { Outcome::Cut } else { Outcome::Answered });
        self.settlement.complete(&usage);
        self.phase = Phase::Lingering;
        self.timer.as_mut().reset(Instant::now() + LINGER);
    }

    fn break_off(&mut self, cause: CutCause, failed: &Failed) {
        self.told.break_off(&ErrorForm {
            status: 502,
            kind: kind(failed),
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
        self.excuse_absence();
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

    /// While the caller did not read, nobody listened to the upstream: that time is no silence of its own.
    fn excuse_absence(&mut self) {
        let away = self.handed_over.take().map_or(Duration::ZERO, |since| since.elapsed());
        if away > AWAY {
            let due = self.timer.deadline() + away;
            self.timer.as_mut().reset(due);
        }
    }

    /// Lets the upstream end its response; what it still says is not for the caller.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.linger_bytes > 0 && self.timer.as_mut().poll(cx).is_pending() {
            let Some(Ok(frame)) = ready!(Pin::new(&mut self.upstream).poll_frame(cx)) else { break };
            let bytes = frame.data_ref().map_or(1, |data| data.len().max(1));
            self.linger_bytes = self.linger_bytes.saturating_sub(bytes);
        }
        self.phase = Phase::Done;
        self.upstream = crate::body::empty();
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
                this.handed_over = Some(Instant::now());
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

fn kind(failed: &Failed) -> ErrorKind {
    match failed.class {
        Class::Overload => ErrorKind::Overloaded,
        Class::Rate => ErrorKind::RateLimit,
        Class::Client => ErrorKind::InvalidRequest,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests;
