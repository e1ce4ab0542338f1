//! Reads requests' bodies into room that is shared by all of them.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::review::MAX_BODY_BYTES;

/// Room for all bodies at once, in KiB: two of the largest. What a body is parsed into takes a multiple of it.
const ROOM: u32 = 2 * (8 * 1024 + 1);

/// Room for bodies.
pub(crate) struct Bodies(Arc<Semaphore>);

/// A body, and the room that it takes.
pub(super) struct Held {
    bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// It is over the limit.
    #[error("the body is over {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// It ended early.
    #[error("the body ended early")]
    Broken,
}

impl Default for Bodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM as usize)))
    }
}

impl Bodies {
    /// Reads a body when there is room for it; the caller's deadline ends the wait.
    pub(super) async fn read<B>(&self, body: B) -> Result<Held, BodyError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        // One whose size is not told may be as large as any.
        let size = body.size_hint().upper().unwrap_or(MAX_BODY_BYTES as u64);
        if size > MAX_BODY_BYTES as u64 {
            return Err(BodyError::TooLarge);
        }
        let wanted = u32::try_from(size / 1024 + 1).unwrap_or(ROOM);
        // The semaphore is never closed.
        let room = self.0.clone().acquire_many_owned(wanted).await.ok();
        match Limited::new(body, MAX_BODY_BYTES).collect().await {
            Ok(read) => Ok(Held { bytes: read.to_bytes(), _room: room }),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(BodyError::TooLarge),
            Err(_) => Err(BodyError::Broken),
        }
    }
}

impl std::ops::Deref for Held {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt, stream};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    /// A body of so many chunks of a MiB, whose size is not told.
    fn untold(chunks: usize) -> impl Body<Data = Bytes, Error = std::io::Error> {
        let chunk = Bytes::from(vec![b' '; 1 << 20]);
        StreamBody::new(stream::iter(vec![chunk; chunks]).map(|chunk| Ok(Frame::data(chunk))))
    }

    #[tokio::test]
    async fn a_body_of_unknown_size_is_cut_at_the_limit_and_its_room_given_back() {
        let bodies = Bodies::default();
        let limit = MAX_BODY_BYTES >> 20;
        for _ in 0..4 {
            assert!(matches!(bodies.read(untold(limit + 1)).await, Err(BodyError::TooLarge)));
            assert_eq!(bodies.read(untold(limit)).await.map(|held| held.len()).ok(), Some(MAX_BODY_BYTES));
        }
        // There is room for two of any size, and then for no other.
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(bodies.read(untold(limit)).await.ok());
        }
        let mut third = Box::pin(bodies.read(untold(1)));
        assert!((&mut third).now_or_never().is_none());
        held.pop();
        assert!(third.await.is_ok());
    }
}
