//! The application: independent callers, each with one request.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use rand::Rng;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hearing::{Ending, has_begun, judge};
use crate::incident::Incident;
use crate::replay::Notes;
use crate::request::Wish;
use crate::scene::{Application, Scene};

/// Patience of those who have no other.
const AN_HOUR: f64 = 3600.0;

/// What was seen of one request. Times run from the replay's begin.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) at: Duration,
    /// Big, middle or small.
    pub(crate) size: usize,
    pub(crate) stream: bool,
    pub(crate) tools: bool,
    /// From the request to the first content of a stream; as long as the caller waited, if it left before.
    pub(crate) first: Option<Duration>,
    pub(crate) ending: Ending,
    /// Who answered, or began to.
    pub(crate) upstream: String,
    /// Who told the rest of it.
    pub(crate) rescued_by: Option<String>,
}

/// Who asks, how often, and when the incident is.
pub(crate) struct Load {
    pub(crate) incident: Incident,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) during: std::ops::Range<Duration>,
    pub(crate) draws: StdRng,
}

impl Load {
    /// Sends requests at random times, as many independent callers would, until `calm`.
    pub(crate) async fn run(mut self, scene: Arc<Scene>, notes: Arc<Notes>, calm: CancellationToken) {
        let callers = TaskTracker::new();
        let mut at = Duration::ZERO;
        for number in 0.. {
            at += Duration::from_secs_f64(-(1.0 - self.draws.random::<f64>()).ln() / self.rate);
            tokio::select! {
                biased;
                () = sleep_until(notes.start + at) => {}
                () = calm.cancelled() => break,
            }
            let wish = Wish::draw(number, &self.incident, self.during.contains(&at), &mut self.draws);
            notes.sent.lock().unwrap().push(at);
            let (application, notes) = (scene.application.clone(), notes.clone());
            callers.spawn(async move {
                let heard = call(application, wish, at).await;
                notes.heard.lock().unwrap().push(heard);
            });
        }
        callers.close();
        callers.wait().await;
    }
}

async fn call(application: Application, wish: Wish, at: Duration) -> Heard {
    let began = Instant::now();
    let patience = began + Duration::from_secs_f64(wish.patience.unwrap_or(AN_HOUR));
    let mut heard = Heard {
        at,
        size: wish.size,
        stream: wish.stream,
        tools: wish.tools,
        first: None,
        ending: Ending::GaveUp,
        upstream: String::new(),
        rescued_by: None,
    };
    let response = match timeout_at(patience, application.request(wish.request())).await {
        Err(_) => return Heard { first: Some(began.elapsed()), ..heard },
        Ok(Err(error)) => return Heard { ending: Ending::Failed(error.to_string()), ..heard },
        Ok(Ok(response)) => response,
    };
    let (head, body) = response.into_parts();
    if let Some(name) = head.headers.get("sidestep-upstream") {
        heard.upstream = name.to_str().unwrap().to_owned();
    }
    let mut ear = Ear { wish: &wish, began, first: None, bytes: Vec::new() };
    let Some(whole) = ear.listen(body, patience).await else {
        return Heard { first: Some(began.elapsed()), ..heard };
    };
    heard.first = ear.first;
    if let Some(name) = remark(&ear.bytes, "sidestep-upstream=") {
        heard.upstream = name;
    }
    heard.rescued_by = remark(&ear.bytes, "sidestep-rescued-by=");
    Heard { ending: judge(&wish, head.status, &ear.bytes, whole), ..heard }
}

/// Reads an answer as it comes.
struct Ear<'a> {
    wish: &'a Wish,
    began: Instant,
    first: Option<Duration>,
    bytes: Vec<u8>,
}

impl Ear<'_> {
    /// Whether the transport brought it to its end; `None` when nothing of an answer had come at the end of the
    /// caller's patience. Signs of life do not count; who has begun to read stays.
    async fn listen(&mut self, mut body: Incoming, patience: Instant) -> Option<bool> {
        loop {
            let frame = match self.first {
                Some(_) => body.frame().await,
                None => timeout_at(patience, body.frame()).await.ok()?,
            };
            match frame {
                None => return Some(true),
                Some(Err(_)) => return Some(false),
                Some(Ok(frame)) => {
                    self.bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data))
                }
            }
            if self.first.is_none() && self.wish.stream && has_begun(self.wish, &self.bytes) {
                self.first = Some(self.began.elapsed());
            }
        }
    }
}

/// What a comment in the stream says of `key`.
fn remark(body: &[u8], key: &str) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let mut comments = text.lines().filter_map(|line| line.strip_prefix(": "));
    let value = comments.find_map(|comment| comment.split("; ").find_map(|fact| fact.strip_prefix(key)));
    value.map(str::to_owned)
}
