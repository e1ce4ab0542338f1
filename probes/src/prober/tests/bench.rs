//! Everything around a prober, in memory.

use std::future::pending;
use std::sync::{Arc, Mutex};

use sidestep_dialect::{Capabilities, Dialect, Flavor};
use sidestep_table::{
    Ledger, ModelEntry, ModelShape, Policy, ProviderId, ProviderShape, Shape, Source, Topology, Verdict,
};
use tokio::time::{Instant, timeout};

use super::upstream::Upstream;
use crate::prober::*;

/// A process in small: targets that can be exchanged, and everything that the prober said.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) origin: Instant,
    pub(super) signals: Signals,
    desk: Arc<Mutex<Desk>>,
}

pub(super) struct Desk {
    pub(super) targets: Arc<[Target<Upstream>]>,
    pub(super) settings: Settings,
    pub(super) evidence: Vec<(Instant, Evidence)>,
    pub(super) reports: Vec<Report>,
    pub(super) withheld: usize,
}

impl Bench {
    pub(super) fn new(targets: Vec<Target<Upstream>>) -> Self {
        let settings = Settings { allowance: Allowance::TokensPerDay(100_000_000), ..Settings::default() };
        let desk = Desk { targets: targets.into(), settings, evidence: vec![], reports: vec![], withheld: 0 };
        Self { origin: Instant::now(), signals: Signals::default(), desk: Arc::new(Mutex::new(desk)) }
    }

    pub(super) fn now(&self) -> Moment {
        Moment::from_millis(u64::try_from(self.origin.elapsed().as_millis()).unwrap())
    }

    pub(super) fn desk<R>(&self, read: impl FnOnce(&mut Desk) -> R) -> R {
        read(&mut self.desk.lock().unwrap())
    }

    pub(super) fn prober(
        &self,
    ) -> Prober<Self, impl Fn() -> Moment + use<>, impl Fn(Evidence) + use<>, Self> {
        let (clock, sink) = (self.clone(), self.clone());
        Prober {
            targets: self.clone(),
            clock: move || clock.now(),
            sink: move |evidence| sink.desk(|desk| desk.evidence.push((Instant::now(), evidence))),
            observer: self.clone(),
            signals: self.signals.clone(),
            seed: 42,
        }
    }

    /// Lets the prober work for `long` while `meanwhile` happens.
    pub(super) async fn run(&self, long: Duration, meanwhile: impl Future<Output = ()>) {
        let both = async { tokio::join!(self.prober().run(pending()), meanwhile) };
        assert!(timeout(long, both).await.is_err(), "the prober ended by itself");
    }

    /// All claims so far, without their time.
    pub(super) fn claims(&self) -> Vec<(Class, Quality)> {
        let quality = |source| match source {
            Source::Probe { quality, .. } => quality,
            other => panic!("{other:?}"),
        };
        self.desk(|desk| desk.evidence.iter().map(|(_, e)| (e.class, quality(e.source))).collect())
    }
}

impl Targets for Bench {
    type Service = Upstream;

    fn current(&self) -> Arc<[Target<Upstream>]> {
        self.desk(|desk| Arc::clone(&desk.targets))
    }

    fn settings(&self) -> Settings {
        self.desk(|desk| desk.settings.clone())
    }
}

impl Observer for Bench {
    fn probed(&self, report: &Report) {
        self.desk(|desk| desk.reports.push(report.clone()));
    }

    fn withheld(&self, _: &ModelId, _: Errand) {
        self.desk(|desk| desk.withheld += 1);
    }
}

/// One target per name, all at one provider, all behind `upstream`.
pub(super) fn targets(names: &[&str], dialect: Dialect, upstream: &Upstream) -> Vec<Target<Upstream>> {
    seats(&topology(names), dialect, upstream)
}

fn topology(names: &[&str]) -> Topology {
    let provider = ProviderId::from("p");
    let policy = Arc::new(Policy::default());
    let model = |name: &&str| ModelShape {
        id: ModelId::from(*name),
        provider: provider.clone(),
        policy: Arc::clone(&policy),
        max_concurrency: 8,
    };
    let providers = vec![ProviderShape { id: provider.clone(), credentials: 1 }];
    let shape = Shape { providers, models: names.iter().map(model).collect(), routes: vec![] };
    Topology::build(shape, None).unwrap()
}

fn seats(topology: &Topology, dialect: Dialect, upstream: &Upstream) -> Vec<Target<Upstream>> {
    let flavor = if dialect == Dialect::Anthropic { Flavor::Anthropic } else { Flavor::OpenAi };
    let target = |entry: &ModelEntry| Target {
        model: entry.id.clone(),
        provider: ProviderId::from("p"),
        upstream: sidestep_dialect::Target {
            dialect,
            flavor,
            model: entry.id.to_string(),
            capabilities: Capabilities::preset(flavor, &entry.id),
        },
        price: None,
        cell: Arc::clone(&entry.cell),
        service: upstream.clone(),
    };
    topology.models.iter().map(target).collect()
}

/// A bench with a judge: what the prober claims moves the table, and the table moves the prober.
pub(super) struct Court {
    pub(super) bench: Bench,
    ledger: Mutex<Ledger>,
}

impl Court {
    pub(super) fn new(name: &str, upstream: &Upstream) -> Self {
        let topology = Arc::new(topology(&[name]));
        let bench = Bench::new(seats(&topology, Dialect::OpenAi, upstream));
        let ledger = Mutex::new(Ledger::new(topology, 7, bench.now()));
        Self { bench, ledger }
    }

    /// Judges what has come in, ten times a second, until the model stands as `wanted`; gives up after `long`.
    pub(super) async fn until(&self, wanted: Verdict, long: Duration) {
        let start = Instant::now();
        while self.verdict() != wanted {
            assert!(start.elapsed() < long, "{} for {long:?}, not {wanted}", self.verdict());
            tokio::time::sleep(Duration::from_millis(100)).await;
            let fresh = self.bench.desk(|desk| std::mem::take(&mut desk.evidence));
            let mut ledger = self.ledger.lock().unwrap();
            for (_, evidence) in &fresh {
                ledger.observe(evidence, self.bench.now());
            }
            ledger.tick(self.bench.now());
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.bench.desk(|desk| desk.targets[0].cell.standing().verdict)
    }
}
