//! Asks one target after the other until one answers, within the attempts, the budget and the deadline.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rand::Rng;
use sidestep_dialect::ErrorClass;
use sidestep_table::{Class, Fault, ModelIndex, Priority, ProviderIndex, Verdict};
use tokio::time::{Instant, sleep};
use tower::{Layer, Service};

use super::fare::{self, Fare, withdraw};
use super::hedge::standby;
use crate::call::{Attempt, Call, Plan};
use crate::catalog::ModelPlan;
use crate::clock::Clock;
use crate::miss::{Failed, Miss};
use crate::refusal::Refusal;
use crate::relay::Answered;

/// Between two attempts at the same target: long enough for a load balancer to pick another machine.
const PAUSE: std::ops::Range<u64> = 40..120;

/// Makes `Retry`.
#[derive(Clone)]
pub struct RetryLayer {
    /// For the budget's slots.
    pub clock: Clock,
}

/// Turns a plan into attempts.
#[derive(Clone)]
pub struct Retry<S> {
    inner: S,
    clock: Clock,
}

/// One call's way through its candidates.
struct Rounds<S> {
    inner: S,
    clock: Clock,
    call: Arc<Call>,
    fare: Fare,
    /// Some target had no room.
    full: bool,
    /// What targets cannot do that the call asks for.
    obstacles: Vec<&'static str>,
    /// Providers that must not be asked again for this call.
    shunned: Vec<ProviderIndex>,
    /// The window that the prompt did not fit into, in tokens.
    outgrown: Option<u64>,
    last: Option<Box<Failed>>,
}

/// What to do after a failure.
enum Next {
    /// Ask the same target again after a pause; `repaired` without the history's thinking blocks.
    Again { after: Duration, repaired: bool },
    /// Ask the next target.
    Onward,
    /// Ask the next target of another provider.
    OtherProvider,
    /// Nobody else would answer differently.
    Stop,
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry { inner, clock: self.clock }
    }
}

impl<S> Service<Plan> for Retry<S>
where
    S: Service<Attempt, Response = Answered, Error = Miss> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Answered;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Answered, Refusal>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, plan: Plan) -> Self::Future {
        let rounds = Rounds {
            inner: self.inner.clone(),
            clock: self.clock,
            call: plan.call.clone(),
            fare: Fare::default(),
            full: false,
            obstacles: Vec::new(),
            shunned: Vec::new(),
            outgrown: None,
            last: None,
        };
        Box::pin(rounds.run(plan))
    }
}

impl<S> Rounds<S>
where
    S: Service<Attempt, Response = Answered, Error = Miss>,
{
    async fn run(mut self, plan: Plan) -> Result<Answered, Refusal> {
        fare::earn(&self.call, &self.clock);
        for (index, candidate) in plan.candidates.iter().enumerate() {
            let provider = self.call.catalog.provider_of(candidate.model);
            // A hedge may have asked a later candidate already.
            let asked = self.call.story.has_asked(&self.model(candidate.model).id);
            let useless = asked || self.is_too_small(candidate.model);
            if useless || self.shunned.contains(&provider) {
                continue;
            }
            if !self.has_attempts() {
                break;
            }
            // What cannot be paid for here may be free at the next one.
            let free = fare::is_free(&self.call, provider);
            if !free && !self.fare.paid_for(|| withdraw(&self.call, &self.clock)) {
                continue;
            }
            let attempt = Attempt {
                call: self.call.clone(),
                target: candidate.model,
                admission: candidate.admission,
                repaired: false,
                standby: standby(&self.call, candidate.model, &plan.candidates[index + 1..]),
            };
            let asked_before = self.call.story.attempts();
            let missed = match self.stay(attempt).await {
                Ok(answer) => return Ok(answer),
                Err(miss) => miss,
            };
            if !free && self.call.story.attempts() > asked_before {
                self.fare.use_up();
            }
            if self.missed(missed, candidate.model).is_break() {
                break;
            }
        }
        Err(self.refusal())
    }

    /// Draws the consequences of a miss at `model`; breaks when nobody else need be asked.
    fn missed(&mut self, miss: Miss, model: ModelIndex) -> ControlFlow<()> {
        let failed = match miss {
            Miss::Full => {
                self.full = true;
                return self.pass_over("full");
            }
            Miss::Closed => return self.pass_over("open"),
            Miss::Untranslatable(feature) => {
                if !self.obstacles.contains(&feature) {
                    self.obstacles.push(feature);
                }
                return self.pass_over("capability");
            }
            Miss::Failed(failed) => failed,
        };
        let next = self.next(&failed, model);
        if failed.vendor_class() == Some(ErrorClass::ContextLength) {
            self.outgrown = self.outgrown.max(self.call.window(model));
        }
        // Nobody is asked in the place of a target that found fault with the request.
        if !matches!(next, Next::Stop) {
            self.call.story.fall_back(failed.reason());
        }
        // What is wrong with the request is what the application can do something about: that is told in the end.
        if !self.last.as_ref().is_some_and(|last| last.is_the_callers()) {
            self.last = Some(failed);
        }
        match next {
            Next::Stop => return ControlFlow::Break(()),
            Next::OtherProvider => self.shunned.push(self.call.catalog.provider_of(model)),
            Next::Again { .. } | Next::Onward => {}
        }
        ControlFlow::Continue(())
    }

    fn pass_over(&self, reason: &'static str) -> ControlFlow<()> {
        self.call.story.fall_back(reason);
        ControlFlow::Continue(())
    }

    /// No larger than a window that the prompt did not fit into; an unknown window may be.
    fn is_too_small(&self, model: ModelIndex) -> bool {
        self.outgrown.zip(self.call.window(model)).is_some_and(|(outgrown, window)| window <= outgrown)
    }

    fn model(&self, index: ModelIndex) -> &ModelPlan {
        self.call.catalog.model(index)
    }

    /// Asks one target, and once more when that is likely to help.
    async fn stay(&mut self, mut attempt: Attempt) -> Result<Answered, Miss> {
        let mut before: Option<Box<Failed>> = None;
        loop {
            let again = Attempt { call: attempt.call.clone(), ..attempt };
            let missed = match self.inner.call(again).await {
                Ok(answer) => return Ok(answer),
                Err(Miss::Failed(failed)) => failed,
                // The second try could not even be made: what counts is how the first one failed.
                Err(miss) => return Err(before.map_or(miss, Miss::Failed)),
            };
            let Next::Again { after, repaired } = self.next(&missed, attempt.target) else {
                return Err(Miss::Failed(missed));
            };
            let in_time = Instant::now() + after < self.call.deadline;
            let may = before.is_none()
                && in_time
                && self.has_attempts()
                && (repaired || self.call.route_plan().retry && withdraw(&self.call, &self.clock));
            if !may {
                return Err(Miss::Failed(missed));
            }
            self.model(attempt.target).metrics.retried();
            sleep(after).await;
            attempt.repaired |= repaired;
            attempt.standby = None;
            before = Some(missed);
        }
    }

    fn next(&self, failed: &Failed, target: ModelIndex) -> Next {
        let retry_after = failed.failure.as_ref().and_then(|failure| failure.retry_after);
        let longest = self.call.route_plan().retry_after_wait;
        match failed.vendor_class() {
            // A translated history has no thinking blocks that could be left out.
            Some(ErrorClass::HistorySignature)
                if self.model(target).upstream.speaks(self.call.ask.dialect) =>
            {
                return Next::Again { after: Duration::ZERO, repaired: true };
            }
            Some(ErrorClass::ContextLength | ErrorClass::TooLarge | ErrorClass::HistorySignature) => {
                return Next::Onward;
            }
            _ => {}
        }
        match failed.class {
            Class::Client => Next::Stop,
            Class::Overload | Class::Quota | Class::Auth => Next::OtherProvider,
            Class::Rate => match retry_after {
                Some(wait) if wait <= longest => Next::Again { after: wait, repaired: false },
                _ => Next::Onward,
            },
            Class::Hard(fault) if self.is_transient(fault, target) => {
                let pause = Duration::from_millis(self.call.dice.throw().random_range(PAUSE));
                match retry_after {
                    Some(wait) if wait > longest => Next::Onward,
                    wait => Next::Again { after: wait.unwrap_or(pause).max(pause), repaired: false },
                }
            }
            Class::Local => Next::Again { after: Duration::from_millis(PAUSE.end), repaired: false },
            Class::Hard(_) | Class::ModelMissing | Class::Ok | Class::Slow | Class::Cancel => Next::Onward,
        }
    }

    /// A single failure of a first choice that is otherwise well. Once more at one that used up its time, or that
    /// the table doubts, would only cost time; at a stand-in, it would cost those who were not asked at all.
    fn is_transient(&self, fault: Fault, target: ModelIndex) -> bool {
        let standing = self.model(target).cell.standing();
        let quick = matches!(fault, Fault::Connect | Fault::Status | Fault::Truncated);
        let first = self.call.story.attempts() <= 1 && self.call.rest.is_none();
        quick && first && standing.verdict == Verdict::Healthy
    }

    /// Whether there is an attempt left and time to make it: one that is begun at the deadline would only be
    /// held against its target.
    fn has_attempts(&self) -> bool {
        self.call.story.attempts() < self.call.max_attempts() && Instant::now() < self.call.deadline
    }

    fn refusal(self) -> Refusal {
        match self.last.map(|failed| *failed) {
            Some(Failed { class: Class::Client, answer: Some(answer), .. }) => Refusal::Vendor(answer),
            _ if Instant::now() >= self.call.deadline => Refusal::Deadline,
            Some(failed) if matches!(failed.class, Class::Slow | Class::Cancel) => Refusal::Deadline,
            Some(failed) => Refusal::Exhausted {
                class: failed.class,
                retry_after: failed.failure.and_then(|failure| failure.retry_after),
            },
            None if self.full => Refusal::Full { batch: self.call.priority == Priority::Batch },
            None if !self.obstacles.is_empty() => Refusal::Incapable { features: self.obstacles },
            None => Refusal::NothingEligible { retry_after: Duration::from_secs(1) },
        }
    }
}

#[cfg(test)]
mod tests;
