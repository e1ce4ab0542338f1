//! Tells the table and the metrics how an attempt ended, exactly once, whatever way it ended.

use std::sync::Arc;
use std::time::Duration;

use sidestep_dialect::Usage;
use sidestep_table::{Cell, Class, Evidence, ModelId, Permit, PermitKind, Source};
use tokio::time::Instant;

use crate::call::Admitted;
use crate::judge::JudgeHandle;
use crate::metrics::{CutCause, ModelMetrics, TokenKind};
use crate::miss::Failed;

/// A first token later than this is slow for any model, and a caller who leaves after it did not leave lightly.
const SLOW_FLOOR: Duration = Duration::from_secs(5);

/// The debt of an attempt to the table. Dropping it unsettled means that the caller left.
pub struct Settlement {
    permit: Option<Permit>,
    judge: JudgeHandle,
    model: ModelId,
    cell: Arc<Cell>,
    metrics: Arc<ModelMetrics>,
    started: Instant,
    first_token: Option<Duration>,
    streamed: bool,
}

impl Settlement {
    /// Takes over the permit of `admitted`; the attempt begins now. Gives back the attempt.
    #[must_use]
    pub fn open(admitted: Admitted, judge: JudgeHandle) -> (crate::call::Attempt, Settlement) {
        let Admitted { attempt, permit } = admitted;
        let model = attempt.model();
        let settlement = Settlement {
            permit: Some(permit),
            judge,
            model: model.id.clone(),
            cell: model.cell.clone(),
            metrics: model.metrics.clone(),
            started: Instant::now(),
            first_token: None,
            streamed: attempt.call.ask.stream,
        };
        attempt.call.story.asked(settlement.model.clone());
        (attempt, settlement)
    }

    /// When the attempt began.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The first meaningful event is here.
    pub fn begun(&mut self) {
        let waited = self.started.elapsed();
        self.first_token.get_or_insert(waited);
    }

    /// The answer is complete.
    pub fn complete(&mut self, usage: &Usage) {
        self.metrics.tokens(TokenKind::Input, usage.input + usage.cache_write);
        self.metrics.tokens(TokenKind::Cached, usage.cache_read);
        self.metrics.tokens(TokenKind::Output, usage.output);
        let slow = self.streamed && self.first_token.is_some_and(|waited| waited > self.slow_bound());
        if let Some(waited) = self.first_token.filter(|_| self.streamed) {
            self.cell.first_token().record(waited);
            self.metrics.first_token(waited);
        }
        self.settle(if slow { Class::Slow } else { Class::Ok }, None);
    }

    /// The attempt failed.
    pub fn fail(&mut self, failed: &Failed) {
        let retry_after = failed.failure.as_ref().and_then(|failure| failure.retry_after);
        self.settle(failed.class, retry_after);
    }

    /// The stream was cut after the application had begun to read it.
    pub fn cut(&self, cause: CutCause) {
        self.metrics.cut(cause);
    }

    /// What an attempt says of its target that nobody waits for any longer, though it had not failed yet: nothing,
    /// unless it was silent for far longer than it ever is.
    #[must_use]
    pub fn given_up(&self) -> Class {
        let patient = self.first_token.is_none() && self.started.elapsed() > self.slow_bound();
        if patient && self.streamed { Class::Slow } else { Class::Cancel }
    }

    fn slow_bound(&self) -> Duration {
        self.cell.first_token().p95().map_or(SLOW_FLOOR, |p95| SLOW_FLOOR.max(p95 * 3))
    }

    fn settle(&mut self, class: Class, retry_after: Option<Duration>) {
        let Some(permit) = self.permit.take() else { return };
        let source = match permit.kind() {
            PermitKind::Live | PermitKind::Probe => Source::Traffic,
            PermitKind::Canary => Source::Canary,
            PermitKind::LastResort => Source::LastResort,
        };
        self.metrics.attempt(class, self.started.elapsed());
        self.judge.report(Evidence {
            model: self.model.clone(),
            epoch: permit.epoch(),
            source,
            class,
            retry_after,
            credential: None,
        });
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.settle(self.given_up(), None);
    }
}
