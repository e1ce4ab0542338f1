//! A connection that can be broken from the inside.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Shared by a connection and the requests on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    broken: Arc<AtomicBool>,
    steering: Arc<AtomicBool>,
}

/// The transport, refusing all input and output once its line is broken.
pub(crate) struct Wire<T> {
    io: T,
    line: Line,
    /// Makes the transport's close a reset; nothing to do for one that knows no resets.
    reset: fn(&T),
}

impl Line {
    /// From now on every read and write fails; the connection closes with a reset where it can.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Release);
    }

    /// Marks a connection that faults are set over: refusals leave it open.
    pub(crate) fn steer(&self) {
        self.steering.store(true, Ordering::Release);
    }

    pub(crate) fn is_steering(&self) -> bool {
        self.steering.load(Ordering::Acquire)
    }
}

impl<T> Wire<T> {
    pub(crate) const fn new(io: T, line: Line, reset: fn(&T)) -> Self {
        Self { io, line, reset }
    }

    fn intact(&self) -> io::Result<()> {
        if self.line.broken.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl<T> Drop for Wire<T> {
    fn drop(&mut self) {
        if self.intact().is_err() {
            (self.reset)(&self.io);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.intact()?;
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.intact()?;
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.intact()?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.intact()?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
