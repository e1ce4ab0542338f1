//! A ledger under random histories: two providers with three models and one.

#![expect(clippy::expect_used, reason = "a rig that cannot be set up proves nothing")]

use std::{sync::Arc, time::Duration};

use proptest::{collection, option, prelude::*};
use sidestep_table::{
    BudgetPolicy, Cell, Class, Decision, Evidence, Fault, Ledger, ModelShape, ModelView, Moment, Policy,
    ProbeKind, ProviderShape, Quality, RouteShape, Shape, Source, Standing, Subject, Switch, SwitchKind,
    SwitchOrder, TargetShape, Topology,
};

pub(crate) const MODELS: [(&str, &str); 4] = [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")];

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Wait(u64),
    Claim { model: usize, source: Source, class: Class, retry_after: Option<u64> },
    Disable(usize, Option<u64>),
    Pin(usize),
    Clear(usize),
}

pub(crate) struct Rig {
    pub(crate) topology: Arc<Topology>,
    pub(crate) ledger: Ledger,
    pub(crate) now: Moment,
}

pub(crate) const PROBE: Source = Source::Probe { kind: ProbeKind::Echo, quality: Quality::Right };
pub(crate) const FAILED: Class = Class::Hard(Fault::Status);

// === impl Rig ===

impl Rig {
    pub(crate) fn new(seed: u64) -> Self {
        let topology = Arc::new(Topology::build(shape(), None).expect("the shape is sound"));
        let now = Moment::from_millis(1_000);
        Self { ledger: Ledger::new(Arc::clone(&topology), seed, now), topology, now }
    }

    pub(crate) fn after(seed: u64, history: &[Happening]) -> Self {
        let mut rig = Self::new(seed);
        for happening in history {
            rig.happen(happening);
        }
        rig
    }

    pub(crate) fn happen(&mut self, happening: &Happening) -> Vec<Decision> {
        match happening {
            Happening::Wait(millis) => self.wait(Duration::from_millis(*millis)),
            Happening::Claim { model, source, class, retry_after } => {
                let mut evidence = self.claim(*model, *source, *class);
                evidence.retry_after = retry_after.map(Duration::from_secs);
                self.ledger.observe(&evidence, self.now)
            }
            Happening::Disable(model, millis) => self.switch(*model, SwitchKind::Disable, *millis),
            Happening::Pin(model) => self.switch(*model, SwitchKind::Pin, None),
            Happening::Clear(model) => {
                let order = SwitchOrder::Clear { subject: subject(*model), actor: "test".to_owned() };
                self.ledger.switch(order, self.now).expect("a known subject")
            }
        }
    }

    /// Lets time pass, with a tick whenever one is due.
    pub(crate) fn wait(&mut self, time: Duration) -> Vec<Decision> {
        let end = self.now + time;
        let mut decisions = Vec::new();
        while let Some(due) = self.ledger.next_tick().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            decisions.extend(self.ledger.tick(self.now));
        }
        self.now = end;
        decisions.extend(self.ledger.tick(end));
        decisions
    }

    /// A claim of the model's present epoch.
    pub(crate) fn claim(&self, model: usize, source: Source, class: Class) -> Evidence {
        let (model, epoch) = (MODELS[model].0.into(), self.standing(model).epoch);
        Evidence { model, epoch, source, class, retry_after: None, credential: None }
    }

    pub(crate) fn observe(&mut self, model: usize, source: Source, class: Class) -> Vec<Decision> {
        let evidence = self.claim(model, source, class);
        self.ledger.observe(&evidence, self.now)
    }

    pub(crate) fn cell(&self, model: usize) -> &Arc<Cell> {
        &self.topology.models[model].cell
    }

    pub(crate) fn standing(&self, model: usize) -> Standing {
        self.cell(model).standing()
    }

    pub(crate) fn view(&self, model: usize) -> ModelView {
        self.ledger.view(self.now).models.swap_remove(model)
    }

    fn switch(&mut self, model: usize, kind: SwitchKind, millis: Option<u64>) -> Vec<Decision> {
        let switch = Switch {
            subject: subject(model),
            kind,
            reason: "a reason".to_owned(),
            actor: "test".to_owned(),
            until: millis.map(|millis| self.now + Duration::from_millis(millis)),
            set_at: self.now,
        };
        self.ledger.switch(SwitchOrder::Set(switch), self.now).expect("a known subject")
    }
}

/// A model, or from four on a provider.
pub(crate) fn subject(index: usize) -> Subject {
    match index {
        4 => Subject::Provider("a".into()),
        5 => Subject::Provider("b".into()),
        _ => Subject::Model(MODELS[index].0.into()),
    }
}

pub(crate) fn shape() -> Shape {
    let policy = Arc::new(Policy::default());
    let model = |(id, provider): (&str, &str)| ModelShape {
        id: id.into(),
        provider: provider.into(),
        policy: Arc::clone(&policy),
        max_concurrency: 64,
    };
    let target = |(id, _): (&str, &str)| TargetShape { model: id.into(), weight: None };
    Shape {
        providers: ["a", "b"].map(|id| ProviderShape { id: id.into(), credentials: 1 }).into(),
        models: MODELS.map(model).into(),
        routes: vec![RouteShape {
            pattern: "*".into(),
            targets: MODELS.map(target).into(),
            budget: BudgetPolicy::default(),
        }],
    }
}

pub(crate) fn sources() -> impl Strategy<Value = Source> {
    let probe = (0..3_usize, 0..8_usize).prop_map(|(kind, quality)| Source::Probe {
        kind: [ProbeKind::Echo, ProbeKind::Tool, ProbeKind::Context][kind],
        quality: [Quality::Wrong, Quality::Unproven].get(quality).copied().unwrap_or(Quality::Right),
    });
    prop_oneof![
        6 => Just(Source::Traffic),
        2 => Just(Source::Canary),
        4 => probe,
        1 => Just(Source::LastResort),
        1 => Just(Source::Peer),
    ]
}

pub(crate) fn classes() -> impl Strategy<Value = Class> {
    let fault = prop::sample::select(vec![
        Fault::Connect,
        Fault::Tls,
        Fault::Status,
        Fault::FirstTokenTimeout,
        Fault::Stall,
        Fault::Truncated,
        Fault::InBand,
    ]);
    prop_oneof![
        8 => Just(Class::Ok),
        1 => Just(Class::Slow),
        8 => fault.prop_map(Class::Hard),
        2 => Just(Class::Overload),
        1 => Just(Class::Rate),
        1 => Just(Class::Quota),
        1 => Just(Class::Auth),
        1 => Just(Class::ModelMissing),
        1 => Just(Class::Client),
        1 => Just(Class::Cancel),
        1 => Just(Class::Local),
    ]
}

pub(crate) fn claims() -> impl Strategy<Value = Happening> {
    let retry_after = option::weighted(0.2, prop_oneof![0..600_u64, Just(1_000_000_000)]);
    (0..MODELS.len(), sources(), classes(), retry_after).prop_map(|(model, source, class, retry_after)| {
        Happening::Claim { model, source, class, retry_after }
    })
}

pub(crate) fn waits() -> impl Strategy<Value = Happening> {
    prop_oneof![6 => 0..300_u64, 6 => 1_000..8_000_u64, 1 => 10_000..900_000_u64].prop_map(Happening::Wait)
}

/// Evidence and time.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Happening>> {
    // Bursts about one model, for a fair draw hardly ever opens anything.
    let burst = (claims(), 1..8_usize).prop_map(|(claim, times)| vec![claim; times]);
    let one = prop_oneof![3 => burst, 2 => waits().prop_map(|wait| vec![wait])];
    collection::vec(one, 0..60).prop_map(|parts| parts.concat())
}

/// Evidence, time and operators.
pub(crate) fn operated_histories() -> impl Strategy<Value = Vec<Happening>> {
    let operator = prop_oneof![
        (0..6_usize, option::of(1..60_000_u64)).prop_map(|(subject, time)| Happening::Disable(subject, time)),
        (0..6_usize).prop_map(Happening::Pin),
        (0..6_usize).prop_map(Happening::Clear),
    ];
    (histories(), collection::vec((any::<prop::sample::Index>(), operator), 0..12)).prop_map(
        |(mut history, operators)| {
            for (place, operator) in operators {
                history.insert(place.index(history.len() + 1), operator);
            }
            history
        },
    )
}
