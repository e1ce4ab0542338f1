//! A bare TCP connection, for callers that speak HTTP badly or not at all.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection that says exactly what it is told to.
pub struct Line(TcpStream);

impl Line {
    /// Connects.
    pub async fn to(address: SocketAddr) -> Line {
        Line::over(TcpStream::connect(address).await.unwrap())
    }

    /// Speaks over a connection that is there already.
    pub fn over(stream: TcpStream) -> Line {
        Line(stream)
    }

    /// Sends these bytes; false when the other side has hung up.
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Everything that comes until the other side hangs up, at most for `limit`; `None` when it does not.
    pub async fn hear_out(&mut self, limit: Duration) -> Option<String> {
        let mut heard = Vec::new();
        // A reset ends the conversation like an orderly end does.
        timeout(limit, self.0.read_to_end(&mut heard)).await.ok()?.ok();
        Some(String::from_utf8_lossy(&heard).into_owned())
    }

    /// One whole response with a `content-length`, read on a connection that stays open.
    pub async fn response(&mut self) -> String {
        let mut heard = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&heard).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length")
                        .then(|| value.trim().parse::<usize>().unwrap())
                });
                if body.len() >= length.unwrap_or(0) {
                    return text;
                }
            }
            if self.0.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                return text;
            }
        }
    }
}
