//! An HTTP client that keeps what it heard when the answer breaks off.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sidestep_simulator::{Maker, Provider, Simulator};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// What came back.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How the body ended.
    pub(crate) end: End,
    /// When each piece came, from the request on.
    pub(crate) pieces: Vec<Duration>,
    pub(crate) head_after: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Proper,
    Broken,
    /// Nothing came for longer than any test waits.
    Silent,
    /// More came than any test wants.
    TooMuch,
}

/// Longer than any wait of the simulator that a test sets.
const PATIENCE: Duration = Duration::from_secs(60);
const ENOUGH: usize = 1 << 20;

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Complete events as (name, data).
    pub(crate) fn events(&self) -> Vec<(String, String)> {
        let text = self.text();
        let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let line = |event: &str, field: &str| {
            event.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default().trim().to_owned()
        };
        whole
            .split("\n\n")
            .filter(|event| !event.is_empty())
            .map(|e| (line(e, "event:"), line(e, "data:")))
            .collect()
    }
}

/// The request that this maker's SDK would send.
pub(crate) fn request(maker: Maker, path: &str, body: &Value) -> Request<Full<Bytes>> {
    let method = if body.is_null() { "GET" } else { "POST" };
    let request = Request::builder().method(method).uri(path).header("host", "simulated");
    let request = request.header("authorization", "Bearer key").header("content-type", "application/json");
    let request =
        if maker == Maker::Anthropic { request.header("anthropic-version", "2026-10-21") } else { request };
    request.body(Full::new(body.to_string().into())).unwrap()
}

/// One exchange over a new connection to a listening simulator.
pub(crate) async fn ask(simulator: &Simulator, path: &str, body: &Value) -> Result<Heard, String> {
    send(simulator, request(simulator.provider().vendor().maker, path, body)).await
}

pub(crate) async fn send(simulator: &Simulator, request: Request<Full<Bytes>>) -> Result<Heard, String> {
    let stream = TcpStream::connect(simulator.addr()).await.map_err(|error| format!("connect: {error}"))?;
    exchange(stream, request).await
}

/// One exchange in memory, for paused time.
pub(crate) async fn ask_in_memory(provider: &Provider, path: &str, body: &Value) -> Result<Heard, String> {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let request = request(provider.vendor().maker, path, body);
    tokio::join!(exchange(ours, request), provider.serve_connection(theirs)).0
}

pub(crate) async fn exchange<T>(io: T, request: Request<Full<Bytes>>) -> Result<Heard, String>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(|error| error.to_string())?;
    let talk = async move {
        let start = Instant::now();
        let sent =
            timeout(PATIENCE, sender.send_request(request)).await.map_err(|_| "no answer".to_owned())?;
        Ok(hear(sent.map_err(|error| format!("{error:?}"))?, start).await)
    };
    tokio::join!(talk, connection).0
}

pub(crate) async fn hear(response: http::Response<hyper::body::Incoming>, start: Instant) -> Heard {
    let head_after = start.elapsed();
    let (head, mut body) = response.into_parts();
    let (mut all, mut pieces) = (BytesMut::new(), Vec::new());
    let end = loop {
        match timeout(PATIENCE, body.frame()).await {
            Err(_) => break End::Silent,
            Ok(None) => break End::Proper,
            Ok(Some(Err(_))) => break End::Broken,
            Ok(Some(Ok(frame))) => {
                pieces.push(start.elapsed());
                all.extend_from_slice(&frame.into_data().unwrap_or_default());
            }
        }
        if all.len() > ENOUGH {
            break End::TooMuch;
        }
    };
    Heard { status: head.status, headers: head.headers, body: all.freeze(), end, pieces, head_after }
}

/// The path and a plain request of each form, as its maker wants it.
pub(crate) fn forms() -> Vec<(Maker, &'static str, Value)> {
    let asked = json!([{ "role": "user", "content": "Tell me of whales in 40 words" }]);
    let messages = json!({ "model": "claude-haiku-5-5", "max_tokens": 1000, "messages": asked });
    let chat = |model: &str| json!({ "model": model, "messages": asked });
    vec![
        (Maker::Anthropic, "/v1/messages", messages),
        (Maker::OpenAi, "/v1/chat/completions", chat("gpt-6-luna")),
        (Maker::Xai, "/v1/chat/completions", chat("grok-4.7")),
        (Maker::Generic, "/v1/chat/completions", chat("local-model")),
        (Maker::OpenAi, "/v1/responses", json!({ "model": "gpt-6-luna", "input": asked })),
    ]
}

/// The same request, streamed.
pub(crate) fn streamed(body: &Value) -> Value {
    let mut body = body.clone();
    body["stream"] = true.into();
    body
}
