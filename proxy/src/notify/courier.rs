//! Carries what is in one mailbox to one target, again and again until it is taken or given up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::alertmanager::{Board, REFRESH};
use super::mailbox::{Letter, Mailbox};
use super::notice::{Letterhead, Notice};
use super::outlet::{Failure, Outlet, Taken};
use super::{slack, webhook};
use crate::clock::Clock;
use crate::config::{NotifyTarget, TargetKind};
use crate::metrics::NotifyOutcome;

/// Attempts to send one message.
const ATTEMPTS: u32 = 6;
/// The pause after the first failure; doubles with each, and is shortened by up to a half.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause of our own.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause that a target may ask for; one that asks for more is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// What is left to say when the process ends may take so long.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(3);

/// One target's messenger. Whatever it meets holds up nobody else.
pub(super) struct Courier {
    pub(super) name: String,
    kind: TargetKind,
    outlet: Result<Outlet, Failure>,
    mailbox: Arc<Mailbox>,
    head: Letterhead,
    clock: Clock,
    draw: SmallRng,
    closing: CancellationToken,
}

/// What ties a courier to the rest.
pub(super) struct Post {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) head: Letterhead,
    pub(super) clock: Clock,
    pub(super) draw: SmallRng,
    /// Cancelled when it is to send what it has and go.
    pub(super) closing: CancellationToken,
}

// === impl Courier ===

impl Courier {
    pub(super) fn new(target: &NotifyTarget, outlet: Result<Outlet, Failure>, post: Post) -> Courier {
        if let Err(why) = &outlet {
            tracing::error!(to = target.name, %why, "nothing can be told to this target of notify");
        }
        let Post { mailbox, head, clock, draw, closing } = post;
        Courier { name: target.name.clone(), kind: target.kind, outlet, mailbox, head, clock, draw, closing }
    }

    /// Works until it is told to go and has nothing left, or has had its last words.
    pub(super) async fn run(mut self) {
        let closing = self.closing.clone();
        let mailbox = self.mailbox.clone();
        let end = async move {
            closing.cancelled().await;
            sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = self.work() => {}
            () = end => mailbox.drain().iter().for_each(|notice| mailbox.count(notice, NotifyOutcome::Dropped)),
        }
    }

    async fn work(&mut self) {
        match self.kind {
            TargetKind::Slack | TargetKind::Webhook => self.send_letters().await,
            TargetKind::Alertmanager => self.hold_alerts().await,
        }
    }

    async fn send_letters(&mut self) {
        loop {
            let closing = self.closing.is_cancelled();
            if let Some(letter) = self.mailbox.take(closing) {
                let outcome = self.deliver(&letter).await;
                self.mailbox.count(&letter.notice, outcome);
            } else if closing {
                return;
            } else {
                tokio::select! {
                    () = self.mailbox.ready() => {}
                    () = self.closing.cancelled() => {}
                }
            }
        }
    }

    /// Sends one letter, as often as it takes and is worth it.
    async fn deliver(&mut self, letter: &Letter) -> NotifyOutcome {
        for attempt in 1..=ATTEMPTS {
            let now = self.clock.unix_now();
            let body = match self.kind {
                TargetKind::Slack => slack::message(letter, &self.head),
                TargetKind::Webhook | TargetKind::Alertmanager => webhook::object(letter, &self.head, now),
            };
            let Err(failure) = self.post(&body).await else { return NotifyOutcome::Sent };
            let pause = self.pause(attempt, &failure);
            let Some(pause) = pause.filter(|_| attempt < ATTEMPTS && !self.closing.is_cancelled()) else {
                return self.give_up(attempt, &failure);
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.closing.cancelled() => {}
            }
            if self.mailbox.has_newer(letter) {
                return NotifyOutcome::Merged;
            }
        }
        NotifyOutcome::Failed
    }

    /// Keeps an Alertmanager told of all that lasts.
    async fn hold_alerts(&mut self) {
        let mut board = Board::default();
        let (mut failures, mut next) = (0, Instant::now());
        loop {
            let closing = self.closing.is_cancelled();
            self.mailbox.drain().into_iter().for_each(|notice| board.pin(notice));
            let due = failures == 0 && board.has_news() || !board.is_empty() && next <= Instant::now();
            if due || closing && board.has_news() {
                failures = self.tell(&mut board, failures).await.map_or(0, |()| failures + 1);
                let pause = PAUSE.saturating_mul(1 << failures.clamp(1, 5)).min(REFRESH);
                next = Instant::now() + self.shortened(if failures == 0 { REFRESH } else { pause });
            }
            if closing {
                return;
            }
            let idle = board.is_empty();
            tokio::select! {
                () = self.mailbox.ready() => {}
                () = sleep_until(next), if !idle => {}
                () = self.closing.cancelled() => {}
            }
        }
    }

    /// Tells all alerts once; `Some` when that failed.
    async fn tell(&self, board: &mut Board, failures: u32) -> Option<()> {
        let now = self.clock.unix_now();
        let told = self.post(&board.alerts(&self.head, now)).await;
        let settled = if told.is_ok() { board.told(now) } else { board.missed(self.clock.unix_now()) };
        settled.sent.iter().for_each(|notice| self.mailbox.count(notice, NotifyOutcome::Sent));
        settled.failed.iter().for_each(|notice| self.mailbox.count(notice, NotifyOutcome::Failed));
        let why = told.err()?;
        if failures == 0 {
            tracing::warn!(to = self.name, %why, "alerts do not arrive; they are told again until they do");
        }
        Some(())
    }

    async fn post(&self, body: &Value) -> Result<Taken, Failure> {
        let outlet = match &self.outlet {
            Ok(outlet) => outlet,
            Err(_) => return Err(Failure::Unusable),
        };
        let outcome = outlet.post(Bytes::from(body.to_string())).await;
        if outcome.is_err()
            && let Some(metrics) = &self.mailbox.metrics
        {
            metrics.attempt_failed();
        }
        outcome
    }

    /// How long to wait after a failure; `None` when it is of no use to try again.
    fn pause(&mut self, attempt: u32, failure: &Failure) -> Option<Duration> {
        if !failure.may_pass() || failure.wait().is_some_and(|wait| wait > LONGEST_WAIT) {
            return None;
        }
        let own = PAUSE.saturating_mul(1 << (attempt - 1).min(10)).min(LONGEST_PAUSE);
        let own = self.shortened(own);
        Some(failure.wait().map_or(own, |wait| wait.max(own)))
    }

    /// `whole`, less up to a half of it: messengers that failed together do not come back together.
    fn shortened(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(self.draw.random_range(0.5..=1.0))
    }

    fn give_up(&self, attempts: u32, why: &Failure) -> NotifyOutcome {
        tracing::error!(to = self.name, attempts, %why, "a notification did not arrive and is given up");
        NotifyOutcome::Failed
    }
}

/// What `notice` becomes for a target of this kind, for a message that is sent by hand.
pub(super) fn body(kind: TargetKind, notice: Notice, head: &Letterhead, now: f64) -> Value {
    let letter = Letter { notice, more: 0, since: now };
    match kind {
        TargetKind::Slack => slack::message(&letter, head),
        TargetKind::Webhook => webhook::object(&letter, head, now),
        TargetKind::Alertmanager => {
            let mut board = Board::default();
            board.pin(letter.notice);
            board.alerts(head, now)
        }
    }
}

#[cfg(test)]
mod tests;
