//! A second stream that goes on where the first broke off.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sidestep_dialect::{Encoder, ErrorForm, Event, Journal, SeamFault, Splice, Usage};
use tokio::time::{Instant, Sleep, sleep};

use super::leg::{Leg, Step};
use super::lifeline::Found;
use crate::label;

/// The beginning of a continuation is compared with the end of what was said for this long at most.
const COMPARE: Duration = Duration::from_secs(2);

/// Two streams as one.
pub(super) struct Joined {
    leg: Leg,
    splice: Splice,
    encoder: Encoder,
    /// What the caller hears at the end of who told the rest.
    remark: Bytes,
    compare: Pin<Box<Sleep>>,
    /// A continuation that has not ended by then never will.
    until: Instant,
    events: Vec<Event>,
    told: bool,
}

/// Where the joined stream stands.
pub(super) enum Course {
    /// It goes on; there may be more to tell.
    On,
    /// The answer is whole and told.
    Whole,
    /// The rest cannot be told.
    Lost(Loss),
    /// Nothing more will come.
    Over,
}

/// Why the rest of an answer cannot be told.
pub(super) enum Loss {
    /// It does not continue what was said.
    Seam(SeamFault),
    /// It broke off as well.
    Broken,
    /// It did not end.
    Endless,
}

impl Joined {
    /// Joins what was `found` to what `journal` says was told, by `encoder`.
    pub(super) fn new(
        found: Found,
        (journal, encoder): (&Journal, Encoder),
        stall: Duration,
        most: Duration,
    ) -> Joined {
        let remark = label::rescued(&found.by, found.attempts);
        Joined {
            splice: Splice::new(journal, &encoder, found.tier),
            leg: Leg::new(found.live, stall),
            encoder,
            remark,
            compare: Box::pin(sleep(COMPARE)),
            until: Instant::now() + most,
            events: Vec::new(),
            told: false,
        }
    }

    /// What the events that came before the commit make of it.
    pub(super) fn begin(&mut self, out: &mut BytesMut) -> Course {
        let step = self.leg.begin();
        self.follow(step, out)
    }

    /// Reads on until something changed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<Course> {
        match self.leg.poll(cx) {
            Poll::Ready(step) => Poll::Ready(self.follow(step, out)),
            Poll::Pending if self.splice.is_holding() && self.compare.as_mut().poll(cx).is_ready() => {
                // Asked once: what comes after that is compared as it comes.
                self.compare.as_mut().reset(self.until);
                let flushed = self.splice.flush(&mut self.events);
                self.write(out);
                Poll::Ready(flushed.map_or_else(|fault| self.lose(Loss::Seam(fault)), |()| Course::On))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// The caller has been given something to read.
    pub(super) fn handed_over(&mut self) {
        self.leg.handed_over();
    }

    /// What both streams have used.
    pub(super) fn usage(&self) -> Usage {
        self.splice.usage()
    }

    /// Whether the answer was told to its end; an encoder may have had to tell an error in place of it.
    pub(super) fn is_told(&self) -> bool {
        self.told
    }

    /// Ends the answer with an error.
    pub(super) fn break_off(&mut self, form: &ErrorForm, out: &mut BytesMut) {
        self.encoder.error(form, out);
    }

    fn follow(&mut self, step: Step, out: &mut BytesMut) -> Course {
        for event in self.leg.told().aside() {
            let taken = self.splice.take(&event, &mut self.events);
            self.write(out);
            if let Err(fault) = taken {
                return self.lose(Loss::Seam(fault));
            }
        }
        match step {
            Step::On if Instant::now() >= self.until => self.lose(Loss::Endless),
            Step::On => Course::On,
            Step::Whole => Course::Whole,
            Step::Broke(_) => self.lose(Loss::Broken),
            Step::Over => Course::Over,
        }
    }

    fn lose(&mut self, loss: Loss) -> Course {
        self.leg.give_up();
        Course::Lost(loss)
    }

    fn write(&mut self, out: &mut BytesMut) {
        for event in self.events.drain(..) {
            if event == Event::End && !self.encoder.is_over() {
                // After the end nothing may follow, so it goes before.
                out.extend_from_slice(&self.remark);
                self.told = true;
            }
            self.encoder.encode(&event, out);
        }
    }
}
