//! A committed stream as a response body, from the first event to the last, whoever tells it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http_body::{Body as HttpBody, Frame};
use sidestep_dialect::{Encoder, ErrorForm, ErrorKind, keep_alive};
use sidestep_table::{Class, ModelIndex};
use tokio::time::{Instant, Sleep, sleep};

use super::Live;
use super::joined::{Course, Joined};
use super::leg::{Broken, Leg, Step};
use super::lifeline::{Adrift, Found, Lifeline, Wreck};
use super::tally::Tally;
use crate::body::BoxError;
use crate::call::Call;
use crate::metrics::Outcome;
use crate::miss::Failed;
use crate::surplus::Surplus;

/// Between two signs of life while another target is being asked.
const BEAT: Duration = Duration::from_secs(5);

/// An answer that has begun, told to its end.
pub struct StreamBody<L> {
    call: Arc<Call>,
    leg: Leg,
    rest: Rest,
    /// Finds somebody who tells the rest, once.
    lifeline: Option<L>,
    /// What no upstream says by itself.
    out: BytesMut,
}

/// The rest of an answer whose stream broke.
enum Rest {
    /// It did not break, or nobody tells its rest.
    None,
    /// Others are being asked.
    Asked(Box<Asked>),
    /// Another upstream tells it.
    Told(Box<Continued>),
}

struct Asked {
    found: BoxFuture<'static, Result<Found, Adrift>>,
    beat: Pin<Box<Sleep>>,
    broken: Broken,
    tally: Tally,
}

struct Continued {
    joined: Joined,
    by: ModelIndex,
    broken: Broken,
    tally: Tally,
}

impl<L: Lifeline> StreamBody<L> {
    /// Tells the rest of `live`, which answers `call`. Should it break off, `lifeline` finds somebody who goes on.
    #[must_use]
    pub fn new(live: Live, call: Arc<Call>, lifeline: Option<L>) -> StreamBody<L> {
        let leg = Leg::new(live, call.route_plan().stall_timeout);
        let mut body = StreamBody { call, leg, rest: Rest::None, lifeline, out: BytesMut::new() };
        let step = body.leg.begin();
        body.went(step);
        body
    }

    /// Draws the consequences of a step of the first stream.
    fn went(&mut self, step: Step) {
        match step {
            Step::Whole => {
                let told = self.leg.told();
                self.call.story.used(told.usage());
                // The model has done its part all the same.
                let refused = told.is_refused();
                self.call.story.end(if refused { Outcome::Cut } else { Outcome::Answered });
                if refused {
                    self.thrown_away();
                }
            }
            Step::Broke(broken) => self.broke(broken),
            Step::On | Step::Over => {}
        }
    }

    /// The first stream broke: asks for the rest, if that may be.
    fn broke(&mut self, broken: Broken) {
        let Some(lifeline) = self.lifeline.take() else { return self.break_off(&broken) };
        let mut tally = Tally::open(&self.call, self.leg.target(), broken.cause);
        let told = self.leg.told();
        let Some(journal) = told.journal() else { return self.break_off(&broken) };
        let adrift = match journal.unfit() {
            // What is wrong with the request is wrong with it elsewhere, too.
            _ if broken.failed.is_the_callers() => Some(Adrift::Rejected),
            Some(unfit) => Some(Adrift::Unfit(unfit)),
            None if !told.is_in_text() => Some(Adrift::Uncontinuable),
            None => None,
        };
        if let Some(adrift) = adrift {
            tally.adrift(adrift);
            return self.break_off(&broken);
        }
        let (said, spent) = (journal.text().to_owned(), journal.usage().output);
        let wreck = Wreck { target: self.leg.target(), class: broken.failed.class, said, spent };
        let (found, beat) = (lifeline.rescue(wreck), Box::pin(sleep(BEAT)));
        self.rest = Rest::Asked(Box::new(Asked { found, beat, broken, tally }));
    }

    fn poll_asked(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Rest::Asked(asked) = &mut self.rest else { return Poll::Ready(()) };
        if let Poll::Ready(answered) = asked.found.as_mut().poll(cx) {
            if let Rest::Asked(asked) = std::mem::replace(&mut self.rest, Rest::None) {
                self.answered(*asked, answered);
            }
            return Poll::Ready(());
        }
        ready!(asked.beat.as_mut().poll(cx));
        asked.beat.as_mut().reset(Instant::now() + BEAT);
        self.out.extend_from_slice(keep_alive(self.call.ask.dialect));
        Poll::Ready(())
    }

    /// Somebody tells the rest, or nobody does.
    fn answered(&mut self, asked: Asked, answered: Result<Found, Adrift>) {
        let Asked { broken, mut tally, .. } = asked;
        let found = match answered {
            Ok(found) => found,
            Err(adrift) => {
                tally.adrift(adrift);
                return self.break_off(&broken);
            }
        };
        tally.taken_over(&found.by);
        let by = found.live.target;
        let Some(joined) = self.join(found) else {
            tally.adrift(Adrift::Uncontinuable);
            return self.break_off(&broken);
        };
        self.rest = Rest::Told(Box::new(Continued { joined, by, broken, tally }));
        let Rest::Told(continued) = &mut self.rest else { return };
        let course = continued.joined.begin(&mut self.out);
        self.continued(course);
    }

    fn join(&mut self, found: Found) -> Option<Joined> {
        let plan = self.call.route_plan();
        let context = self.call.answer_context(found.by.to_string());
        let told = self.leg.told();
        let pen = told.take_pen();
        let journal = told.journal()?;
        let pen = match pen {
            Some(pen) => pen,
            None => Encoder::resume(journal, context, &mut self.out)?,
        };
        Some(Joined::new(found, (journal, pen), plan.stall_timeout, plan.deadline))
    }

    /// What the first stream told was told in vain.
    fn thrown_away(&mut self) {
        let (usage, model) = (self.leg.told().spent(), self.call.catalog.model(self.leg.target()));
        self.call.story.spent_in_vain(Surplus::thrown_away(&usage, model.price));
    }

    /// The second stream has come to its end: with the whole answer, or in vain like the first.
    fn told_again(&mut self, whole: bool) {
        let Rest::Told(continued) = &self.rest else { return };
        let price = |model: ModelIndex| self.call.catalog.model(model).price;
        let (by, first) = (price(continued.by), price(self.leg.target()));
        let usage = continued.joined.usage().minus(&self.leg.told().spent());
        if whole {
            return self.call.story.spent_in_vain(Surplus::told_again(&usage, by, first));
        }
        self.call.story.spent_in_vain(Surplus::thrown_away(&usage, by));
        self.thrown_away();
    }

    /// Draws the consequences of a step of the joined stream.
    fn continued(&mut self, course: Course) {
        let Rest::Told(continued) = &mut self.rest else { return };
        let form = |broken: &Broken| form(&self.call, broken);
        match course {
            Course::Whole => {
                self.call.story.used(continued.joined.usage());
                let told = continued.joined.is_told();
                self.call.story.end(if told { Outcome::Rescued } else { Outcome::Cut });
                continued.tally.rescued();
                self.told_again(told);
            }
            Course::Lost(loss) => {
                continued.tally.lost(&loss);
                continued.joined.break_off(&form(&continued.broken), &mut self.out);
                self.call.story.end(Outcome::Cut);
                self.told_again(false);
            }
            Course::On | Course::Over => {}
        }
    }

    fn break_off(&mut self, broken: &Broken) {
        self.thrown_away();
        self.leg.told().break_off(&form(&self.call, broken));
        self.call.story.end(Outcome::Cut);
    }

    /// What the caller can be given now.
    fn ready(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.leg.told().ready() {
            self.leg.handed_over();
            return Some(bytes);
        }
        if self.out.is_empty() {
            return None;
        }
        if let Rest::Told(continued) = &mut self.rest {
            continued.joined.handed_over();
        }
        Some(self.out.split().freeze())
    }
}

impl<L: Lifeline> HttpBody for StreamBody<L> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            if let Some(bytes) = this.ready() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match &mut this.rest {
                Rest::None => match ready!(this.leg.poll(cx)) {
                    Step::Over => return Poll::Ready(None),
                    step => this.went(step),
                },
                Rest::Asked(_) => ready!(this.poll_asked(cx)),
                Rest::Told(continued) => match ready!(continued.joined.poll(cx, &mut this.out)) {
                    Course::Over => return Poll::Ready(None),
                    course => this.continued(course),
                },
            }
        }
    }
}

/// The error that the caller is told when nobody tells the rest.
fn form(call: &Call, broken: &Broken) -> ErrorForm {
    ErrorForm {
        status: 502,
        kind: kind(&broken.failed),
        message: format!("the upstream model's answer broke off: {}", broken.cause.as_str()),
        code: None,
        param: None,
        retry_after: None,
        should_retry: None,
        request_id: call.id.to_string(),
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
