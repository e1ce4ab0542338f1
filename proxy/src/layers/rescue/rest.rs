//! Asks for the rest of an answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sidestep_dialect::{Tier, continue_request, tier_of};
use sidestep_table::{Admission, Candidate, Class};
use tokio::time::{Instant, timeout_at};
use tower::Service;

use crate::call::{Call, Plan};
use crate::clock::Clock;
use crate::layers::choose::ranked;
use crate::layers::fare::withdraw;
use crate::layers::hedge::is_well;
use crate::refusal::Refusal;
use crate::relay::{Adrift, Answered, Found, Lifeline, Wreck};

/// Longest time until the rest begins. With the longest silence that went before it by default, this stays below the
/// 120 s without a chunk after which some clients give up, whatever signs of life they get.
const LONGEST: Duration = Duration::from_secs(30);

/// Asks others for the rest of one call's answer.
pub(super) struct Rescuer<S> {
    pub(super) inner: S,
    pub(super) clock: Clock,
    pub(super) call: Arc<Call>,
}

impl<S> Lifeline for Rescuer<S>
where
    S: Service<Plan, Response = Answered, Error = Refusal> + Send + Unpin + 'static,
    S::Future: Send,
{
    fn rescue(self, wreck: Wreck) -> BoxFuture<'static, Result<Found, Adrift>> {
        Box::pin(self.run(wreck))
    }
}

impl<S> Rescuer<S>
where
    S: Service<Plan, Response = Answered, Error = Refusal> + Send,
    S::Future: Send,
{
    async fn run(mut self, wreck: Wreck) -> Result<Found, Adrift> {
        let candidates = self.candidates(&wreck);
        if candidates.is_empty() {
            return Err(Adrift::Nobody);
        }
        if !withdraw(&self.call, &self.clock) {
            return Err(Adrift::Budget);
        }
        let deadline = Instant::now() + self.call.route_plan().first_token_timeout.min(LONGEST);
        timeout_at(deadline, self.ask(&wreck, candidates, deadline)).await.unwrap_or(Err(Adrift::Failed))
    }

    /// Who may tell the rest, the most wanted first: another provider's models, or, if there are none and the provider
    /// is not overloaded, others of the same provider that are well.
    fn candidates(&self, wreck: &Wreck) -> Vec<Candidate> {
        let call = &self.call;
        let home = call.catalog.provider_of(wreck.target);
        let ranked = ranked(call, &self.clock).unwrap_or_default();
        let live = ranked.into_iter().filter(|candidate| candidate.admission == Admission::Live);
        let (mut siblings, mut elsewhere): (Vec<_>, Vec<_>) =
            live.partition(|candidate| call.catalog.provider_of(candidate.model) == home);
        // Whoever has failed this call before it was committed is asked last.
        elsewhere.sort_by_key(|other| call.story.has_asked(&call.catalog.model(other.model).id));
        if !elsewhere.is_empty() {
            return elsewhere;
        }
        let overloaded = wreck.class == Class::Overload;
        siblings.retain(|sibling| !overloaded && sibling.model != wreck.target && is_well(call, *sibling));
        siblings
    }

    /// Asks in the way that suits the first candidate. A model that does not go on with the assistant's words, against
    /// what is known of it, is asked again in words; so are the others then, should it have failed.
    async fn ask(
        &mut self,
        wreck: &Wreck,
        candidates: Vec<Candidate>,
        deadline: Instant,
    ) -> Result<Found, Adrift> {
        let tier = self.tier(candidates[0]);
        if tier == Tier::Instruct {
            return self.plan((wreck, tier), candidates, deadline).await.map_err(|(adrift, _)| adrift);
        }
        let mut others = candidates.clone();
        let able: Vec<_> = candidates.into_iter().filter(|one| self.tier(*one) == tier).collect();
        let refused = match self.plan((wreck, tier), able.clone(), deadline).await {
            Ok(found) => return Ok(found),
            Err((_, refused)) => refused,
        };
        if !refused {
            others.retain(|other| !able.contains(other));
            if others.is_empty() || !withdraw(&self.call, &self.clock) {
                return Err(Adrift::Failed);
            }
        }
        self.plan((wreck, Tier::Instruct), others, deadline).await.map_err(|(adrift, _)| adrift)
    }

    fn tier(&self, candidate: Candidate) -> Tier {
        let ask = &self.call.ask;
        tier_of(&self.call.catalog.model(candidate.model).target(ask.dialect, &ask.model))
    }

    /// One way through `candidates`; or why not, and whether somebody found fault with the request.
    async fn plan(
        &mut self,
        (wreck, tier): (&Wreck, Tier),
        candidates: Vec<Candidate>,
        deadline: Instant,
    ) -> Result<Found, (Adrift, bool)> {
        let call = &self.call;
        let rest = continue_request(&call.ask, &call.body, &wreck.said, tier, wreck.spent)
            .map_err(|_| (Adrift::Uncontinuable, false))?;
        let call = Arc::new(Call {
            ask: rest.ask,
            body: rest.body,
            story: Arc::default(),
            rest: Some(tier),
            deadline,
            ..Call::clone(call)
        });
        let story = call.story.clone();
        let answered = self.inner.call(Plan { call, candidates }).await;
        let chapters = story.read();
        let attempts = self.call.story.rescued(chapters.attempts, chapters.served_by.clone());
        match (answered, chapters.served_by) {
            (Ok(Answered::Live(live)), Some(by)) => Ok(Found { live, by, tier, attempts }),
            (Err(Refusal::Vendor(_)), _) => Err((Adrift::Failed, true)),
            _ => Err((Adrift::Failed, false)),
        }
    }
}
