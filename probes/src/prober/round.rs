//! One running prober: its schedule, its purse and what it learnt of each model.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sidestep_table::{
    Evidence, ModelId, Moment, PermitKind, Priority, ProbeKind, ProviderId, Source, Verdict,
};
use tower::Service;

use super::flight::{Flight, Landing};
use super::habit::Habit;
use super::target::{is_ill, sights};
use super::{Observer, Prober, Report, Settings, Target, Targets};
use crate::budget::{Purse, Tokens};
use crate::conversion::Blame;
use crate::prompt::{self, Question};
use crate::schedule::{Schedule, Sight, Turn};
use crate::send::Bill;

/// The longest time without a look at the table: how late a changed verdict or configuration is seen.
const GLANCE: Duration = Duration::from_millis(250);

pub(super) struct Round<'a, T: Targets, C, K, O> {
    prober: &'a Prober<T, C, K, O>,
    settings: Settings,
    targets: Arc<[Target<T::Service>]>,
    schedule: Schedule,
    purse: Purse,
    habits: HashMap<ModelId, Habit>,
    verdicts: HashMap<ModelId, Verdict>,
    flying: HashSet<ModelId>,
    draw: SmallRng,
}

// === impl Round ===

impl<'a, T, C, K, O, B> Round<'a, T, C, K, O>
where
    T: Targets,
    T::Service: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone,
    <T::Service as Service<Request<Full<Bytes>>>>::Error: Blame,
    B: Body<Data = Bytes>,
    B::Error: Blame,
    C: Fn() -> Moment,
    K: Fn(Evidence),
    O: Observer,
{
    pub(super) fn new(prober: &'a Prober<T, C, K, O>) -> Self {
        let settings = prober.targets.settings();
        Self {
            prober,
            targets: prober.targets.current(),
            schedule: Schedule::new(settings.cadence.clone(), prober.seed),
            purse: Purse::new(settings.allowance, (prober.clock)()),
            settings,
            habits: HashMap::new(),
            verdicts: HashMap::new(),
            flying: HashSet::new(),
            // Not the schedule's sequence again: kinds and jitter are independent draws.
            draw: SmallRng::seed_from_u64(prober.seed.rotate_left(32)),
        }
    }

    pub(super) async fn run(mut self) {
        let mut flights = FuturesUnordered::new();
        loop {
            self.look();
            while flights.len() < self.settings.concurrency.max(1) {
                let Some(flight) = self.launch() else { break };
                flights.push(flight.fly());
            }
            let crowded = flights.len() >= self.settings.concurrency.max(1);
            tokio::select! {
                // In this order, so that a seed repeats a run: what has ended makes room first.
                biased;
                Some(landing) = flights.next() => self.land(landing),
                () = self.prober.signals.woken() => {}
                () = tokio::time::sleep(self.pause(crowded)) => {}
            }
        }
    }

    /// Takes in targets, settings, verdicts and requests for haste as they are now.
    fn look(&mut self) {
        let now = (self.prober.clock)();
        let targets = self.prober.targets.current();
        if !Arc::ptr_eq(&targets, &self.targets) {
            let known: HashSet<&ModelId> = targets.iter().map(|target| &target.model).collect();
            self.habits.retain(|model, _| known.contains(model));
            self.verdicts.retain(|model, _| known.contains(model));
            self.purse.keep(|model| known.contains(model));
            self.prober.signals.keep(|model| known.contains(model));
            self.targets = Arc::clone(&targets);
        }
        let settings = self.prober.targets.settings();
        if settings != self.settings {
            self.purse.amend(settings.allowance, now);
            self.schedule.set_cadence(settings.cadence.clone());
            self.settings = settings;
        }
        let sights = sights(&self.targets, &self.prober.signals);
        self.schedule.set_frugal(self.purse.is_scarce(now));
        self.schedule.see(&sights, now);
        for model in self.alarmed(&sights).into_iter().chain(self.prober.signals.hurried()) {
            self.schedule.hurry(&model, now);
        }
    }

    /// The well siblings of models that have just fallen ill: providers fail together.
    fn alarmed(&mut self, sights: &[Sight]) -> Vec<ModelId> {
        let mut struck: HashSet<&ProviderId> = HashSet::new();
        for (target, sight) in self.targets.iter().zip(sights) {
            let before = self.verdicts.insert(sight.model.clone(), sight.verdict);
            if is_ill(sight.verdict) && before.is_some_and(|before| !is_ill(before)) {
                struck.insert(&target.provider);
            }
        }
        let beside = |target: &&Target<T::Service>| struck.contains(&target.provider);
        self.targets.iter().filter(beside).map(|target| target.model.clone()).collect()
    }

    /// The next probe that is due and paid for.
    fn launch(&mut self) -> Option<Flight<T::Service>> {
        let now = (self.prober.clock)();
        while let Some(turn) = self.schedule.take(now) {
            let targets = Arc::clone(&self.targets);
            let target = targets.iter().find(|target| target.model == turn.model);
            // A model that a reload took away and another brought back may still have its old probe in flight.
            let free = target.filter(|target| !self.flying.contains(&target.model));
            if let Some(flight) = free.and_then(|target| self.prepare(target, turn.clone(), now)) {
                self.flying.insert(turn.model);
                return Some(flight);
            }
            self.schedule.finish(&turn.model, now);
        }
        None
    }

    fn prepare(
        &mut self,
        target: &Target<T::Service>,
        turn: Turn,
        now: Moment,
    ) -> Option<Flight<T::Service>> {
        // The last look before it goes out: an operator may have spoken since.
        let permit = target.cell.admit(PermitKind::Probe, Priority::Batch).ok()?;
        let habit = self.habits.get(&turn.model).copied().unwrap_or_default();
        let kind = self.kind(target, &turn, now);
        // What is too dear today may still be asked for less.
        let kinds = if kind == ProbeKind::Echo { &[ProbeKind::Echo][..] } else { &[kind, ProbeKind::Echo] };
        for kind in kinds {
            let question = Question::draw(*kind, &mut self.draw);
            let prompt = prompt::write(&question, &target.upstream, habit.room);
            let estimate =
                self.settings.allowance.amount(prompt.bound(), target.price).max(habit.dearest(*kind));
            let Some(hold) = self.purse.withdraw(&turn.model, estimate, turn.errand, now) else { continue };
            return Some(Flight {
                service: target.service.clone(),
                turn,
                question,
                prompt,
                upstream: target.upstream.clone(),
                patience: self.settings.patience.clone(),
                permit,
                hold,
            });
        }
        self.prober.observer.withheld(&turn.model, turn.errand);
        None
    }

    fn kind(&mut self, target: &Target<T::Service>, turn: &Turn, now: Moment) -> ProbeKind {
        let kind = match turn.trial {
            Some(trial) => prompt::trial_kind(trial),
            // An outage takes hundreds, and its end dozens one after the other: the trial that follows asks for more
            // than the cheapest.
            None if target.cell.standing().verdict == Verdict::Open => ProbeKind::Echo,
            None => prompt::draw_kind(&mut self.draw),
        };
        let fits = prompt::can_ask(kind, &target.upstream);
        let costly = kind == ProbeKind::Context && turn.trial.is_none();
        if fits && (!costly || self.purse.is_ample(now)) { kind } else { ProbeKind::Echo }
    }

    fn land(&mut self, landing: Landing) {
        let now = (self.prober.clock)();
        let Landing { model, kind, score, .. } = landing;
        self.flying.remove(&model);
        self.schedule.finish(&model, now);
        let price = self.targets.iter().find(|target| target.model == model).and_then(|target| target.price);
        let habit = self.habits.entry(model.clone()).or_default();
        let tokens = match landing.bill {
            Bill::Nothing => Tokens::default(),
            Bill::Counted(tokens) => {
                habit.tell(kind, tokens);
                tokens
            }
            Bill::Unknown => habit.untold(kind, landing.bound),
        };
        let actual = self.settings.allowance.amount(tokens, price);
        self.purse.settle(landing.hold, actual, now);
        habit.learn(kind, &score, actual);
        self.prober.observer.probed(&Report {
            model: model.clone(),
            kind,
            class: score.class,
            quality: score.quality,
            duration: landing.duration,
            first_token: landing.first_token,
            tokens,
            usd: price.map(|price| price.usd(tokens)),
        });
        let source = Source::Probe { kind, quality: score.quality };
        let evidence = Evidence::of(&landing.permit, source, score.class);
        (self.prober.sink)(Evidence { retry_after: score.retry_after, ..evidence });
    }

    fn pause(&self, crowded: bool) -> Duration {
        let now = (self.prober.clock)();
        let due = self.schedule.next().map_or(GLANCE, |next| next.saturating_since(now));
        // With no slot free, what is due has to wait for a landing.
        if crowded { GLANCE } else { due.clamp(Duration::from_millis(1), GLANCE) }
    }
}
