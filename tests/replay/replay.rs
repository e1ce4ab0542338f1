//! One incident at one rate, from the first request to the last answer.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sidestep::incidents;
use sidestep::journal::Entry;
use sidestep_simulator::Attempt;
use sidestep_table::Verdict;
use sidestep_tests::Scrape;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::caller::{Heard, Load};
use crate::incident::{Incident, Step};
use crate::scene::{MODELS, Scene};

/// Longer than a cooldown, a ramp and their jitter together.
const LONGEST_AFTERMATH: Duration = Duration::from_secs(20 * 60);
/// So many answers in a row from the first choice are a return.
const HOME: usize = 20;
/// Answers under way, and connections that nobody uses any more, have ended after it.
const LAST_WORDS: Duration = Duration::from_secs(300);

/// What is to be played.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) incident: Incident,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) shortened: bool,
    /// Decides every draw.
    pub(crate) seed: u64,
}

/// What was played. Times run from the replay's begin.
pub(crate) struct Played {
    pub(crate) job: Job,
    /// While the incident lasted.
    pub(crate) during: Range<Duration>,
    /// What it did, from its begin.
    pub(crate) steps: Vec<Step>,
    /// Whether all was well and traffic back with its first choice at the end.
    pub(crate) home: bool,
    /// When the last request was sent.
    pub(crate) until: Duration,
}

/// Everything that was seen.
pub(crate) struct Seen {
    pub(crate) played: Played,
    /// When each request was sent.
    pub(crate) sent: Vec<Duration>,
    pub(crate) heard: Vec<Heard>,
    pub(crate) decisions: Vec<(Duration, Entry)>,
    /// What Sidestep's own record says, newest first.
    pub(crate) record: Vec<Arc<incidents::Incident>>,
    /// How that came about.
    pub(crate) updates: Vec<incidents::Update>,
    /// How much of its budget each route had spent after each second.
    pub(crate) spent: Vec<Vec<u64>>,
    /// By provider.
    pub(crate) attempts: [Vec<Attempt>; 3],
    /// Metrics when the incident began, and at the end.
    pub(crate) scrapes: [Scrape; 2],
    pub(crate) probe_tokens: u64,
    /// Permits that were still held at the end.
    pub(crate) held: u32,
    /// Tasks and connections that were still there at the end.
    pub(crate) left: usize,
}

/// What the tasks of a replay share.
pub(crate) struct Notes {
    pub(crate) start: Instant,
    pub(crate) sent: Mutex<Vec<Duration>>,
    pub(crate) heard: Mutex<Vec<Heard>>,
    decisions: Mutex<Vec<(Duration, Entry)>>,
    updates: Mutex<Vec<incidents::Update>>,
    spent: Mutex<Vec<Vec<u64>>>,
}

/// Plays it, in paused time and on this thread alone.
pub(crate) fn replayed(job: Job) -> Seen {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play(job))
}

async fn play(job: Job) -> Seen {
    let scene = Arc::new(Scene::set(job.seed));
    let notes = Arc::new(Notes::begin());
    let (tasks, over, calm) = (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
    tasks.spawn(over.clone().run_until_cancelled_owned(listen(scene.clone(), notes.clone())));
    tasks.spawn(over.clone().run_until_cancelled_owned(sample(scene.clone(), notes.clone())));

    let (onset, steps) = (job.onset(), job.incident.steps(job.shortened));
    let during = onset..onset + steps.iter().map(|step| step.to).max().unwrap_or_default();
    let load = Load {
        incident: job.incident.clone(),
        rate: job.rate,
        during: during.clone(),
        draws: StdRng::seed_from_u64(job.seed),
    };
    tasks.spawn(load.run(scene.clone(), notes.clone(), calm.clone()));
    sleep_until(notes.start + onset).await;
    let before = scrape(&scene);
    act(&scene, notes.start + onset, &steps).await;
    let home = come_home(&scene, &notes, &job.incident, during.end).await;
    let until = notes.start.elapsed();
    calm.cancel();
    // The callers first, for they still listen; then those who only watch.
    tokio::time::sleep(LAST_WORDS).await;
    over.cancel();
    tasks.close();
    tasks.wait().await;
    conclude(scene, notes, before, Played { job, during, steps, home, until }).await
}

/// Lets providers fall ill and recover.
async fn act(scene: &Scene, onset: Instant, steps: &[Step]) {
    let begins = steps.iter().map(|step| (step.from, Some(step)));
    // The end of a provider's last step, and so of its illness.
    let ends = [0, 1].map(|ill| steps.iter().filter(|step| step.provider == ill).map(|step| step.to).max());
    let mut acts: Vec<(Duration, usize, Option<&Step>)> =
        begins.map(|(at, step)| (at, step.map_or(0, |step| step.provider), step)).collect();
    acts.extend(ends.into_iter().enumerate().filter_map(|(ill, end)| Some((end?, ill, None))));
    acts.sort_by_key(|(at, ..)| *at);
    for (at, ill, step) in acts {
        sleep_until(onset + at).await;
        let provider = &scene.providers[ill];
        match step {
            Some(step) => step.apply(provider, MODELS[ill].map(|model| model.1)),
            None => provider.faults().clear_all(),
        }
    }
}

fn scrape(scene: &Scene) -> Scrape {
    Scrape::parse(&scene.engine.foundation.metrics.scrape().unwrap())
}

/// Ends everything, and counts what will not end.
async fn conclude(scene: Arc<Scene>, notes: Arc<Notes>, before: Scrape, played: Played) -> Seen {
    let Ok(Scene { engine, application, providers, lines }) = Arc::try_unwrap(scene) else {
        panic!("a task of the replay itself still runs")
    };
    let foundation = engine.foundation.clone();
    let held = foundation.catalog.load().models().iter().map(|model| model.cell.in_flight()).sum();
    drop(application);
    let record = engine.incidents.recent(usize::MAX);
    let mut left = engine.stop(Duration::from_secs(60)).await;
    let after = Scrape::parse(&foundation.metrics.scrape().unwrap());
    let probe_tokens = foundation.metrics.probe_spend().1;
    drop(foundation);
    lines.close();
    tokio::time::timeout(Duration::from_secs(120), lines.wait()).await.ok();
    left += lines.len();
    let attempts = providers.map(|provider| provider.attempts().all());
    let notes = Arc::into_inner(notes).unwrap();
    Seen {
        played,
        sent: notes.sent.into_inner().unwrap(),
        heard: notes.heard.into_inner().unwrap(),
        decisions: notes.decisions.into_inner().unwrap(),
        record,
        updates: notes.updates.into_inner().unwrap(),
        spent: notes.spent.into_inner().unwrap(),
        attempts,
        scrapes: [before, after],
        probe_tokens,
        held,
        left,
    }
}

/// Notes what Sidestep decides.
async fn listen(scene: Arc<Scene>, notes: Arc<Notes>) {
    let (mut feed, mut record) = (scene.engine.journal.subscribe(), scene.engine.incidents.subscribe());
    drop(scene);
    loop {
        tokio::select! {
            biased;
            entry = feed.recv() => {
                notes.decisions.lock().unwrap().push((notes.start.elapsed(), entry.unwrap()));
            }
            update = record.recv() => notes.updates.lock().unwrap().push(update.unwrap()),
        }
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

impl Job {
    /// A published incident; its seed follows from its name and rate.
    pub(crate) fn published(incident: Incident, rate: f64, shortened: bool) -> Job {
        let seed = incident.name.bytes().map(u64::from).sum::<u64>() + (rate * 10.0) as u64;
        Job { incident, rate, shortened, seed }
    }

    /// About so many, the time before and after left out.
    pub(crate) fn requests(&self) -> f64 {
        let end = self.incident.steps(self.shortened).iter().map(|step| step.to).max();
        self.rate * end.unwrap_or_default().as_secs_f64()
    }

    /// Long enough for every model to have a history.
    fn onset(&self) -> Duration {
        let least = if self.shortened { 20.0 } else { 60.0 };
        Duration::from_secs_f64((60.0 / self.rate).clamp(least, 600.0))
    }
}

impl Notes {
    fn begin() -> Notes {
        Notes {
            start: Instant::now(),
            sent: Mutex::default(),
            heard: Mutex::default(),
            decisions: Mutex::default(),
            updates: Mutex::default(),
            spent: Mutex::default(),
        }
    }
}

impl Incident {
    /// The ill provider's models, big, middle and small: as configured, and as it calls them.
    pub(crate) fn models(&self) -> [(&'static str, &'static str); 3] {
        MODELS[self.ill.place()]
    }
}
