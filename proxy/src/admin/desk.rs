//! Where operators' switches are handed in: judged first, then on disk, then acknowledged.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sidestep_table::{Decision, Moment, Subject, Switch, SwitchKind, SwitchOrder, Topology};
use tokio::sync::{Mutex, oneshot};

use crate::clock::{Clock, Reading};
use crate::journal::{Journal, Kind};
use crate::judge::{JudgeHandle, SwitchError};
use crate::operator::{ACTOR, BadLine, REASON, UnknownName, line, subject};
use crate::switches::{SwitchFile, SwitchFileError};
use crate::tasks::Tasks;

/// Longest life of a switch that has an end: a year.
const LONGEST: u64 = 366 * 24 * 3600;

/// Takes switches, one at a time, so that the file always says what the judge obeys.
#[derive(Clone)]
pub struct SwitchDesk {
    judge: JudgeHandle,
    file: Option<SwitchFile>,
    clock: Clock,
    tasks: Tasks,
    turn: Arc<Mutex<()>>,
}

/// The body of `POST /switches`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    subject: String,
    #[serde(default = "disable")]
    kind: WishKind,
    reason: String,
    actor: String,
    for_seconds: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WishKind {
    Disable,
    Pin,
}

/// A switch as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct SwitchReport {
    /// The provider's or the model's name.
    subject: String,
    /// `provider` or `model`.
    level: &'static str,
    kind: SwitchKind,
    reason: String,
    actor: String,
    /// Seconds since 1970.
    set_at: f64,
    /// Seconds since 1970.
    until: Option<f64>,
    left_seconds: Option<f64>,
}

/// What a switch or its removal did.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    /// Whether it will survive a restart.
    pub(super) kept: bool,
    /// What the judge decided, in words.
    pub(super) decisions: Vec<String>,
    /// All switches now in force.
    pub(super) switches: Vec<SwitchReport>,
}

/// Why a switch was not set or cleared as asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeskError {
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    BadLine(#[from] BadLine),
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    #[error("there is no switch on {0}")]
    NotSet(Subject),
    #[error(transparent)]
    Judge(#[from] SwitchError),
    #[error("in force, but lost at the next restart: {0}")]
    NotKept(#[from] SwitchFileError),
    #[error("shutting down")]
    Stopped,
}

// === impl SwitchDesk ===

impl SwitchDesk {
    /// A desk that keeps switches in `file`, or nowhere.
    pub fn new(judge: JudgeHandle, file: Option<SwitchFile>, clock: Clock, tasks: Tasks) -> Self {
        Self { judge, file, clock, tasks, turn: Arc::default() }
    }

    /// Hands switches of an earlier life to the judge; call it before the first listener opens. What the
    /// configuration no longer has is noted and dropped. Returns how many are in force again.
    pub async fn restore(&self, switches: Vec<Switch>, journal: &Journal) -> usize {
        let mut restored = 0;
        for switch in switches {
            let (subject, by) = (switch.subject.to_string(), switch.actor.clone());
            match self.judge.switch(SwitchOrder::Set(switch)).await {
                Ok(_) => restored += 1,
                Err(error) => {
                    tracing::warn!(%subject, actor = %by, %error, "a kept switch was dropped");
                    journal.note(
                        Kind::Switch,
                        &subject,
                        &format!("a switch set by {by} was dropped: {error}"),
                    );
                }
            }
        }
        restored
    }

    pub(super) async fn set(&self, wish: Wish, topology: &Topology) -> Result<Done, DeskError> {
        let switch = wish.checked(topology, self.clock.now())?;
        self.order(SwitchOrder::Set(switch)).await
    }

    pub(super) async fn clear(
        &self,
        name: &str,
        actor: &str,
        topology: &Topology,
    ) -> Result<Done, DeskError> {
        let actor = line("actor", actor, ACTOR)?;
        let subject = subject(name, topology)?;
        self.order(SwitchOrder::Clear { subject, actor }).await
    }

    pub(super) async fn all(&self) -> Vec<SwitchReport> {
        let now = self.clock.reading();
        self.judge.switches().await.iter().map(|switch| SwitchReport::of(switch, now)).collect()
    }

    /// Runs in a task of its own: a caller that hangs up between the judge and the disk must not leave a
    /// switch that is in force but not kept.
    async fn order(&self, order: SwitchOrder) -> Result<Done, DeskError> {
        let (reply, answer) = oneshot::channel();
        let desk = self.clone();
        self.tasks.spawn("switch", async move {
            // A caller that is gone has its switch nevertheless.
            drop(reply.send(desk.obey(order).await));
        });
        answer.await.unwrap_or(Err(DeskError::Stopped))
    }

    async fn obey(&self, order: SwitchOrder) -> Result<Done, DeskError> {
        let _turn = self.turn.lock().await;
        if let SwitchOrder::Clear { subject, .. } = &order {
            let set = self.judge.switches().await;
            if !set.iter().any(|switch| switch.subject == *subject) {
                return Err(DeskError::NotSet(subject.clone()));
            }
        }
        let decisions = self.judge.switch(order).await?;
        let switches = self.judge.switches().await;
        // A judge that has stopped has no switches to tell; an answer after that one proves that it had not.
        self.judge.view().await.ok_or(DeskError::Stopped)?;
        let kept = self.keep(switches).await?;
        Ok(Done { kept, decisions: decisions.iter().map(words).collect(), switches: self.all().await })
    }

    async fn keep(&self, switches: Vec<Switch>) -> Result<bool, DeskError> {
        let Some(file) = self.file.clone() else { return Ok(false) };
        let now = self.clock.reading();
        let saved = tokio::task::spawn_blocking(move || file.save(&switches, now)).await;
        saved.map_err(|_| DeskError::Stopped)??;
        Ok(true)
    }
}

// === impl Wish ===

impl Wish {
    fn checked(self, topology: &Topology, now: Moment) -> Result<Switch, DeskError> {
        let until = match self.for_seconds {
            Some(0) => return Err(DeskError::Invalid("`for_seconds` must be above 0".to_owned())),
            Some(seconds) if seconds > LONGEST => {
                return Err(DeskError::Invalid(format!("`for_seconds` is {LONGEST} (a year) at most")));
            }
            seconds => seconds.map(|seconds| now + Duration::from_secs(seconds)),
        };
        Ok(Switch {
            subject: subject(&self.subject, topology)?,
            kind: match self.kind {
                WishKind::Disable => SwitchKind::Disable,
                WishKind::Pin => SwitchKind::Pin,
            },
            reason: line("reason", &self.reason, REASON)?,
            actor: line("actor", &self.actor, ACTOR)?,
            until,
            set_at: now,
        })
    }
}

// === impl SwitchReport ===

impl SwitchReport {
    pub(super) fn of(switch: &Switch, now: Reading) -> Self {
        let (level, subject) = match &switch.subject {
            Subject::Provider(id) => ("provider", id.to_string()),
            Subject::Model(id) => ("model", id.to_string()),
        };
        let until = switch.until.map(|until| now.unix(until));
        Self {
            subject,
            level,
            kind: switch.kind,
            reason: switch.reason.clone(),
            actor: switch.actor.clone(),
            set_at: now.unix(switch.set_at),
            until,
            left_seconds: until.map(|until| (until - now.unix_seconds()).max(0.0)),
        }
    }
}

fn disable() -> WishKind {
    WishKind::Disable
}

fn words(decision: &Decision) -> String {
    format!("{}: {} → {}: {}", decision.subject, decision.from, decision.to, decision.why)
}
