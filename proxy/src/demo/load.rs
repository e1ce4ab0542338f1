//! The application: a steady mix of calls in both dialects, streamed and whole, with and without tools.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use sidestep_dialect::Dialect;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::check::{Verdict, check};
use super::scene::Scene;

/// How long an answer counts for the picture of the present.
const RECENT: Duration = Duration::from_secs(4);
const CHOICES: [(&str, &str); 2] = [("claude-opus-5-5", "opus"), ("claude-haiku-5-5", "haiku")];

type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// One kind of call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// The application's dialect.
    pub(super) dialect: Dialect,
    /// Streamed or whole.
    pub(super) stream: bool,
    /// Whether a tool is offered and asked for.
    pub(super) tools: bool,
    asked: &'static str,
    first_choice: &'static str,
}

/// What the application has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Calls made.
    pub(super) requests: u64,
    /// Of them, streamed.
    pub(super) streams: u64,
    /// Calls that got no good answer, with the reason of each kind.
    pub(super) failed: BTreeMap<String, u64>,
    /// Answers that ended early.
    pub(super) truncated: u64,
    /// Answers that another model than the first choice gave.
    pub(super) rerouted: u64,
    /// Attempts that Sidestep made for them all.
    pub(super) attempts: u64,
    /// Whether the last answer for each first choice came from it, and since when.
    pub(super) home: BTreeMap<&'static str, Option<Instant>>,
    pub(super) recent: VecDeque<(Instant, String)>,
}

/// The shared tally.
#[derive(Default)]
pub(super) struct Ledger {
    tally: Mutex<Tally>,
}

/// Starts calling, `rate` times a second, until `stop`. The tracker ends when the last answer is in.
pub(super) fn start(scene: &Scene, rate: u32, ledger: &Arc<Ledger>, stop: &CancellationToken) -> TaskTracker {
    let callers = TaskTracker::new();
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let (address, ledger, stop, tracker) = (scene.app.address, ledger.clone(), stop.clone(), callers.clone());
    callers.spawn(async move {
        let mut pace = interval(Duration::from_secs(1) / rate);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 0_usize.. {
            tokio::select! {
                _ = pace.tick() => {}
                () = stop.cancelled() => break,
            }
            let (client, ledger) = (client.clone(), ledger.clone());
            tracker.spawn(async move {
                let kind = Kind::of(number);
                let told = call(&client, address, kind, number).await;
                ledger.enter(kind, told);
            });
        }
    });
    callers
}

/// What came back for one call.
pub(super) struct Told {
    verdict: Verdict,
    upstream: String,
    attempts: u64,
}

async fn call(client: &HttpClient, address: SocketAddr, kind: Kind, number: usize) -> Told {
    let lost =
        |reason: String| Told { verdict: Verdict::Failed(reason), upstream: String::new(), attempts: 0 };
    let request = match kind.request(address, number) {
        Ok(request) => request,
        Err(error) => return lost(error.to_string()),
    };
    let response = match client.request(request).await {
        Ok(response) => response,
        Err(error) => return lost(error.to_string()),
    };
    let status = response.status();
    let text = |headers: &HeaderMap, name| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let upstream = text(response.headers(), "sidestep-upstream");
    let attempts = text(response.headers(), "sidestep-attempts").parse().unwrap_or(0);
    let verdict = match response.into_body().collect().await {
        Ok(body) => check(kind, status, &body.to_bytes()),
        Err(_) => Verdict::Truncated,
    };
    Told { verdict, upstream, attempts }
}

// === impl Kind ===

impl Kind {
    /// The mix: every combination in turn.
    fn of(number: usize) -> Kind {
        let (asked, first_choice) = CHOICES[(number / 8) % 2];
        Kind {
            dialect: if number.is_multiple_of(2) { Dialect::Anthropic } else { Dialect::OpenAi },
            stream: (number / 2).is_multiple_of(2),
            tools: (number / 4) % 2 == 1,
            asked,
            first_choice,
        }
    }

    fn request(self, address: SocketAddr, number: usize) -> Result<Request<Full<Bytes>>, http::Error> {
        let (path, body) = match self.dialect {
            Dialect::Anthropic => ("/v1/messages", self.anthropic(number)),
            _ => ("/v1/chat/completions", self.openai(number)),
        };
        let uri =
            Uri::builder().scheme("http").authority(address.to_string()).path_and_query(path).build()?;
        Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header("content-type", "application/json")
            .header("anthropic-version", "2023-06-01")
            .header("authorization", "Bearer demo")
            .body(Full::new(Bytes::from(body.to_string())))
    }

    fn prompt(self, number: usize) -> String {
        if self.tools {
            format!("Call {number}: what is the weather in Oslo?")
        } else {
            format!("Call {number}: tell me something about lighthouses.")
        }
    }

    fn anthropic(self, number: usize) -> Value {
        let mut body = json!({
            "model": self.asked,
            "max_tokens": 1024,
            "stream": self.stream,
            "messages": [{"role": "user", "content": self.prompt(number)}],
        });
        if self.tools {
            body["tools"] = json!([{"name": "get_weather", "input_schema": weather()}]);
        }
        body
    }

    fn openai(self, number: usize) -> Value {
        let mut body = json!({
            "model": self.asked,
            "stream": self.stream,
            "messages": [{"role": "user", "content": self.prompt(number)}],
        });
        if self.tools {
            body["tools"] =
                json!([{"type": "function", "function": {"name": "get_weather", "parameters": weather()}}]);
        }
        body
    }
}

fn weather() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
}

// === impl Ledger ===

impl Ledger {
    /// A copy of what was seen so far.
    #[must_use]
    pub(super) fn read(&self) -> Tally {
        self.open().clone()
    }

    /// True when every first choice has answered everything that it was asked for `duration`.
    #[must_use]
    pub(super) fn is_home_for(&self, duration: Duration) -> bool {
        let tally = self.open();
        let at_home = |since: &Option<Instant>| since.is_some_and(|since| since.elapsed() >= duration);
        tally.home.len() == CHOICES.len() && tally.home.values().all(at_home)
    }

    fn enter(&self, kind: Kind, told: Told) {
        let now = Instant::now();
        let mut tally = self.open();
        tally.requests += 1;
        tally.streams += u64::from(kind.stream);
        tally.attempts += told.attempts;
        match told.verdict {
            Verdict::Good => {}
            Verdict::Truncated => tally.truncated += 1,
            Verdict::Failed(reason) => *tally.failed.entry(reason).or_default() += 1,
        }
        let home = told.upstream == kind.first_choice;
        tally.rerouted += u64::from(!home && !told.upstream.is_empty());
        let since = tally.home.entry(kind.first_choice).or_default();
        *since = home.then(|| since.unwrap_or(now));
        tally.recent.push_back((now, told.upstream));
        while tally.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > RECENT) {
            tally.recent.pop_front();
        }
    }

    fn open(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Tally ===

impl Tally {
    /// All calls without a good answer.
    #[must_use]
    pub(super) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// The share of the recent answers that `model` gave, 0 to 1.
    #[must_use]
    pub(super) fn share(&self, model: &str) -> f64 {
        if self.recent.is_empty() {
            return 0.0;
        }
        let given = self.recent.iter().filter(|(_, upstream)| upstream == model).count();
        given as f64 / self.recent.len() as f64
    }
}
