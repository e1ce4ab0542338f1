//! An application that calls Sidestep over HTTP, as an SDK would.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::Scrape;

/// An idle connection is not used again after this: some suites let Sidestep close idle ones soon, and a request
/// that meets a closing connection is lost.
const REUSED: Duration = Duration::from_millis(100);

/// Calls Sidestep.
#[derive(Clone)]
pub struct Application {
    client: Client<HttpConnector, Full<Bytes>>,
    /// The application side.
    pub address: SocketAddr,
    /// The admin side.
    pub admin: SocketAddr,
}

/// A whole response.
#[derive(Debug)]
pub struct Heard {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as text.
    pub text: String,
    /// False when the body was cut off by the transport.
    pub whole: bool,
}

impl Application {
    /// An application of the Sidestep at `address`.
    pub fn new(address: SocketAddr, admin: SocketAddr) -> Application {
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(REUSED).build_http();
        Application { client, address, admin }
    }

    /// An Anthropic Messages call with one user message.
    pub fn messages(model: &str, prompt: &str, stream: bool) -> Value {
        json!({
            "model": model, "max_tokens": 512, "stream": stream,
            "messages": [{"role": "user", "content": prompt}],
        })
    }

    /// A Chat Completions call with one user message.
    pub fn chat(model: &str, prompt: &str, stream: bool) -> Value {
        json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]})
    }

    /// Posts JSON to the application side and reads the whole answer.
    pub async fn post(&self, path: &str, body: &Value) -> Heard {
        self.post_with(path, body, &[]).await
    }

    /// The same with headers.
    pub async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Heard {
        read(self.open(path, body, headers).await).await
    }

    /// Posts JSON and returns as soon as the answer begins.
    pub async fn open(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> http::Response<Incoming> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}{path}", self.address))
            .header("content-type", "application/json")
            .header("authorization", "Bearer the-application's-own");
        if path.ends_with("/messages") {
            request = request.header("anthropic-version", "2023-06-01");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        self.client.request(request).await.unwrap()
    }

    /// Whether the application side takes a connection.
    ///
    /// # Errors
    /// When it does not.
    pub async fn try_connect(&self) -> std::io::Result<()> {
        tokio::net::TcpStream::connect(self.address).await.map(drop)
    }

    /// Any request to either side.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Heard {
        read(self.client.request(request).await.unwrap()).await
    }

    /// Gets a page of the admin side.
    pub async fn admin(&self, path: &str) -> Heard {
        let request = Request::get(format!("http://{}{path}", self.admin)).body(Full::default()).unwrap();
        self.send(request).await
    }

    /// What the metrics say now.
    pub async fn scrape(&self) -> Scrape {
        Scrape::parse(&self.admin("/metrics").await.text)
    }

    /// What the status says of `model`.
    pub async fn standing(&self, model: &str) -> Value {
        let status = self.admin("/status").await.json();
        let mut models = status["models"].as_array().unwrap().iter();
        let told = models.find(|told| told["id"] == model);
        told.cloned().unwrap_or_else(|| panic!("no {model} in {status}"))
    }

    /// Sets a switch on a provider or a model.
    pub async fn disable(&self, subject: &str, reason: &str) -> Heard {
        let wish = json!({"subject": subject, "reason": reason, "actor": "ops", "for_seconds": 600});
        let request = Request::post(format!("http://{}/switches", self.admin))
            .header("content-type", "application/json");
        self.send(request.body(Full::new(wish.to_string().into())).unwrap()).await
    }

    /// Clears it.
    pub async fn enable(&self, subject: &str) -> Heard {
        let request = Request::delete(format!("http://{}/switches/{subject}?actor=ops", self.admin));
        self.send(request.body(Full::default()).unwrap()).await
    }
}

async fn read(response: http::Response<Incoming>) -> Heard {
    let (head, mut body) = response.into_parts();
    let (mut text, mut whole) = (Vec::new(), true);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    Heard { status: head.status, headers: head.headers, text: String::from_utf8(text).unwrap(), whole }
}

impl Heard {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text of the answer, whichever dialect and form it has.
    pub fn said(&self) -> String {
        if self.header("content-type").starts_with("text/event-stream") {
            return self.events().iter().filter_map(delta).collect();
        }
        let answer = self.json();
        match &answer["content"] {
            Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
            _ => answer["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The JSON of every event of a stream.
    pub fn events(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
    }

    /// True when a stream has the end marker of its dialect.
    pub fn is_ended(&self) -> bool {
        self.text.contains("data: [DONE]") || self.text.contains("\"message_stop\"")
    }

    /// True when a stream tells an error.
    pub fn tells_error(&self) -> bool {
        self.events().iter().any(|event| event["type"] == "error" || event["error"].is_object())
    }
}

fn delta(event: &Value) -> Option<String> {
    let text = event["delta"]["text"].as_str().or_else(|| event["choices"][0]["delta"]["content"].as_str());
    text.map(str::to_owned)
}
