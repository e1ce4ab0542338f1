//! A provider that costs next to nothing: answers are made once, and written as they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::answers::{Form, Stream, Wish, solved, stream, told, whole};
use crate::encrypted::Handshakes;

/// Who asks here is told how many TLS handshakes there were.
pub(crate) const COUNT: &str = "/handshakes";

/// Longest request that is kept to look at.
const KEPT: usize = 16 << 10;

/// All answers, as they go onto the wire.
struct Answers {
    whole: [Vec<u8>; 2],
    told: [Stream; 2],
    handshakes: Arc<Handshakes>,
}

/// One request: the beginning of its bytes, and how it was made.
struct Heard {
    kept: Vec<u8>,
    form: Form,
    counting: bool,
}

/// What of a connection's bytes has been read but not used.
struct Caller {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Answers on `address` until the process ends.
pub(crate) async fn serve(address: SocketAddr, handshakes: Arc<Handshakes>) -> anyhow::Result<()> {
    let forms = [Form::Chat, Form::Messages];
    let chunked = |form| framed(told(form));
    let answers = Answers { whole: forms.map(whole), told: forms.map(chunked), handshakes };
    let answers = Arc::new(answers);
    let listener = tokio::net::TcpSocket::new_v4()?;
    listener.set_reuseaddr(true)?;
    listener.bind(address)?;
    let listener: TcpListener = listener.listen(4096)?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = answers.clone();
        connections.spawn(async move {
            let mut caller = Caller { stream, buffer: Vec::with_capacity(4096) };
            // A caller that leaves, or speaks no HTTP, ends its connection; nobody else is concerned.
            while let Ok(Some(heard)) = caller.hear().await {
                if caller.answer(&heard, &answers).await.is_err() {
                    break;
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

impl Caller {
    /// The next request; none when the caller has ended.
    async fn hear(&mut self) -> std::io::Result<Option<Heard>> {
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        let path = head.split(' ').nth(1).unwrap_or_default();
        let form = if path.ends_with("/messages") { Form::Messages } else { Form::Chat };
        let counting = path == COUNT;
        let mut kept = self.buffer.split_off(end);
        self.buffer.clear();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        match length {
            Some(length) => self.rest(&mut kept, length).await?,
            None if head.contains("transfer-encoding: chunked") => {
                while !kept.ends_with(b"0\r\n\r\n") {
                    self.more(&mut kept).await?;
                }
            }
            None => {}
        }
        Ok(Some(Heard { kept, form, counting }))
    }

    /// Reads on to `length` bytes of body, of which the beginning is kept.
    async fn rest(&mut self, kept: &mut Vec<u8>, length: usize) -> std::io::Result<()> {
        let mut missing = length.saturating_sub(kept.len());
        while missing > 0 && kept.len() < KEPT {
            missing = missing.saturating_sub(self.more(kept).await?);
        }
        let mut waste = vec![0; missing.min(1 << 18)];
        while missing > 0 {
            let room = missing.min(waste.len());
            let read = self.stream.read(&mut waste[..room]).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            missing -= read;
        }
        Ok(())
    }

    async fn more(&mut self, kept: &mut Vec<u8>) -> std::io::Result<usize> {
        match self.stream.read_buf(kept).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }

    async fn answer(&mut self, heard: &Heard, answers: &Answers) -> std::io::Result<()> {
        let at = usize::from(heard.form == Form::Messages);
        if heard.counting {
            let count = answers.handshakes.count().to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{count}", count.len());
            return self.stream.write_all(head.as_bytes()).await;
        }
        if let Some(solution) = solved(&heard.kept) {
            let once = framed(stream(heard.form, &solution));
            return self.tell(&once, Wish { events: 1, gap: 0 }).await;
        }
        match Wish::find(&heard.kept) {
            Some(wish) if wish.events > 0 => self.tell(&answers.told[at], wish).await,
            _ => self.stream.write_all(&answers.whole[at]).await,
        }
    }

    async fn tell(&mut self, told: &Stream, wish: Wish) -> std::io::Result<()> {
        let first = [&told.head[..], &told.event[..]].concat();
        self.stream.write_all(&first).await?;
        for _ in 1..wish.events {
            let mut byte = [0];
            tokio::select! {
                biased;
                // Nothing is said while an answer is under way: it was the end.
                _ = self.stream.read(&mut byte) => return Err(std::io::ErrorKind::ConnectionReset.into()),
                () = sleep(Duration::from_millis(wish.gap.into())) => {}
            }
            self.stream.write_all(&told.event).await?;
        }
        self.stream.write_all(&told.tail).await
    }
}

/// The pieces of a stream, each as a chunk of HTTP/1.1, the first with the response's head before it.
fn framed(told: Stream) -> Stream {
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    Stream {
        head: [&head[..], &chunk(&told.head)].concat(),
        event: chunk(&told.event),
        tail: [&chunk(&told.tail)[..], b"0\r\n\r\n"].concat(),
    }
}
