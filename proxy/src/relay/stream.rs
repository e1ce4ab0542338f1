//! A committed stream as a response body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use sidestep_dialect::{ErrorForm, ErrorKind};
use sidestep_table::Class;

use super::Live;
use super::leg::{Broken, Leg, Step};
use crate::body::BoxError;
use crate::call::Call;
use crate::metrics::Outcome;
use crate::miss::Failed;

/// An answer that has begun, told to its end.
pub struct StreamBody {
    call: Arc<Call>,
    leg: Leg,
}

impl StreamBody {
    /// Tells the rest of `live`, which answers `call`.
    #[must_use]
    pub fn new(live: Live, call: Arc<Call>) -> StreamBody {
        let leg = Leg::new(live, call.route_plan().stall_timeout);
        let mut body = StreamBody { call, leg };
        let step = body.leg.begin();
        body.went(step);
        body
    }

    /// Draws the consequences of a step.
    fn went(&mut self, step: Step) {
        match step {
            Step::Whole => {
                let told = self.leg.told();
                self.call.story.used(told.usage());
                // The model has done its part all the same.
                self.call.story.end(if told.is_refused() { Outcome::Cut } else { Outcome::Answered });
            }
            Step::Broke(broken) => self.break_off(&broken),
            Step::On | Step::Over => {}
        }
    }

    fn break_off(&mut self, broken: &Broken) {
        self.leg.told().break_off(&ErrorForm {
            status: 502,
            kind: kind(&broken.failed),
            message: format!("the upstream model's answer broke off: {}", broken.cause.as_str()),
            code: None,
            param: None,
            retry_after: None,
            should_retry: None,
            request_id: self.call.id.to_string(),
        });
        self.call.story.end(Outcome::Cut);
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
            if let Some(bytes) = this.leg.told().ready() {
                this.leg.handed_over();
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match ready!(this.leg.poll(cx)) {
                Step::Over => return Poll::Ready(None),
                step => this.went(step),
            }
        }
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
