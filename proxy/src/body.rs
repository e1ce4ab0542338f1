//! Bodies as they travel through the proxy.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use pin_project_lite::pin_project;

/// An error whose concrete type no longer matters: it will only be shown or end a connection.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body whose producer is hidden. One of the places where a box stands, so that types stay readable.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body of the given bytes, with a known length.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body without content.
#[must_use]
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Why a body could not be had in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ungathered {
    /// It is longer than it may be.
    TooLarge,
    /// It broke off.
    Lost,
}

/// All of a body of at most `limit` bytes in one piece. What comes in one piece is not copied.
///
/// # Errors
/// When it is longer, or breaks off.
pub async fn gather<B: HttpBody<Data = Bytes>>(body: B, limit: usize) -> Result<Bytes, Ungathered> {
    let mut body = pin!(body);
    // An announced length is only reserved: what is not sent is not resident.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Ungathered::TooLarge);
    }
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Ungathered::Lost)?.into_data() else { continue };
        if first.len() + whole.len() + data.len() > limit {
            return Err(Ungathered::TooLarge);
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(announced.max(first.len() + data.len()));
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

pin_project! {
    /// A body that keeps something alive until it has been read to its end or dropped.
    pub struct Guarded<B, G> {
        #[pin]
        body: B,
        guard: Option<G>,
    }
}

impl<B, G> Guarded<B, G> {
    /// Ties `guard` to `body`.
    pub fn new(body: B, guard: G) -> Self {
        Guarded { body, guard: Some(guard) }
    }
}

impl<B: HttpBody, G> HttpBody for Guarded<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) {
            *this.guard = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn a_body_is_gathered_whatever_the_pieces_it_comes_in() {
        for pieces in [&[][..], &["whole"], &["", "in ", "", "three ", "pieces"]] {
            let frames = pieces
                .iter()
                .map(|piece| Ok::<_, BoxError>(Frame::data(Bytes::from_static(piece.as_bytes()))));
            let gathered = gather(StreamBody::new(stream::iter(frames)), 20).await.unwrap();
            assert_eq!(gathered, pieces.concat());
        }
        let one = Bytes::from_static(b"not copied");
        assert_eq!(gather(Full::new(one.clone()), 10).await.unwrap().as_ptr(), one.as_ptr());
        let broken =
            stream::iter([Ok(Frame::data(Bytes::from_static(b"half"))), Err(BoxError::from("gone"))]);
        assert_eq!(gather(StreamBody::new(broken), 20).await, Err(Ungathered::Lost));
        assert_eq!(gather(Full::new(one), 9).await, Err(Ungathered::TooLarge));
        let long =
            stream::iter(["1234", "5678"].map(|piece| Ok::<_, BoxError>(Frame::data(Bytes::from(piece)))));
        assert_eq!(gather(StreamBody::new(long), 7).await, Err(Ungathered::TooLarge));
    }
}
