//! Asks one target after the other until one answers, within the attempts, the budget and the deadline.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Response;
use rand::Rng;
use sidestep_dialect::ErrorClass;
use sidestep_table::{Class, Fault, ModelIndex, ProviderIndex, Verdict};
use tokio::time::sleep;
use tower::{Layer, Service};

use super::hedge::standby;
use crate::body::Body;
use crate::call::{Attempt, Call, Plan};
use crate::clock::Clock;
use crate::miss::{Failed, Miss};
use crate::refusal::Refusal;

/// Between two attempts at the same target: long enough for a load balancer to pick another machine.
const PAUSE: std::ops::Range<u64> = 40..120;

/// Makes [`Retry`].
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
    /// The provider of the first attempt; the first move away from it is not charged to the budget.
    home: Option<ProviderIndex>,
    moved: bool,
    asked: usize,
    /// Providers that must not be asked again for this call.
    shunned: Vec<ProviderIndex>,
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
    S: Service<Attempt, Response = Response<Body>, Error = Miss> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Response<Body>, Refusal>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, plan: Plan) -> Self::Future {
        let rounds = Rounds {
            inner: self.inner.clone(),
            clock: self.clock,
            call: plan.call.clone(),
            home: None,
            moved: false,
            asked: 0,
            shunned: Vec::new(),
            last: None,
        };
        Box::pin(rounds.run(plan))
    }
}

impl<S> Rounds<S>
where
    S: Service<Attempt, Response = Response<Body>, Error = Miss>,
{
    async fn run(mut self, plan: Plan) -> Result<Response<Body>, Refusal> {
        self.budget().deposit(self.clock.now());
        let mut full = 0;
        for (index, candidate) in plan.candidates.iter().enumerate() {
            let provider = self.call.catalog.provider_of(candidate.model);
            if self.shunned.contains(&provider) || self.was_asked(candidate.model) {
                continue;
            }
            if !self.may_ask(provider) {
                break;
            }
            let attempt = Attempt {
                call: self.call.clone(),
                target: candidate.model,
                admission: candidate.admission,
                repaired: false,
                standby: standby(&self.call, candidate.model, &plan.candidates[index + 1..]),
            };
            let missed = match self.stay(attempt, provider).await {
                Ok(answer) => return Ok(answer),
                Err(miss) => miss,
            };
            full += usize::from(matches!(missed, Miss::Full));
            if self.missed(missed, candidate.model).is_break() {
                break;
            }
        }
        Err(self.refusal(full))
    }

    /// Draws the consequences of a miss at `model`; breaks when nobody else need be asked.
    fn missed(&mut self, miss: Miss, model: ModelIndex) -> ControlFlow<()> {
        let failed = match miss {
            Miss::Full => {
                self.call.story.fall_back("full");
                return ControlFlow::Continue(());
            }
            Miss::Closed => {
                self.call.story.fall_back("open");
                return ControlFlow::Continue(());
            }
            Miss::Untranslatable(feature) => {
                tracing::debug!(feature, "the request cannot be said in the target's dialect");
                self.call.story.fall_back("capability");
                return ControlFlow::Continue(());
            }
            Miss::Failed(failed) => failed,
        };
        self.call.story.fall_back(failed.reason());
        let next = self.next(&failed, model);
        self.last = Some(failed);
        match next {
            Next::Stop => return ControlFlow::Break(()),
            Next::OtherProvider => self.shunned.push(self.call.catalog.provider_of(model)),
            Next::Again { .. } | Next::Onward => {}
        }
        ControlFlow::Continue(())
    }

    /// A hedge may have asked a later candidate already.
    fn was_asked(&self, model: ModelIndex) -> bool {
        let id = &self.call.catalog.model(model).id;
        self.call.story.read().attempts.contains(id)
    }

    /// Asks one target, and once more when that is likely to help.
    async fn stay(&mut self, mut attempt: Attempt, provider: ProviderIndex) -> Result<Response<Body>, Miss> {
        let mut tries = 0;
        loop {
            let again = Attempt { call: attempt.call.clone(), ..attempt };
            let missed = match self.inner.call(again).await {
                Ok(answer) => return Ok(answer),
                Err(Miss::Failed(failed)) => failed,
                Err(miss) => return Err(miss),
            };
            self.asked += 1;
            tries += 1;
            self.home.get_or_insert(provider);
            let next = self.next(&missed, attempt.target);
            let Next::Again { after, repaired } = next else { return Err(Miss::Failed(missed)) };
            if tries > 1 || self.asked >= self.attempts() || !(repaired || self.withdraw()) {
                return Err(Miss::Failed(missed));
            }
            self.call.catalog.model(attempt.target).metrics.retried();
            sleep(after).await;
            attempt.repaired |= repaired;
            attempt.standby = None;
        }
    }

    fn next(&self, failed: &Failed, target: ModelIndex) -> Next {
        let retry_after = failed.failure.as_ref().and_then(|failure| failure.retry_after);
        match failed.vendor_class() {
            Some(ErrorClass::HistorySignature) => {
                return Next::Again { after: Duration::ZERO, repaired: true };
            }
            Some(ErrorClass::ContextLength | ErrorClass::TooLarge) => return Next::Onward,
            _ => {}
        }
        match failed.class {
            Class::Client | Class::Cancel => Next::Stop,
            Class::Overload | Class::Quota | Class::Auth => Next::OtherProvider,
            Class::Rate => match retry_after {
                Some(wait) if wait <= self.call.route_plan().retry_after_wait => {
                    Next::Again { after: wait, repaired: false }
                }
                _ => Next::Onward,
            },
            Class::Hard(fault) if self.is_transient(fault, target) => {
                let pause = Duration::from_millis(rand::rng().random_range(PAUSE));
                Next::Again { after: retry_after.unwrap_or(pause).max(pause), repaired: false }
            }
            Class::Local => Next::Again { after: Duration::from_millis(PAUSE.end), repaired: false },
            Class::Hard(_) | Class::ModelMissing | Class::Ok | Class::Slow => Next::Onward,
        }
    }

    /// A single failure of a target that is otherwise well. Waiting once more for one that already used up
    /// its time, or that the table doubts, would only cost the caller time.
    fn is_transient(&self, fault: Fault, target: ModelIndex) -> bool {
        let standing = self.call.catalog.model(target).cell.standing();
        let quick = matches!(fault, Fault::Connect | Fault::Status | Fault::Truncated);
        quick && standing.verdict == Verdict::Healthy
    }

    /// Whether another target may be asked: the first always, the first move to another provider always,
    /// everything else within the budget.
    fn may_ask(&mut self, provider: ProviderIndex) -> bool {
        let Some(home) = self.home else { return true };
        if self.asked >= self.attempts() {
            return false;
        }
        if provider != home && !self.moved {
            self.moved = true;
            return true;
        }
        self.withdraw()
    }

    fn withdraw(&self) -> bool {
        let granted = self.budget().try_withdraw(self.clock.now());
        if !granted {
            self.call.route_plan().metrics.budget_exhausted();
        }
        granted
    }

    fn budget(&self) -> &sidestep_table::Budget {
        &self.call.catalog.topology.routes[self.call.route.get()].budget
    }

    fn attempts(&self) -> usize {
        self.call.route_plan().max_attempts
    }

    fn refusal(self, full: usize) -> Refusal {
        match self.last {
            Some(failed) if failed.is_the_callers() => match failed.answer {
                Some(answer) => Refusal::Vendor(answer),
                None => Refusal::Exhausted { class: failed.class, retry_after: None },
            },
            Some(failed) => Refusal::Exhausted {
                class: failed.class,
                retry_after: failed.failure.and_then(|failure| failure.retry_after),
            },
            None if full > 0 => Refusal::Full { batch: false },
            None => Refusal::NothingEligible { retry_after: Duration::from_secs(1) },
        }
    }
}
