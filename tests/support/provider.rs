//! A provider that says exactly what it is told to, for answers that no simulator would give.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// Listens on a port of its own until it is dropped.
pub struct Provider {
    /// Where it listens.
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    _listening: AbortOnDropHandle<()>,
}

impl Provider {
    /// Answers every request with `answer`, then with `refrain` again and again for as long as anybody listens;
    /// without a refrain it says nothing more, and does not hang up.
    pub async fn saying(answer: &str, refrain: Option<&'static str>) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answer, log) = (answer.to_owned(), heard.clone());
        let listening = TaskTracker::new().spawn(async move {
            let mut lines = FuturesUnordered::new();
            loop {
                tokio::select! {
                    Ok((line, _)) = listener.accept() => {
                        lines.push(converse(line, answer.clone(), refrain, log.clone()));
                    }
                    Some(()) = lines.next() => {}
                }
            }
        });
        Provider { address, heard, _listening: AbortOnDropHandle::new(listening) }
    }

    /// A response with these headers and this body.
    pub fn response(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
    }

    /// Every request so far, head and body.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn converse(
    mut line: TcpStream,
    answer: String,
    refrain: Option<&'static str>,
    log: Arc<Mutex<Vec<String>>>,
) {
    while let Some(request) = request(&mut line).await {
        log.lock().unwrap().push(request);
        if line.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        while let Some(refrain) = refrain {
            if line.write_all(refrain.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// One request with a `content-length` or none; `None` when the other side has hung up.
async fn request(line: &mut TcpStream) -> Option<String> {
    let mut heard = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&heard).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        if line.read_buf(&mut heard).await.ok()? == 0 {
            return None;
        }
    }
}
