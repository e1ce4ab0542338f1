//! A committed stream as a response body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use sidestep_dialect::{ErrorForm, ErrorKind};
use sidestep_table::Fault;
use tokio::time::{Instant, Sleep, sleep};

use super::{Broken, Settlement, Told};
use crate::body::{Body, BoxError};
use crate::metrics::{CutCause, Outcome};
use crate::story::Story;

/// After the terminal event the upstream is read on for this long, so that its connection can be used again.
const LINGER: Duration = Duration::from_millis(500);

/// A stream that has begun. Holds the target's place until its end.
pub struct StreamBody {
    upstream: Body,
    told: Told,
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
        told: Told,
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
            Some(broken) => body.break_off(broken),
            None if body.told.is_finished() => body.finish(),
            None => {}
        }
        body
    }

    fn finish(&mut self) {
        let usage = *self.told.usage();
        self.story.used(usage);
        self.story.end(Outcome::Answered);
        self.settlement.complete(&usage);
        self.phase = Phase::Lingering;
        self.timer.as_mut().reset(Instant::now() + LINGER);
    }

    fn break_off(&mut self, broken: Broken) {
        let class = broken.class();
        self.told.break_off(&ErrorForm {
            status: 502,
            kind: ErrorKind::Internal,
            message: format!("the upstream model's answer broke off: {}", class.as_str()),
            code: None,
            param: None,
            retry_after: None,
            should_retry: None,
            request_id: self.request_id.to_string(),
        });
        self.settlement.cut(cause(&broken));
        self.settlement.fail(&broken.into_failed());
        self.story.end(Outcome::Cut);
        self.phase = Phase::Done;
        self.upstream = crate::body::empty();
    }

    /// Reads on until something changed: bytes for the caller, the phase, or both.
    fn poll_upstream(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = Pin::new(&mut self.upstream).poll_frame(cx);
        let taken = match polled {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(chunk) => self.told.take(chunk),
                Err(_trailers) => Ok(()),
            },
            Poll::Ready(Some(Err(_))) => self.told.end().map_err(|_| Broken::Fault(Fault::Truncated)),
            Poll::Ready(None) => self.told.end(),
            Poll::Pending => {
                ready!(self.timer.as_mut().poll(cx));
                Err(Broken::Fault(Fault::Stall))
            }
        };
        match taken {
            Err(broken) => self.break_off(broken),
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

fn cause(broken: &Broken) -> CutCause {
    match broken {
        Broken::Oversize => CutCause::Oversize,
        Broken::InBand(_) => CutCause::InBand,
        Broken::Fault(Fault::Stall) => CutCause::Stall,
        Broken::Fault(Fault::Truncated) => CutCause::Truncated,
        Broken::Fault(_) => CutCause::Broken,
    }
}
