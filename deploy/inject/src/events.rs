//! Events about pods that go on without the sidecar. Never in a request's way: what does not fit is dropped
//! and counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cluster::{Cluster, MANAGER, Place, time};
use crate::metrics::Metrics;
use crate::reply::{Notice, Subject};

/// Notices that may wait to be sent.
const QUEUE: usize = 256;
/// The same is not said again to the same for this long: a Deployment makes pods again and again.
const SILENCE: Duration = Duration::from_secs(600);
/// Things said that are remembered.
const REMEMBERED: usize = 1024;
/// Between two Events, at least.
const PACE: Duration = Duration::from_millis(100);
/// The longest message that the API takes, in bytes.
const MESSAGE: usize = 1024;

/// Where notices are handed in. Clones share one queue.
#[derive(Clone)]
pub(crate) struct Events {
    queue: mpsc::Sender<Notice>,
    metrics: Arc<Metrics>,
}

/// Sends them.
pub(crate) struct EventSender {
    queue: mpsc::Receiver<Notice>,
    cluster: Cluster,
    metrics: Arc<Metrics>,
    /// What was said about whom, and when.
    said: HashMap<String, Instant>,
}

/// A queue, and who empties it.
#[must_use]
pub(crate) fn events(cluster: Cluster, metrics: Arc<Metrics>) -> (Events, EventSender) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let events = Events { queue: sender, metrics: metrics.clone() };
    (events, EventSender { queue: receiver, cluster, metrics, said: HashMap::new() })
}

impl Events {
    /// Has `notice` told, some time.
    pub(crate) fn tell(&self, notice: Notice) {
        if self.queue.try_send(notice).is_err() {
            self.metrics.event_dropped();
        }
    }
}

impl EventSender {
    /// Sends what comes, until nobody can hand in any more.
    pub(crate) async fn send(mut self) {
        while let Some(notice) = self.queue.recv().await {
            if !self.is_new(&notice) {
                continue;
            }
            let Some(place) = Place::events(&notice.subject.namespace) else { continue };
            if let Err(error) = self.cluster.create(&place, &event(&notice)).await {
                self.metrics.event_dropped();
                tracing::debug!(%error, "an event was not sent");
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Whether this was not said lately.
    fn is_new(&mut self, notice: &Notice) -> bool {
        let now = Instant::now();
        self.said.retain(|_, at| now.duration_since(*at) < SILENCE);
        let Notice { subject: Subject { namespace, kind, name, .. }, message } = notice;
        let saying = format!("{namespace}/{kind}/{name}: {message}");
        if self.said.contains_key(&saying) {
            return false;
        }
        // With so much to say, saying something twice is the lesser evil.
        if self.said.len() >= REMEMBERED {
            self.said.clear();
        }
        self.said.insert(saying, now);
        true
    }
}

fn event(Notice { subject, message }: &Notice) -> Value {
    let Subject { namespace, api_version, kind, name, uid } = subject;
    let mut end = message.len().min(MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let now = time();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "generateName": "sidestep-", "namespace": namespace },
        "involvedObject": {
            "apiVersion": api_version, "kind": kind, "namespace": namespace, "name": name, "uid": uid,
        },
        "type": "Warning",
        "reason": "SidestepNotInjected",
        "message": message[..end],
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "source": { "component": MANAGER },
        "reportingComponent": MANAGER,
    })
}
