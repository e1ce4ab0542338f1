//! One incident at one rate, from the first request to the last answer.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sidestep::journal::Entry;
use sidestep_simulator::Attempt;
use sidestep_table::Verdict;
use sidestep_tests::Scrape;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hearing::{Ending, judge};
use crate::incident::{Ill, Incident, Step};
use crate::request::Wish;
use crate::scene::{Application, MODELS, Scene};

/// Longer than a cooldown, a ramp and their jitter together.
const LONGEST_AFTERMATH: Duration = Duration::from_secs(20 * 60);
/// So many answers in a row from the first choice are a return.
const HOME: usize = 20;
/// Answers under way, and connections that nobody uses any more, have ended after it.
const LAST_WORDS: Duration = Duration::from_secs(300);

/// What was seen of one request. Times run from the replay's begin.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) at: Duration,
    /// Big, middle or small.
    pub(crate) size: usize,
    pub(crate) stream: bool,
    /// From the request to the first byte of the answer's body.
    pub(crate) first: Option<Duration>,
    pub(crate) ending: Ending,
    pub(crate) upstream: String,
}

/// Everything that was seen.
pub(crate) struct Seen {
    pub(crate) incident: Incident,
    pub(crate) rate: f64,
    /// When the incident began and what it did.
    pub(crate) onset: Duration,
    pub(crate) steps: Vec<Step>,
    /// When each request was sent.
    pub(crate) sent: Vec<Duration>,
    pub(crate) heard: Vec<Heard>,
    pub(crate) decisions: Vec<(Duration, Entry)>,
    /// How much of its budget each route had spent after each second.
    pub(crate) spent: Vec<Vec<u64>>,
    /// By provider.
    pub(crate) attempts: [Vec<Attempt>; 3],
    pub(crate) scrape: Scrape,
    pub(crate) probe_tokens: u64,
    /// Permits that were still held at the end.
    pub(crate) held: u32,
    /// Tasks and connections that were still there at the end.
    pub(crate) left: usize,
    /// Whether all was well and traffic back with its first choice at the end.
    pub(crate) home: bool,
    pub(crate) lasted: Duration,
}

/// What the tasks of a replay share.
struct Notes {
    start: Instant,
    sent: Mutex<Vec<Duration>>,
    heard: Mutex<Vec<Heard>>,
    decisions: Mutex<Vec<(Duration, Entry)>>,
    spent: Mutex<Vec<Vec<u64>>>,
}

/// Plays `incident` to an application that makes `rate` requests a second.
pub(crate) async fn play(incident: Incident, rate: f64, shortened: bool) -> Seen {
    let seed = incident.name.bytes().map(u64::from).sum::<u64>() + (rate * 10.0) as u64;
    let scene = Arc::new(Scene::set(seed));
    let notes = Arc::new(Notes::begin());
    let (tasks, over, calm) = (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
    tasks.spawn(over.clone().run_until_cancelled_owned(listen(scene.clone(), notes.clone())));
    tasks.spawn(over.clone().run_until_cancelled_owned(sample(scene.clone(), notes.clone())));

    // Long enough for every model to have a history.
    let onset = Duration::from_secs_f64((60.0 / rate).clamp(if shortened { 20.0 } else { 60.0 }, 600.0));
    let steps = incident.steps(shortened);
    let length = steps.last().map_or(Duration::ZERO, |step| step.to);
    let during = onset..onset + length;
    let draws = StdRng::seed_from_u64(seed);
    let load = load(scene.clone(), notes.clone(), (incident.clone(), during), (rate, draws), calm.clone());
    tasks.spawn(load);
    for step in &steps {
        sleep_until(notes.start + onset + step.from).await;
        step.apply(&scene.providers[incident.provider()], incident.models().map(|model| model.1));
    }
    sleep_until(notes.start + onset + length).await;
    incident.models().iter().for_each(|(_, name)| scene.providers[incident.provider()].faults().clear(name));
    let home = come_home(&scene, &notes, &incident, onset + length).await;
    calm.cancel();
    // The callers first, for they still listen; then those who only watch.
    tokio::time::sleep(LAST_WORDS).await;
    over.cancel();
    tasks.close();
    tasks.wait().await;
    conclude(scene, notes, (incident, rate), (onset, steps), home).await
}

/// Ends everything, and counts what will not end.
async fn conclude(
    scene: Arc<Scene>,
    notes: Arc<Notes>,
    (incident, rate): (Incident, f64),
    (onset, steps): (Duration, Vec<Step>),
    home: bool,
) -> Seen {
    let Ok(Scene { engine, application, providers, lines }) = Arc::try_unwrap(scene) else {
        panic!("a task of the replay itself still runs")
    };
    let lasted = notes.start.elapsed();
    let foundation = engine.foundation.clone();
    let held = foundation.catalog.load().models().iter().map(|model| model.cell.in_flight()).sum();
    drop(application);
    let mut left = engine.stop(Duration::from_secs(60)).await;
    let scrape = Scrape::parse(&foundation.metrics.scrape().unwrap());
    let probe_tokens = foundation.metrics.probe_spend().1;
    drop(foundation);
    lines.close();
    tokio::time::timeout(Duration::from_secs(120), lines.wait()).await.ok();
    left += lines.len();
    let attempts = providers.map(|provider| provider.attempts().all());
    let notes = Arc::into_inner(notes).unwrap();
    Seen {
        incident,
        rate,
        onset,
        steps,
        sent: notes.sent.into_inner().unwrap(),
        heard: notes.heard.into_inner().unwrap(),
        decisions: notes.decisions.into_inner().unwrap(),
        spent: notes.spent.into_inner().unwrap(),
        attempts,
        scrape,
        probe_tokens,
        held,
        left,
        home,
        lasted,
    }
}

/// Sends requests at random times, as many independent callers would, until `calm`.
async fn load(
    scene: Arc<Scene>,
    notes: Arc<Notes>,
    (incident, during): (Incident, std::ops::Range<Duration>),
    (rate, mut draws): (f64, StdRng),
    calm: CancellationToken,
) {
    let callers = TaskTracker::new();
    let mut at = Duration::ZERO;
    for number in 0.. {
        at += Duration::from_secs_f64(-(1.0 - draws.random::<f64>()).ln() / rate);
        tokio::select! {
            biased;
            () = sleep_until(notes.start + at) => {}
            () = calm.cancelled() => break,
        }
        let wish = Wish::draw(number, &incident, during.contains(&at), &mut draws);
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

async fn call(application: Application, wish: Wish, at: Duration) -> Heard {
    let began = Instant::now();
    let patience = began + Duration::from_secs_f64(wish.patience.unwrap_or(3600.0));
    let mut heard = Heard {
        at,
        size: wish.size,
        stream: wish.stream,
        first: None,
        ending: Ending::GaveUp,
        upstream: String::new(),
    };
    let response = match timeout_at(patience, application.request(wish.request())).await {
        Err(_) => return heard,
        Ok(Err(error)) => return Heard { ending: Ending::Failed(error.to_string()), ..heard },
        Ok(Ok(response)) => response,
    };
    let (head, mut body) = response.into_parts();
    if let Some(name) = head.headers.get("sidestep-upstream") {
        heard.upstream = name.to_str().unwrap().to_owned();
    }
    let (mut bytes, mut whole) = (Vec::new(), true);
    while let Some(frame) = body.frame().await {
        heard.first.get_or_insert(began.elapsed());
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    Heard { ending: judge(&wish, head.status, &bytes, whole), ..heard }
}

/// Notes what Sidestep decides.
async fn listen(scene: Arc<Scene>, notes: Arc<Notes>) {
    let mut feed = scene.engine.journal.subscribe();
    drop(scene);
    loop {
        let entry = feed.recv().await.unwrap();
        notes.decisions.lock().unwrap().push((notes.start.elapsed(), entry));
    }
}

/// Notes what the budgets have spent, every second.
async fn sample(scene: Arc<Scene>, notes: Arc<Notes>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        let topology = scene.engine.foundation.catalog.load().topology.clone();
        let spent = topology.routes.iter().map(|route| route.budget.spent()).collect();
        notes.spent.lock().unwrap().push(spent);
    }
}

/// Waits until all is well and traffic is back; `false` when that takes too long.
async fn come_home(scene: &Scene, notes: &Notes, incident: &Incident, ended: Duration) -> bool {
    let firsts: HashSet<&str> = incident.models().iter().map(|model| model.0).collect();
    let end = Instant::now() + LONGEST_AFTERMATH;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let catalog = scene.engine.foundation.catalog.load();
        let well = catalog.models().iter().all(|model| {
            let standing = model.cell.standing();
            standing.verdict == Verdict::Healthy && !standing.masked
        });
        let heard = notes.heard.lock().unwrap();
        let since: Vec<_> = heard.iter().filter(|heard| heard.at >= ended).collect();
        let latest = since.iter().rev().take(HOME);
        if well && since.len() >= HOME && latest.clone().all(|heard| firsts.contains(&*heard.upstream)) {
            return true;
        }
    }
    false
}

impl Notes {
    fn begin() -> Notes {
        Notes {
            start: Instant::now(),
            sent: Mutex::default(),
            heard: Mutex::default(),
            decisions: Mutex::default(),
            spent: Mutex::default(),
        }
    }
}

impl Incident {
    /// The place of the ill one among the providers.
    pub(crate) fn provider(&self) -> usize {
        usize::from(self.ill == Ill::Openai)
    }

    /// Its models, big, middle and small: as configured, and as it calls them.
    pub(crate) fn models(&self) -> [(&'static str, &'static str); 3] {
        MODELS[self.provider()]
    }
}
