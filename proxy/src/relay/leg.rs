//! One upstream's stream, driven to its end: when it is over, when it stalls, and when its connection can be let go.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::Body as HttpBody;
use sidestep_dialect::StreamFault;
use sidestep_table::{Fault, ModelIndex};
use tokio::time::{Instant, Sleep, sleep};

use super::{Live, Told, failed};
use crate::metrics::CutCause;
use crate::miss::Failed;

/// After the terminal event the upstream is read on for this long, so that its connection can be used again.
pub(super) const LINGER: Duration = Duration::from_millis(500);
/// And at most for this many bytes: an upstream that has not ended by then says something else.
const LINGER_BYTES: usize = 64 * 1024;
/// A caller who comes back for more later than this was busy, and the upstream may have had to wait for it.
const AWAY: Duration = Duration::from_millis(100);

/// A committed stream of one upstream. Holds the target's place until it is over.
pub(super) struct Leg {
    live: Live,
    stall: Duration,
    timer: Pin<Box<Sleep>>,
    phase: Phase,
    /// Since when the caller has something to read.
    handed_over: Option<Instant>,
    linger_bytes: usize,
}

/// What became of a stream since it was last asked.
pub(super) enum Step {
    /// It goes on; there may be more to tell.
    On,
    /// The answer is whole, and settled.
    Whole,
    /// The stream broke, and is settled.
    Broke(Broken),
    /// The connection is let go; nothing more will come.
    Over,
}

/// How a stream broke.
pub(super) struct Broken {
    /// What ended it.
    pub(super) cause: CutCause,
    /// What that means.
    pub(super) failed: Failed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Streaming,
    Lingering,
    Done,
}

impl Leg {
    /// Goes on with `live`, which breaks after `stall` without an event.
    pub(super) fn new(live: Live, stall: Duration) -> Leg {
        Leg {
            live,
            stall,
            timer: Box::pin(sleep(stall)),
            phase: Phase::Streaming,
            handed_over: None,
            linger_bytes: LINGER_BYTES,
        }
    }

    /// What is to be told of it.
    pub(super) fn told(&mut self) -> &mut Told {
        &mut self.live.told
    }

    /// Whose stream it is.
    pub(super) fn target(&self) -> ModelIndex {
        self.live.target
    }

    /// The caller has been given something to read.
    pub(super) fn handed_over(&mut self) {
        self.handed_over = Some(Instant::now());
    }

    /// What the events that came before the commit make of it.
    pub(super) fn begin(&mut self) -> Step {
        match self.live.told.take_break() {
            Some(fault) => self.break_at(&fault),
            None if self.live.told.is_finished() => self.finish(),
            None => Step::On,
        }
    }

    /// Reads on until something changed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        match self.phase {
            Phase::Streaming => self.poll_upstream(cx),
            Phase::Lingering => self.poll_linger(cx),
            Phase::Done => Poll::Ready(Step::Over),
        }
    }

    /// Nobody wants to hear the rest. That is no fault of the upstream's.
    pub(super) fn give_up(&mut self) {
        let told = &self.live.told;
        self.live.settlement.give_up(&told.spent());
        self.let_go();
    }

    /// Lets go of the upstream.
    fn let_go(&mut self) {
        self.phase = Phase::Done;
        self.live.upstream = crate::body::empty();
    }

    fn finish(&mut self) -> Step {
        let told = &self.live.told;
        self.live.settlement.left_out(told.dropped());
        self.live.settlement.complete(&told.usage());
        self.phase = Phase::Lingering;
        self.timer.as_mut().reset(Instant::now() + LINGER);
        Step::Whole
    }

    fn break_at(&mut self, fault: &StreamFault) -> Step {
        self.break_off(Broken { cause: cause(fault), failed: failed(fault) })
    }

    fn break_off(&mut self, broken: Broken) -> Step {
        let told = &self.live.told;
        self.live.settlement.left_out(told.dropped());
        self.live.settlement.cut(broken.cause, &told.spent());
        self.live.settlement.fail(&broken.failed);
        self.let_go();
        Step::Broke(broken)
    }

    fn poll_upstream(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        self.excuse_absence();
        let told = &mut self.live.told;
        let taken = match Pin::new(&mut self.live.upstream).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(chunk) => told.take(chunk),
                Err(_trailers) => Ok(()),
            },
            Poll::Ready(Some(Err(_)) | None) => told.end(),
            Poll::Pending => {
                ready!(self.timer.as_mut().poll(cx));
                if !told.is_complete() {
                    let failed = Failed::fault(Fault::Stall);
                    return Poll::Ready(self.break_off(Broken { cause: CutCause::Stall, failed }));
                }
                // The answer is whole; only its end marker has not come.
                told.end()
            }
        };
        Poll::Ready(match taken {
            Err(fault) => self.break_at(&fault),
            Ok(()) if self.live.told.is_finished() => self.finish(),
            Ok(()) => {
                // Comments and pings are no progress: an upstream that only pings has stalled.
                if self.live.told.progressed() {
                    self.timer.as_mut().reset(Instant::now() + self.stall);
                }
                Step::On
            }
        })
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
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        while self.linger_bytes > 0 && self.timer.as_mut().poll(cx).is_pending() {
            let Some(Ok(frame)) = ready!(Pin::new(&mut self.live.upstream).poll_frame(cx)) else { break };
            let bytes = frame.data_ref().map_or(1, |data| data.len().max(1));
            self.linger_bytes = self.linger_bytes.saturating_sub(bytes);
        }
        self.let_go();
        Poll::Ready(Step::Over)
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
