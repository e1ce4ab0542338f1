//! A connection whose caller has to begin to speak in time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// As long as the preface of HTTP/2 (RFC 9113 §3.4). The server's own timer for heads only begins once it has
/// found out which version is spoken, and for that it may want this much.
const ENOUGH: usize = 24;

/// Fails reads with [`io::ErrorKind::TimedOut`] when not even the first words of a request come in time. From
/// then on, or once something was answered, it changes nothing.
pub struct FirstWords<I> {
    io: I,
    heard: usize,
    patience: Option<Pin<Box<Sleep>>>,
}

impl<I> FirstWords<I> {
    /// Waits for `patience` from now.
    pub fn new(io: I, patience: Duration) -> FirstWords<I> {
        FirstWords { io, heard: 0, patience: Some(Box::pin(sleep(patience))) }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for FirstWords<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.heard = self.heard.saturating_add(buffer.filled().len() - before);
        if self.heard >= ENOUGH {
            self.patience = None;
        }
        match (&polled, &mut self.patience) {
            (Poll::Pending, Some(patience)) => {
                patience.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
            _ => polled,
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for FirstWords<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.patience = None;
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.patience = None;
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_borne_until_the_limit_and_after_the_first_words_for_ever() {
        let limit = Duration::from_secs(10);
        for said in [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            let (mut caller, io) = duplex(64);
            let mut server = FirstWords::new(io, limit);
            caller.write_all(said).await.unwrap();
            let began = Instant::now();
            let heard = server.read_to_end(&mut Vec::new()).await;
            assert_eq!(heard.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(began.elapsed(), limit);
        }
        let (mut caller, io) = duplex(64);
        let mut server = FirstWords::new(io, limit);
        caller.write_all(&[b'x'; ENOUGH]).await.unwrap();
        server.read_exact(&mut [0; ENOUGH]).await.unwrap();
        let waited = tokio::time::timeout(limit * 100, server.read_u8()).await;
        assert!(waited.is_err(), "a caller that has begun is the business of other timers");
    }
}
