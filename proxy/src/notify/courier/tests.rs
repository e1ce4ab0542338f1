//! In paused time, over a receiver in memory.

use std::sync::Mutex;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use rand::SeedableRng;
use tokio_util::task::AbortOnDropHandle;
use tokio_util::task::TaskTracker;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

use super::super::notice::Phase;
use super::*;
use crate::body::full;
use crate::config::{Credential, NotifyEvent, Secret, SecretSource};
use crate::metrics::Metrics;
use crate::upstream::{Transport, TransportError};

/// What a receiver does with a message: a status with a Retry-After, or nothing at all.
#[derive(Clone, Copy)]
enum Manner {
    Answers(u16, Option<u64>),
    Hangs,
}

/// A courier at work, and what its receiver heard: seconds since the start, and the text.
struct Scene {
    mailbox: Arc<Mailbox>,
    closing: CancellationToken,
    metrics: Arc<Metrics>,
    heard: Heard,
    manner: Arc<Mutex<Manner>>,
    start: Instant,
    courier: Option<AbortOnDropHandle<()>>,
}

type Heard = Arc<Mutex<Vec<(f64, Value)>>>;

fn target(kind: TargetKind) -> NotifyTarget {
    let secret = |text| Credential::new(SecretSource::Inline, Some(Secret::new(text)));
    NotifyTarget {
        name: "t".to_owned(),
        kind,
        url: secret("http://h.test/hooks/hush-hush?k=hush-too"),
        token: Some(secret("hush-token")),
        headers: Vec::new(),
        ca_file: None,
        events: NotifyEvent::ALL.to_vec(),
    }
}

/// Writes down what it is sent, and when, and does with it what `mood` says.
fn receiver(log: &Heard, mood: &Arc<Mutex<Manner>>) -> Transport {
    let (start, log, mood) = (Instant::now(), log.clone(), mood.clone());
    BoxCloneSyncService::new(service_fn(move |request: Request<Full<Bytes>>| {
        let (log, mood) = (log.clone(), mood.clone());
        async move {
            let body = request.into_body().collect().await.unwrap_or_default().to_bytes();
            log.lock().unwrap().push((start.elapsed().as_secs_f64(), serde_json::from_slice(&body).unwrap()));
            let manner = *mood.lock().unwrap();
            let Manner::Answers(status, wait) = manner else { return std::future::pending().await };
            let response = Response::builder().status(status);
            let response = wait.iter().fold(response, |response, wait| response.header("retry-after", *wait));
            Ok(response.body(full("ok")).unwrap())
        }
    }))
}

impl Scene {
    fn begin(kind: TargetKind, manner: Manner) -> Scene {
        let (heard, manner) = (Heard::default(), Arc::new(Mutex::new(manner)));
        let target = target(kind);
        let outlet = Outlet::over(&target, receiver(&heard, &manner));
        let metrics = Metrics::new().unwrap();
        let mailbox = Arc::new(Mailbox::new(kind, target.events.clone(), metrics.target("t")));
        let closing = CancellationToken::new();
        let post = Post {
            mailbox: mailbox.clone(),
            head: Letterhead::default(),
            clock: Clock::start(),
            draw: SmallRng::seed_from_u64(7),
            closing: closing.clone(),
        };
        let courier = TaskTracker::new().spawn(Courier::new(&target, outlet, post).run());
        let courier = Some(AbortOnDropHandle::new(courier));
        Scene { mailbox, closing, metrics, heard, manner, start: Instant::now(), courier }
    }

    fn put(&self, subject: &str, phase: Phase) {
        let subject = subject.to_owned();
        let notice =
            Notice { event: NotifyEvent::Opened, phase, subject, rehearsal: false, ..Notice::test(0.0) };
        self.mailbox.put(&notice);
    }

    fn heard(&self) -> Vec<(f64, Value)> {
        self.heard.lock().unwrap().clone()
    }

    /// The sum of what is counted as `outcome`.
    fn counted(&self, outcome: &str) -> f64 {
        let scrape = self.metrics.scrape().unwrap();
        let lines = scrape.lines().filter(|line| {
            line.starts_with("sidestep_notifications_total") && line.contains(&format!("\"{outcome}\""))
        });
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    }

    /// Waits for the courier to go, and returns how many seconds that took.
    async fn close(&mut self) -> f64 {
        let began = Instant::now();
        self.closing.cancel();
        self.courier.take().unwrap().await.unwrap();
        began.elapsed().as_secs_f64()
    }
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_tried_six_times_with_growing_pauses_and_given_up() {
    let scene = Scene::begin(TargetKind::Slack, Manner::Answers(500, None));
    scene.put("a", Phase::Began);
    seconds(600).await;
    let times: Vec<f64> = scene.heard().iter().map(|(at, _)| *at).collect();
    assert_eq!((times.len(), scene.counted("failed"), scene.counted("sent")), (6, 1.0, 0.0));
    for (number, pair) in times.windows(2).enumerate() {
        let (pause, longest) = (pair[1] - pair[0], f64::from(1 << number));
        assert!(pause >= longest / 2.0 - 0.01 && pause <= longest + 0.01, "pause {number}: {pause}");
    }
    let failed = scene.metrics.scrape().unwrap();
    assert!(failed.contains("\nsidestep_notification_attempts_failed_total{target=\"t\"} 6\n"), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn what_a_target_asks_for_is_done_and_what_is_final_is_not_tried_again() {
    for (manner, expected) in [
        (Manner::Answers(429, Some(40)), vec![0.0, 40.0]),
        (Manner::Answers(503, Some(100_000)), vec![0.0]),
        (Manner::Answers(404, None), vec![0.0]),
        (Manner::Answers(302, None), vec![0.0]),
    ] {
        let scene = Scene::begin(TargetKind::Webhook, manner);
        scene.put("a", Phase::Began);
        seconds(30).await;
        if expected.len() > 1 {
            *scene.manner.lock().unwrap() = Manner::Answers(200, None);
        }
        seconds(600).await;
        let times: Vec<f64> = scene.heard().iter().map(|(at, _)| at.round()).collect();
        assert_eq!(times, expected);
        let sent = f64::from(u8::from(expected.len() > 1));
        assert_eq!((scene.counted("sent"), scene.counted("failed")), (sent, 1.0 - sent));
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_takes_the_place_of_a_beginning_that_did_not_arrive() {
    let scene = Scene::begin(TargetKind::Webhook, Manner::Answers(500, None));
    scene.put("a", Phase::Began);
    seconds(2).await;
    scene.put("a", Phase::Over);
    *scene.manner.lock().unwrap() = Manner::Answers(200, None);
    seconds(60).await;
    let last = scene.heard().pop().unwrap().1;
    assert_eq!((&last["state"], &last["not_told"]), (&"over".into(), &0.into()), "{last}");
    assert_eq!((scene.counted("merged"), scene.counted("sent")), (1.0, 1.0));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_troubles_take_no_more_room_than_the_queue_has_and_each_is_counted() {
    let mut scene = Scene::begin(TargetKind::Slack, Manner::Hangs);
    for number in 0..10_000 {
        scene.put(&number.to_string(), Phase::Began);
    }
    seconds(1).await;
    let waiting = scene.metrics.scrape().unwrap();
    assert!(waiting.contains("\nsidestep_notifications_waiting{target=\"t\"} 6"), "{waiting}");
    // The newest are kept: the oldest of those that wait is on its way.
    assert_eq!(scene.counted("dropped"), 9936.0);
    let on_its_way = scene.heard().remove(0).1;
    assert!(on_its_way["text"].as_str().unwrap().len() > 10);
    // Nothing is said to somebody who hangs for longer than the last words may take.
    let took = scene.close().await;
    assert!((2.9..3.1).contains(&took), "{took}");
    assert_eq!(scene.counted("dropped"), 9999.0, "the one on its way is not known to be lost");
}

#[tokio::test(start_paused = true)]
async fn what_comes_and_goes_is_told_seldom_and_with_the_number_of_what_was_not_told() {
    let mut scene = Scene::begin(TargetKind::Webhook, Manner::Answers(200, None));
    for _ in 0..60 {
        scene.put("a", Phase::Began);
        seconds(5).await;
        scene.put("a", Phase::Over);
        seconds(5).await;
    }
    // Ten minutes: four at once, and three more.
    let heard = scene.heard();
    assert!((6..=8).contains(&heard.len()), "{}", heard.len());
    scene.close().await;
    let heard = scene.heard();
    let last = &heard.last().unwrap().1;
    assert_eq!(last["state"], "over", "the newest state is told at the end");
    let untold: f64 = heard.iter().map(|(_, said)| said["not_told"].as_f64().unwrap()).sum();
    assert!(untold > 40.0, "{untold}");
    assert_eq!(scene.counted("sent") + scene.counted("merged"), 120.0);
    // Another trouble does not wait for this one.
    let scene = Scene::begin(TargetKind::Webhook, Manner::Answers(200, None));
    for _ in 0..5 {
        scene.put("a", Phase::Began);
        scene.put("b", Phase::Began);
        seconds(1).await;
    }
    assert_eq!(scene.heard().iter().filter(|(_, said)| said["subject"] == "b").count(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_told_until_it_arrives_and_again_for_as_long_as_it_lasts() {
    let scene = Scene::begin(TargetKind::Alertmanager, Manner::Answers(503, None));
    scene.put("a", Phase::Began);
    seconds(120).await;
    let tried = scene.heard().len();
    assert!((5..=20).contains(&tried), "{tried}");
    *scene.manner.lock().unwrap() = Manner::Answers(200, None);
    seconds(20).await;
    assert_eq!(scene.counted("sent"), 1.0, "it is sent once, however often it is told");
    let before = scene.heard().len();
    seconds(120).await;
    let told = scene.heard().len() - before;
    assert!((6..=13).contains(&told), "{told} in two minutes");
    scene.put("a", Phase::Over);
    seconds(1).await;
    let (_, last) = scene.heard().pop().unwrap();
    assert_eq!((last.as_array().unwrap().len(), scene.counted("sent")), (1, 2.0));
    let all = scene.heard().len();
    seconds(300).await;
    assert_eq!(scene.heard().len(), all, "nothing lasts");
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_end_is_sent() {
    let mut scene = Scene::begin(TargetKind::Slack, Manner::Answers(200, None));
    for subject in ["a", "b", "c"] {
        scene.put(subject, Phase::Began);
    }
    let took = scene.close().await;
    assert!(took < 1.0 && scene.start.elapsed().as_secs() < 1, "{took}");
    assert_eq!((scene.heard().len(), scene.counted("sent")), (3, 3.0));
}

#[tokio::test(start_paused = true)]
async fn no_failure_shows_the_address_and_only_an_answer_by_hand_shows_what_was_said() {
    let echo = service_fn(async |request: Request<Full<Bytes>>| {
        let said =
            format!("no such hook: {} {:?}", request.uri(), request.headers()["authorization"].to_str());
        Ok::<_, TransportError>(Response::builder().status(404).body(full(said)).unwrap())
    });
    let outlet = Outlet::over(&target(TargetKind::Slack), BoxCloneSyncService::new(echo)).unwrap();
    let failure = outlet.post(Bytes::new()).await.unwrap_err();
    let Failure::Refused { said, .. } = &failure else { panic!("{failure}") };
    assert!(said.starts_with("no such hook: http://h.test[redacted]"), "{said}");
    assert!(!said.contains("hush") && !failure.to_string().contains("hook"), "{said} {failure}");
}
