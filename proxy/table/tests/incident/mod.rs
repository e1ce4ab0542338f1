//! A deterministic simulation in virtual time: users, a prober and one upstream that fails on cue, around
//! the real ledger, topology and ranking. Shared by the example that prints the figures and the test that
//! holds them.

#![expect(clippy::expect_used, reason = "a simulation that cannot be set up has nothing to report")]

pub(crate) mod figures;
mod prober;
pub(crate) mod upstream;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rand::{Rng, SeedableRng, rngs::SmallRng};
use sidestep_table::{
    Admission, BudgetPolicy, Cell, Decision, DecisionKind, Evidence, Ledger, ModelShape, Moment, Permit,
    PermitKind, Policy, Priority, ProviderShape, Quality, RouteIndex, RouteShape, Shape, Source, TargetShape,
    Topology, Verdict, rank,
};

use self::{prober::Prober, upstream::Upstream};

/// The model that fails.
pub(crate) const SUBJECT: &str = "first/choice";
const FALLBACK: &str = "second/choice";
const ROUTE: RouteIndex = RouteIndex::new(0);

enum Event {
    Arrival,
    Settled(Permit, Evidence),
}

/// One seed's world.
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) now: Moment,
    /// How often the subject opened, from any state.
    pub(crate) opened: Vec<Moment>,
    /// How often the subject lost users that it had: openings that were no failed trial.
    pub(crate) lost: Vec<Moment>,
    /// Users who came, and those of them who were sent to the subject, since these were last set to zero.
    pub(crate) came: u64,
    pub(crate) sent: u64,
    /// Probes sent.
    pub(crate) probed: u64,
    cell: Arc<Cell>,
    topology: Arc<Topology>,
    rate: f64,
    upstream: Upstream,
    prober: Prober,
    draw: SmallRng,
    queue: BTreeMap<(Moment, u64), Event>,
    scheduled: u64,
}

// === impl World ===

impl World {
    /// A healthy world in which `rate` users a second ask.
    pub(crate) fn new(seed: u64, rate: f64, policy: &Policy, upstream: Upstream) -> Self {
        let topology = Arc::new(Topology::build(shape(policy), None).expect("the shape is sound"));
        let mut world = Self {
            ledger: Ledger::new(Arc::clone(&topology), seed, Moment::ORIGIN),
            now: Moment::ORIGIN,
            opened: Vec::new(),
            lost: Vec::new(),
            came: 0,
            sent: 0,
            probed: 0,
            cell: Arc::clone(&topology.models[0].cell),
            topology,
            rate,
            upstream,
            prober: Prober::new(policy.probe_gap()),
            draw: SmallRng::seed_from_u64(seed ^ 0x5eed),
            queue: BTreeMap::new(),
            scheduled: 0,
        };
        world.schedule_arrival();
        world
    }

    /// Changes how the upstream behaves from now on.
    pub(crate) fn turn(&mut self, upstream: Upstream) {
        self.upstream = upstream;
    }

    pub(crate) fn cell(&self) -> &Cell {
        &self.cell
    }

    /// Runs for `time`, or until `stop` says so; returns how long it ran.
    pub(crate) fn run(&mut self, time: Duration, stop: impl Fn(&Self) -> bool) -> Option<Duration> {
        let (start, end) = (self.now, self.now + time);
        while !stop(self) {
            let next = self.next_moment().filter(|next| *next <= end);
            let Some(next) = next else {
                self.now = end;
                return None;
            };
            self.now = next;
            self.step();
        }
        Some(self.now.saturating_since(start))
    }

    fn next_moment(&self) -> Option<Moment> {
        let event = self.queue.keys().next().map(|(at, _)| *at);
        [event, self.prober.next(&self.cell), self.ledger.next_tick()].into_iter().flatten().min()
    }

    fn step(&mut self) {
        if self.ledger.next_tick().is_some_and(|due| due <= self.now) {
            let decisions = self.ledger.tick(self.now);
            self.note(decisions);
        }
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= self.now) {
            match entry.remove() {
                Event::Arrival => self.arrive(),
                Event::Settled(permit, evidence) => self.settle(permit, &evidence),
            }
        }
        if let Some(kind) = self.prober.due(&self.cell, self.now, &mut self.draw) {
            let source = Source::Probe { kind, quality: Quality::Right };
            self.probed += 1;
            self.ask(PermitKind::Probe, source);
        }
    }

    fn arrive(&mut self) {
        self.schedule_arrival();
        self.came += 1;
        let ranked = rank(&self.topology, ROUTE, &|_| true, self.now, &mut self.draw);
        let Some(first) = ranked.ok().and_then(|ranked| ranked.first().copied()) else { return };
        if &*self.topology[first.model].id != SUBJECT {
            return;
        }
        self.sent += 1;
        match first.admission {
            Admission::Live => self.ask(PermitKind::Live, Source::Traffic),
            Admission::Canary => self.ask(PermitKind::Canary, Source::Canary),
            Admission::LastResort => self.ask(PermitKind::LastResort, Source::LastResort),
        }
    }

    fn ask(&mut self, kind: PermitKind, source: Source) {
        let Ok(permit) = self.cell.admit(kind, Priority::Interactive) else { return };
        let verdict = self.cell.standing().verdict;
        let answer = (self.upstream)(self.now, source.is_probe(), verdict, &mut self.draw);
        let mut evidence = Evidence::of(&permit, source, answer.class);
        evidence.retry_after = answer.retry_after;
        self.schedule(self.now + answer.takes, Event::Settled(permit, evidence));
    }

    fn settle(&mut self, permit: Permit, evidence: &Evidence) {
        drop(permit);
        if evidence.source.is_probe() {
            self.prober.was_answered(self.now);
        }
        if evidence.source.is_live() && evidence.class.is_answer() {
            self.prober.users_were_answered(self.now);
        }
        let decisions = self.ledger.observe(evidence, self.now);
        self.note(decisions);
    }

    fn note(&mut self, decisions: Vec<Decision>) {
        let opened = |one: &&Decision| one.kind == DecisionKind::Verdict && one.to == Verdict::Open;
        let opened: Vec<&Decision> = decisions.iter().filter(opened).collect();
        self.opened.extend(opened.iter().map(|one| one.at));
        let carried = opened.iter().filter(|one| one.from != Verdict::HalfOpen);
        self.lost.extend(carried.map(|one| one.at));
    }

    /// Users come independently of each other: exponential gaps.
    fn schedule_arrival(&mut self) {
        if self.rate > 0.0 {
            let gap = -(1.0 - self.draw.random::<f64>()).ln() / self.rate;
            self.schedule(self.now + Duration::from_secs_f64(gap), Event::Arrival);
        }
    }

    fn schedule(&mut self, at: Moment, event: Event) {
        self.scheduled += 1;
        self.queue.insert((at, self.scheduled), event);
    }
}

fn shape(policy: &Policy) -> Shape {
    let policy = Arc::new(policy.clone());
    let provider = |name: &str| ProviderShape { id: name.into(), credentials: 1 };
    let model = |name: &str, provider: &str| ModelShape {
        id: name.into(),
        provider: provider.into(),
        policy: Arc::clone(&policy),
        max_concurrency: 1000,
    };
    let target = |name: &str| TargetShape { model: name.into(), weight: None };
    Shape {
        providers: vec![provider("first"), provider("second")],
        models: vec![model(SUBJECT, "first"), model(FALLBACK, "second")],
        routes: vec![RouteShape {
            pattern: "*".into(),
            targets: vec![target(SUBJECT), target(FALLBACK)],
            budget: BudgetPolicy::default(),
        }],
    }
}
