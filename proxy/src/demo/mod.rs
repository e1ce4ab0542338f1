//! `sidestep demo`: an incident in a minute, over real loopback sockets, with simulated providers.
//!
//! `scene` is the stage and the script, `load` the application, `check` its judgement of each answer,
//! `screen` what a person sees meanwhile, `summary` the outcome.

mod check;
mod load;
mod scene;
mod screen;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;

pub use scene::SceneError;
pub use summary::Summary;

use crate::journal::Entry;
use load::Ledger;
use scene::Scene;
use screen::Screen;

/// The application's pace, in calls a second.
const RATE: u32 = 25;
/// The demo ends by itself after this, restored or not.
const LONGEST: Duration = Duration::from_secs(85);
/// Traffic must have stayed with its first choice for this long before the demo believes it.
const SETTLED: Duration = Duration::from_secs(3);
/// Before the incident.
const CALM: Duration = Duration::from_secs(5);
/// Between two pictures.
const FRAME: Duration = Duration::from_millis(250);

/// Plays the incident and tells what came of it. With `quiet`, nothing is shown on the way.
///
/// # Errors
/// When the simulated providers or Sidestep cannot start.
pub async fn run(quiet: bool) -> Result<Summary, SceneError> {
    let scene = Scene::set().await?;
    let ledger = Arc::new(Ledger::default());
    let stop = CancellationToken::new();
    let mut screen = Screen::new(quiet, &scene, LONGEST);
    let callers = load::start(&scene, RATE, &ledger, &stop);
    let course = play(&scene, &ledger, &mut screen).await;
    stop.cancel();
    callers.close();
    callers.wait().await;
    let entries = scene.app.journal.recent(usize::MAX);
    let metrics = scene.scrape().await?;
    screen.end();
    let summary = Summary::new(&course, &ledger.read(), &entries, &metrics);
    scene.strike().await;
    Ok(summary)
}

/// When things happened, since the demo began.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// The first fault was set.
    pub(crate) fell_ill: Option<Duration>,
    /// The judge first opened the model that fell ill.
    pub(crate) detected: Option<Duration>,
    /// The last fault was lifted.
    pub(crate) healed: Option<Duration>,
    /// Traffic was back with its first choice, for good.
    pub(crate) restored: Option<Duration>,
    /// The whole demo.
    pub(crate) lasted: Duration,
}

async fn play(scene: &Scene, ledger: &Ledger, screen: &mut Screen) -> Course {
    let began = Instant::now();
    let mut feed = scene.app.journal.subscribe();
    let script = scene::script();
    let mut beats = script.iter().peekable();
    let mut frames = interval(FRAME);
    let mut course = Course::default();
    loop {
        frames.tick().await;
        let elapsed = began.elapsed();
        while let Some(beat) = beats.next_if(|beat| CALM + beat.at <= elapsed) {
            scene.apply(beat);
            screen.tell(elapsed, "anthropic", beat.says);
            course.fell_ill.get_or_insert(elapsed);
            course.healed = beats.peek().is_none().then_some(elapsed);
        }
        while let Ok(entry) = feed.try_recv() {
            note(&entry, elapsed, &mut course, screen);
        }
        screen.draw(scene, &ledger.read(), elapsed).await;
        if beats.peek().is_none() && ledger.is_home_for(SETTLED) && scene.is_all_healthy() {
            course.restored = course.healed.map(|_| elapsed.saturating_sub(SETTLED));
        }
        if course.restored.is_some() || elapsed >= LONGEST {
            // Streams that have begun may end.
            sleep(FRAME).await;
            course.lasted = began.elapsed();
            return course;
        }
    }
}

fn note(entry: &Entry, elapsed: Duration, course: &mut Course, screen: &mut Screen) {
    let change = match (&entry.from, &entry.to) {
        (Some(from), Some(to)) if from != to => format!("{} {from} → {to}: {}", entry.subject, entry.why),
        _ => format!("{}: {}", entry.subject, entry.why),
    };
    screen.tell(elapsed, "sidestep", &change);
    let opened = entry.to.as_deref() == Some("open");
    if opened && course.fell_ill.is_some() && entry.subject.contains(scene::FIRST_TO_FALL) {
        course.detected.get_or_insert(elapsed);
    }
}
