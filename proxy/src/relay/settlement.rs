//! Tells the table and the metrics how an attempt ended, exactly once, whatever way it ended.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};

use sidestep_dialect::Usage;
use sidestep_table::{Cell, Class, Evidence, ModelId, Permit, PermitKind, Source};
use tokio::time::{Instant, sleep_until};

use crate::call::Admitted;
use crate::judge::JudgeHandle;
use crate::metrics::{CutCause, ModelMetrics, TokenKind};
use crate::miss::Failed;
use crate::telemetry::Leaf;

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
    /// The table knows already that it was slow.
    overdue: Arc<AtomicBool>,
    /// Its part of the call's trace.
    pub leaf: Leaf,
}

/// Tells the table of a silent attempt as soon as it is slow, while it still waits. Otherwise a provider that takes
/// requests and says nothing would be found out only when the first of them is over.
pub struct Watch {
    judge: JudgeHandle,
    slow: Option<(Instant, Evidence)>,
    overdue: Arc<AtomicBool>,
}

impl Watch {
    /// Waits for the beginning of an answer, and tells the table should it be overdue.
    pub async fn over<F: Future>(self, beginning: F) -> F::Output {
        let Some((at, evidence)) = self.slow else { return beginning.await };
        match select(pin!(beginning), pin!(sleep_until(at))).await {
            Either::Left((begun, _)) => begun,
            Either::Right(((), beginning)) => {
                self.overdue.store(true, Ordering::Relaxed);
                self.judge.report(evidence);
                beginning.await
            }
        }
    }
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
            overdue: Arc::default(),
            leaf: Leaf::default(),
        };
        attempt.call.story.asked(settlement.model.clone());
        (attempt, settlement)
    }

    /// When the attempt began.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// How long the first meaningful event took, once it is here.
    #[must_use]
    pub fn first_token(&self) -> Option<Duration> {
        self.first_token
    }

    /// What keeps an eye on the attempt until its first meaningful event.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let permit = self.permit.as_ref().filter(|_| self.streamed);
        let slow = permit.map(|permit| {
            // Not at the bound but past it: what comes in just now is not slow.
            let at = self.started + self.slow_bound() + Duration::from_millis(1);
            (at, Evidence::of(permit, source(permit), Class::Slow))
        });
        Watch { judge: self.judge.clone(), slow, overdue: self.overdue.clone() }
    }

    /// The first meaningful event is here.
    pub fn begun(&mut self) {
        let waited = self.started.elapsed();
        self.first_token.get_or_insert(waited);
        self.leaf.begun();
    }

    /// The answer is complete.
    pub fn complete(&mut self, usage: &Usage) {
        self.spent(usage);
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

    /// The stream was cut after the application had begun to read it, and has cost `usage` by then.
    pub fn cut(&mut self, cause: CutCause, usage: &Usage) {
        self.metrics.cut(cause);
        if let Some(waited) = self.first_token {
            self.metrics.first_token(waited);
        }
        self.spent(usage);
    }

    /// The stream was well but is not wanted any more, and has cost `usage` by now.
    pub fn give_up(&mut self, usage: &Usage) {
        if self.permit.is_some() {
            self.spent(usage);
        }
        self.settle(Class::Cancel, None);
    }

    /// What an attempt says of its target that nobody waits for any longer, though it had not failed yet: nothing,
    /// unless it was silent for far longer than it ever is.
    #[must_use]
    pub fn given_up(&self) -> Class {
        let patient = self.first_token.is_none() && self.started.elapsed() > self.slow_bound();
        if patient && self.streamed { Class::Slow } else { Class::Cancel }
    }

    /// Malformed events were left out of the stream, for it lacks nothing without them.
    pub fn left_out(&self, events: u64) {
        self.metrics.left_out(events);
    }

    fn spent(&mut self, usage: &Usage) {
        self.leaf.used(usage);
        self.metrics.tokens(TokenKind::Input, usage.input + usage.cache_write);
        self.metrics.tokens(TokenKind::Cached, usage.cache_read);
        self.metrics.tokens(TokenKind::Output, usage.output);
    }

    fn slow_bound(&self) -> Duration {
        self.cell.first_token().p95().map_or(SLOW_FLOOR, |p95| SLOW_FLOOR.max(p95 * 3))
    }

    fn settle(&mut self, class: Class, retry_after: Option<Duration>) {
        let Some(permit) = self.permit.take() else { return };
        self.leaf.end(class);
        self.metrics.attempt(class, self.started.elapsed());
        if class == Class::Slow && self.overdue.load(Ordering::Relaxed) {
            return;
        }
        let evidence = Evidence::of(&permit, source(&permit), class);
        self.judge.report(Evidence { retry_after, ..evidence });
    }
}

fn source(permit: &Permit) -> Source {
    match permit.kind() {
        PermitKind::Live | PermitKind::Probe => Source::Traffic,
        PermitKind::Canary => Source::Canary,
        PermitKind::LastResort => Source::LastResort,
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.settle(self.given_up(), None);
    }
}

#[cfg(test)]
mod tests {
    use sidestep_probes::Signals;
    use sidestep_table::{ModelShape, Policy, ProviderShape, Shape, Topology};
    use tokio::time::sleep;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::clock::Clock;
    use crate::judge::Judge;

    fn topology() -> Arc<Topology> {
        let model = ModelShape {
            id: "opus".into(),
            provider: "anthropic".into(),
            policy: Arc::new(Policy::default()),
            max_concurrency: 8,
        };
        let providers = vec![ProviderShape { id: "anthropic".into(), credentials: 1 }];
        Arc::new(Topology::build(Shape { providers, models: vec![model], routes: Vec::new() }, None).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_hears_of_silence_while_it_lasts_and_of_haste_only_at_its_end() {
        let topology = topology();
        let (judge, handle) =
            Judge::new(topology.clone(), Clock::start(), Signals::default(), Box::new(|_| {}), 1);
        let stop = CancellationToken::new();
        let judging = judge.run(stop.clone());
        let watching = async {
            let cell = &topology.models[0].cell;
            let permit = cell.admit(PermitKind::Live, sidestep_table::Priority::Interactive).unwrap();
            for silence in [4, 6, 60] {
                let watch = Watch {
                    judge: handle.clone(),
                    slow: Some((
                        Instant::now() + SLOW_FLOOR,
                        Evidence::of(&permit, Source::Traffic, Class::Slow),
                    )),
                    overdue: Arc::default(),
                };
                let overdue = watch.overdue.clone();
                watch.over(sleep(Duration::from_secs(silence))).await;
                assert_eq!(overdue.load(Ordering::Relaxed), silence > 5);
                let view = handle.view().await.unwrap();
                assert_eq!(view.models[0].score > 0.0, silence > 5, "after {silence} s");
            }
            stop.cancel();
        };
        tokio::join!(judging, watching);
    }
}
