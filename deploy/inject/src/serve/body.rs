//! Reads requests' bodies into room that is shared by all of them.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::review::MAX_BODY_BYTES;

/// Room for all bodies at once, in KiB; twice the largest. What a body is parsed into takes a multiple of it.
const ROOM: u32 = 16 * 1024;

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
