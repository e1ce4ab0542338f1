//! Connections in memory, for HTTP clients that want a connector.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{DuplexStream, duplex};

/// What may be under way in each direction, in bytes.
const CAPACITY: usize = 64 * 1024;

/// One end of a connection in memory.
pub(crate) struct Cable(TokioIo<DuplexStream>);

impl Cable {
    /// A new connection: the caller's end, and the server's.
    pub(crate) fn new() -> (Cable, DuplexStream) {
        let (caller, server) = duplex(CAPACITY);
        (Cable(TokioIo::new(caller)), server)
    }
}

impl Connection for Cable {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Cable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Cable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
