//! The level of the log, and operators' orders to change it for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tracing_subscriber::EnvFilter;

use super::{FilterError, filter};
use crate::clock::Clock;
use crate::journal::{Journal, Kind};
use crate::tasks::Tasks;

/// Longest life of an order that has an end: a year.
const LONGEST: u64 = 366 * 24 * 3600;
/// Longest name of who gives an order, in characters.
const ACTOR: usize = 200;
/// What journal entries and log lines call it.
const SUBJECT: &str = "log.level";

/// Puts a filter in force, such as [`refilter`](super::refilter); false when it cannot.
pub type Apply = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

/// The level of the log. Clones are the same.
#[derive(Clone)]
pub struct LogLevel {
    desk: Arc<Desk>,
}

struct Desk {
    apply: Apply,
    journal: Arc<Journal>,
    clock: Clock,
    tasks: Tasks,
    state: Mutex<State>,
}

struct State {
    configured: String,
    order: Option<Order>,
    /// Tells one order from the next.
    number: u64,
}

struct Order {
    level: String,
    actor: String,
    /// Seconds since 1970.
    until: Option<f64>,
}

/// What an operator wants: the body of `PUT /log`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelOrder {
    /// A filter; without one, back to the configuration's.
    pub level: Option<String>,
    /// Who orders it.
    pub actor: String,
    /// After how long the configuration's level is in force again.
    pub for_seconds: Option<u64>,
}

/// What is logged now, and why: the answer of `/log`.
#[derive(Debug, PartialEq, Serialize)]
pub struct LevelReport {
    /// The filter in force.
    pub level: String,
    /// That of the configuration.
    pub configured: String,
    /// Who ordered the one in force, when it is another one than the configuration's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Seconds since 1970: when the order ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<f64>,
    /// The same, from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_seconds: Option<f64>,
}

/// Why an order is not obeyed.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// The level is no filter.
    #[error("`level`: {0}")]
    Level(#[from] FilterError),
    /// Something else is wrong with it.
    #[error("{0}")]
    Invalid(String),
    /// Whoever embeds the library has a log of its own.
    #[error("the log of this process is not Sidestep's to change")]
    Foreign,
}

// === impl LogLevel ===

impl LogLevel {
    /// `configured` is in force, by `apply`.
    pub fn new(
        configured: &str,
        apply: Apply,
        (journal, clock, tasks): (Arc<Journal>, Clock, Tasks),
    ) -> Self {
        let state = Mutex::new(State { configured: configured.to_owned(), order: None, number: 0 });
        Self { desk: Arc::new(Desk { apply, journal, clock, tasks, state }) }
    }

    /// A new configuration says `configured`. An order that is in force stays.
    pub fn configure(&self, configured: &str) {
        let mut state = self.desk.state();
        if state.configured == configured {
            return;
        }
        configured.clone_into(&mut state.configured);
        if state.order.is_none() {
            // Where the log is somebody else's, its level is, too.
            self.desk.put(configured, "as the configuration says").ok();
        }
    }

    /// Obeys an order.
    ///
    /// # Errors
    /// When it is wrong; then nothing has changed.
    pub fn order(&self, order: LevelOrder) -> Result<LevelReport, LevelError> {
        let actor = order.actor.trim();
        if actor.is_empty() || actor.chars().count() > ACTOR || actor.chars().any(char::is_control) {
            let why = format!("`actor` must be one line of at most {ACTOR} characters, and not empty");
            return Err(LevelError::Invalid(why));
        }
        match (order.level, order.for_seconds) {
            (None, None) => self.reset(actor)?,
            (None, Some(_)) => {
                return Err(LevelError::Invalid("`for_seconds` goes with a `level`".to_owned()));
            }
            (_, Some(0)) => return Err(LevelError::Invalid("`for_seconds` must be above 0".to_owned())),
            (_, Some(seconds)) if seconds > LONGEST => {
                return Err(LevelError::Invalid(format!("`for_seconds` is {LONGEST} (a year) at most")));
            }
            (Some(level), seconds) => self.set(level, actor, seconds.map(Duration::from_secs))?,
        }
        Ok(self.report())
    }

    /// What is in force.
    #[must_use]
    pub fn report(&self) -> LevelReport {
        let state = self.desk.state();
        let (configured, order) = (state.configured.clone(), state.order.as_ref());
        let until = order.and_then(|order| order.until);
        LevelReport {
            level: order.map_or_else(|| configured.clone(), |order| order.level.clone()),
            configured,
            actor: order.map(|order| order.actor.clone()),
            until,
            left_seconds: until.map(|until| (until - self.desk.clock.unix_now()).max(0.0)),
        }
    }

    fn set(&self, level: String, actor: &str, span: Option<Duration>) -> Result<(), LevelError> {
        let mut state = self.desk.state();
        let until_told = || "until told otherwise".to_owned();
        let how_long = span.map_or_else(until_told, |span| format!("for {} s", span.as_secs()));
        self.desk.put(&level, &format!("ordered by {actor}, {how_long}"))?;
        state.number += 1;
        let number = state.number;
        let until = span.map(|span| self.desk.clock.unix_now() + span.as_secs_f64());
        state.order = Some(Order { level, actor: actor.to_owned(), until });
        drop(state);
        if let Some(span) = span {
            let desk = self.desk.clone();
            self.desk.tasks.spawn_until_stop("log level", async move {
                sleep(span).await;
                desk.end(number);
            });
        }
        Ok(())
    }

    fn reset(&self, actor: &str) -> Result<(), LevelError> {
        let mut state = self.desk.state();
        if state.order.is_none() {
            return Ok(());
        }
        self.desk.put(&state.configured, &format!("back to the configuration's, by {actor}"))?;
        state.order = None;
        Ok(())
    }
}

impl Desk {
    /// The time of an order is over, unless another one has come since.
    fn end(&self, number: u64) {
        let mut state = self.state();
        if state.number == number && state.order.take().is_some() {
            // A level that was in force before is one; and a log that was ours still is.
            self.put(&state.configured, "back to the configuration's, its time was over").ok();
        }
    }

    fn put(&self, level: &str, why: &str) -> Result<(), LevelError> {
        let filter = filter(level)?;
        // Said while it can be heard: the line would be lost to a quieter level, and before a more talkative one.
        let heard = tracing::enabled!(tracing::Level::INFO);
        if heard {
            tracing::info!(level, why, "the log level changes");
        }
        if !(self.apply)(filter) {
            return Err(LevelError::Foreign);
        }
        if !heard {
            tracing::info!(level, why, "the log level has changed");
        }
        self.journal.note(Kind::Config, SUBJECT, &format!("{level}: {why}"));
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    struct Rig {
        level: LogLevel,
        applied: Arc<Mutex<Vec<String>>>,
        journal: Arc<Journal>,
    }

    fn rig() -> Rig {
        let clock = Clock::start();
        let journal = Arc::new(Journal::new(clock));
        let applied: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = applied.clone();
        let apply: Apply = Box::new(move |filter| {
            log.lock().unwrap().push(filter.to_string());
            true
        });
        let parts = (journal.clone(), clock, Tasks::new(Metrics::new().unwrap()));
        Rig { level: LogLevel::new("info", apply, parts), applied, journal }
    }

    fn order(level: &str, for_seconds: Option<u64>) -> LevelOrder {
        LevelOrder { level: Some(level.to_owned()), actor: "ada".to_owned(), for_seconds }
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_ends_by_itself_unless_another_came_since() {
        let rig = rig();
        let report = rig.level.order(order("debug", Some(600))).unwrap();
        assert_eq!((report.level.as_str(), report.configured.as_str()), ("debug", "info"));
        assert!((report.left_seconds.unwrap() - 600.0).abs() < 1.0, "{report:?}");
        sleep(Duration::from_secs(300)).await;
        rig.level.order(order("trace", Some(600))).unwrap();
        // The end of the first order is not the second one's.
        sleep(Duration::from_secs(400)).await;
        assert_eq!(rig.level.report().level, "trace");
        // What the configuration says meanwhile waits for the end.
        rig.level.configure("warn");
        assert_eq!(rig.level.report().level, "trace");
        sleep(Duration::from_secs(201)).await;
        let report = rig.level.report();
        assert_eq!((report.level.as_str(), report.actor, report.until), ("warn", None, None));
        rig.level.configure("error");
        assert_eq!(*rig.applied.lock().unwrap(), ["debug", "trace", "warn", "error"]);
        let told = rig.journal.recent(10);
        assert_eq!(told.len(), 4);
        assert!(told[0].why.contains("debug: ordered by ada, for 600 s"), "{told:?}");
        assert!(told[2].why.contains("its time was over"), "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wrong_changes_nothing() {
        let rig = rig();
        for (wrong, words) in [
            (order("inof", None), "`inof` is no level"),
            (order("info", Some(0)), "above 0"),
            (order("info", Some(LONGEST + 1)), "a year"),
            (LevelOrder { actor: " ".to_owned(), ..order("info", None) }, "`actor`"),
            (LevelOrder { level: None, ..order("", Some(1)) }, "goes with a `level`"),
        ] {
            let refusal = rig.level.order(wrong).unwrap_err().to_string();
            assert!(refusal.contains(words), "{refusal}");
        }
        assert_eq!(rig.level.report().level, "info");
        assert!(rig.applied.lock().unwrap().is_empty() && rig.journal.recent(9).is_empty());
        rig.level.order(order("debug", None)).unwrap();
        let back = rig.level.order(LevelOrder { level: None, ..order("", None) }).unwrap();
        assert_eq!((back.level.as_str(), back.actor), ("info", None));
        assert_eq!(*rig.applied.lock().unwrap(), ["debug", "info"]);
    }
}
