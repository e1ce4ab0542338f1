//! The load's end of a connection: HTTP/1.1 by hand, so that the load costs less than what it measures.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Longest wait for anything at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection to a proxy, or to the upstream.
pub(crate) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    /// Server-sent events.
    pub(crate) events: u64,
    /// When the first byte of the body was there.
    pub(crate) first: Instant,
}

/// How the body ends.
enum Framing {
    Length(usize),
    Chunked,
}

/// Finds the payload in a chunked body, and counts the events in it. Knows nothing but how far it is.
#[derive(Default)]
struct Chunks {
    state: State,
    size: usize,
    /// The payload so far ended in a line feed.
    fed: bool,
    events: u64,
}

#[derive(Default, PartialEq)]
enum State {
    #[default]
    Size,
    Extension,
    Data,
    DataEnd,
    Trailer(u8),
    Over,
}

impl Line {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Line> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Line { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends `request` and hears the whole answer, which has to be a good one.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Heard> {
        let framing = self.begin(request).await?;
        timeout(PATIENCE, self.hear(framing)).await.context("the answer does not end")?
    }

    /// Sends `request` and hears the answer up to its first event, and leaves it there.
    pub(crate) async fn open_stream(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.begin(request).await?;
        while memchr::memmem::find(&self.buffer, b"lighthouse").is_none() {
            self.more().await?;
        }
        Ok(())
    }

    /// The body of the answer to `request`.
    pub(crate) async fn text(&mut self, request: &[u8]) -> anyhow::Result<String> {
        let Framing::Length(length) = self.begin(request).await? else { bail!("no length") };
        while self.buffer.len() < length {
            self.more().await?;
        }
        let text = String::from_utf8_lossy(&self.buffer[..length]).into_owned();
        self.buffer.clear();
        Ok(text)
    }

    async fn begin(&mut self, request: &[u8]) -> anyhow::Result<Framing> {
        timeout(PATIENCE, self.stream.write_all(request)).await.context("the request is not taken")??;
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = std::str::from_utf8(&self.buffer[..end])?;
        ensure!(head.as_bytes().get(9..12) == Some(b"200"), "answered with {head}");
        let framing = framing(head)?;
        self.buffer.drain(..end);
        Ok(framing)
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        ensure!(read.context("nothing comes")?? > 0, "the connection ended in the middle of an answer");
        Ok(())
    }

    async fn hear(&mut self, framing: Framing) -> anyhow::Result<Heard> {
        if self.buffer.is_empty() {
            self.more().await?;
        }
        let first = Instant::now();
        let events = match framing {
            Framing::Length(length) => {
                while self.buffer.len() < length {
                    self.more().await?;
                }
                self.buffer.drain(..length);
                0
            }
            Framing::Chunked => {
                let mut chunks = Chunks::default();
                loop {
                    chunks.take(&self.buffer);
                    self.buffer.clear();
                    if chunks.state == State::Over {
                        break chunks.events;
                    }
                    self.more().await?;
                }
            }
        };
        Ok(Heard { events, first })
    }
}

fn framing(head: &str) -> anyhow::Result<Framing> {
    for line in head.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            return Ok(Framing::Length(value.trim().parse()?));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(Framing::Chunked);
        }
    }
    bail!("an answer without a length: {head}")
}

impl Chunks {
    fn take(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.state == State::Data {
                let (data, after) = bytes.split_at(self.size.min(bytes.len()));
                self.count(data);
                self.size -= data.len();
                bytes = after;
                if self.size == 0 {
                    self.state = State::DataEnd;
                }
                continue;
            }
            self.frame(byte);
            bytes = rest;
        }
    }

    fn frame(&mut self, byte: u8) {
        self.state = match (&self.state, byte) {
            (State::Size | State::Extension, b'\n') if self.size == 0 => State::Trailer(0),
            (State::Size | State::Extension, b'\n') => State::Data,
            (State::Size, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                self.size = self.size * 16 + digit as usize;
                State::Size
            }
            (State::Size | State::Extension, _) => State::Extension,
            (State::DataEnd, b'\n') => State::Size,
            (State::DataEnd, _) => State::DataEnd,
            (State::Trailer(0), b'\n') => State::Over,
            (State::Trailer(_), b'\n') => State::Trailer(0),
            (State::Trailer(seen), b'\r') => State::Trailer(*seen),
            (State::Trailer(_), _) => State::Trailer(1),
            (State::Data | State::Over, _) => State::Over,
        };
    }

    /// An event ends with an empty line.
    fn count(&mut self, data: &[u8]) {
        for end in memchr::memchr_iter(b'\n', data) {
            let after_feed = if end == 0 { self.fed } else { data[end - 1] == b'\n' };
            self.events += u64::from(after_feed);
        }
        self.fed = data.last() == Some(&b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the bytes are cut, the same events are counted and the same end is seen.
    #[test]
    fn events_are_counted_across_chunks_and_reads() {
        let wire = b"8\r\ndata: a\n\r\n9;x=y\r\n\ndata: b\n\r\n1\r\n\n\r\n0\r\nt: 1\r\n\r\n";
        for cut in 1..wire.len() {
            let mut chunks = Chunks::default();
            for piece in wire.chunks(cut) {
                assert!(chunks.state != State::Over);
                chunks.take(piece);
            }
            assert_eq!((chunks.events, chunks.state == State::Over), (2, true), "cut every {cut}");
        }
    }
}
