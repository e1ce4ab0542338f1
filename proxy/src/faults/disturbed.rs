//! An answer that a rehearsal slows down or breaks off.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::{Disturbance, Rehearsal};
use crate::body::{Body, BoxError};

/// A provider's body, no longer as the provider sent it. What it does ends with the rehearsal.
pub(super) struct Disturbed {
    body: Body,
    over: CancellationToken,
    cut: Option<Cut>,
    pause: Option<Duration>,
    /// Not awake before this; none when the next piece is due at once.
    resting: Option<Pin<Box<Sleep>>>,
}

/// Counts events by the blank lines that end them (HTML standard, server-sent events).
struct Cut {
    left: u32,
    line_is_empty: bool,
    after_return: bool,
}

/// Why the body ended.
#[derive(Debug, thiserror::Error)]
#[error("rehearsal: cut off")]
struct CutOff;

impl Disturbed {
    pub(super) fn new(body: Body, hit: &Rehearsal, stream: bool) -> Disturbed {
        let mut disturbed = Disturbed { body, over: hit.over.clone(), cut: None, pause: None, resting: None };
        match hit.disturbance {
            Disturbance::Cut { after_events } => {
                disturbed.cut = Some(Cut::after(if stream { after_events } else { 0 }));
            }
            Disturbance::Slow { pause_ms } => disturbed.pause = Some(Duration::from_millis(pause_ms)),
            _ => {}
        }
        disturbed.rest();
        disturbed
    }

    fn rest(&mut self) {
        self.resting = self.pause.map(|pause| Box::pin(sleep(pause)));
    }
}

impl Cut {
    fn after(events: u32) -> Cut {
        Cut { left: events, line_is_empty: true, after_return: false }
    }

    /// How many of the bytes still pass; `None` when all do.
    fn passing(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.left == 0 {
                return Some(at);
            }
            match byte {
                b'\n' if self.after_return => {}
                b'\n' | b'\r' if self.line_is_empty => self.left -= 1,
                b'\n' | b'\r' => self.line_is_empty = true,
                _ => self.line_is_empty = false,
            }
            self.after_return = *byte == b'\r';
        }
        None
    }
}

impl HttpBody for Disturbed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if this.over.is_cancelled() {
            return Pin::new(&mut this.body).poll_frame(cx);
        }
        if let Some(resting) = &mut this.resting {
            ready!(resting.as_mut().poll(cx));
        }
        if this.cut.as_ref().is_some_and(|cut| cut.left == 0) {
            return Poll::Ready(Some(Err(CutOff.into())));
        }
        let polled = ready!(Pin::new(&mut this.body).poll_frame(cx));
        this.rest();
        let Some(Ok(frame)) = polled else { return Poll::Ready(polled) };
        let passing = match (&mut this.cut, frame.data_ref()) {
            (Some(cut), Some(data)) => cut.passing(data),
            _ => None,
        };
        Poll::Ready(Some(Ok(match passing {
            Some(passing) => frame.map_data(|data| data.slice(..passing)),
            None => frame,
        })))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the stream is sliced and its lines end, whole events pass and no byte more.
        #[test]
        fn so_many_events_pass(
            events in 1..6_u32, more in 1..4_usize, end in prop_oneof!["\n", "\r\n", "\r"],
            sizes in proptest::collection::vec(1..9_usize, 1..6),
        ) {
            let event = format!("event: x{end}data: words{end}{end}");
            let kept = event.repeat(events as usize);
            let stream = kept.clone() + &event.repeat(more);
            let mut cut = Cut::after(events);
            let (mut passed, mut rest, mut sizes) = (String::new(), &*stream, sizes.into_iter().cycle());
            while !rest.is_empty() && cut.left > 0 {
                let (piece, tail) = rest.split_at(sizes.next().unwrap().min(rest.len()));
                passed += &piece[..cut.passing(piece.as_bytes()).unwrap_or(piece.len())];
                rest = tail;
            }
            // Of a last blank line, the return may pass without its line feed.
            prop_assert_eq!(passed.trim_end(), kept.trim_end());
            prop_assert_eq!(cut.left, 0);
        }
    }
}
