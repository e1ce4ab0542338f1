//! Sidestep without its listeners: what decides, what probes, what answers. A program that brings connections of
//! its own (a test in memory, say) starts here.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rand::Rng;
use sidestep_probes::Signals;

use crate::announce::announcer;
use crate::catalog::{Catalog, CatalogError, SharedCatalog};
use crate::clock::Clock;
use crate::config::Config;
use crate::dice::Dice;
use crate::faults::Faults;
use crate::incidents::{Incidents, Sources};
use crate::journal::Journal;
use crate::judge::Judge;
use crate::logging::tell_left_out;
use crate::metrics::{Metrics, MetricsError};
use crate::notify::Notifier;
use crate::probing::{ProbeTargets, prober};
use crate::stack::Foundation;
use crate::tasks::Tasks;
use crate::telemetry::{Telemetry, TelemetryError};
use crate::upstream::Carrier;

/// What everything else is built around. Clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    /// What the stack stands on.
    pub foundation: Foundation,
    /// What was decided, and why.
    pub journal: Arc<Journal>,
    /// What went wrong lately, and what became of it.
    pub incidents: Arc<Incidents>,
    /// The rehearsals in force.
    pub faults: Arc<Faults>,
    /// Starts tasks, and ends them.
    pub tasks: Tasks,
    notifier: Notifier,
    probes: ProbeTargets,
    signals: Signals,
    carrier: Carrier,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The metrics contradict themselves.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The configuration cannot be put in force.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Traces cannot be sent.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
}

impl Engine {
    /// Makes `config` ready and starts the judge. `carrier` carries requests to providers, now and after every
    /// reload: [`dial`](crate::upstream::dial) for real ones. All
    /// draws come from `dice`.
    ///
    /// # Errors
    /// When a provider is unusable.
    pub fn start(config: &Config, carrier: Carrier, dice: Dice) -> Result<Engine, EngineError> {
        let (clock, metrics) = (Clock::start(), Metrics::new()?);
        let (tasks, journal) = (Tasks::new(metrics.clone()), Arc::new(Journal::new(clock)));
        let signals = Signals::default();
        let noted = (journal.clone(), metrics.clone());
        let faults = Arc::new(Faults::new(config.faults, clock, dice.clone(), noted));
        let built = Catalog::build(config, &metrics, None, (&carrier, &faults))?;
        let catalog: SharedCatalog = Arc::new(ArcSwap::from_pointee(built));
        let publish = announcer(catalog.clone(), journal.clone(), metrics.clone());
        let topology = catalog.load().topology.clone();
        let (judge, handle) = Judge::new(topology, clock, signals.clone(), publish, dice.throw().random());
        tasks.spawn("judge", judge.run(tasks.stopping()));
        let shape = catalog.clone();
        tasks.spawn_until_stop("rehearsals", faults.clone().attend(move || shape.load().topology.clone()));
        tasks.spawn("log", tell_left_out(catalog.clone(), tasks.stopping()));
        let probes = ProbeTargets::new(&catalog.load(), &config.probes);
        let telemetry = Telemetry::start(config.telemetry.as_ref(), &tasks, &metrics)?;
        let foundation = Foundation { catalog, clock, judge: handle, metrics, dice, telemetry };
        let sources = Sources { on: foundation.clone(), journal: journal.clone(), faults: faults.clone() };
        let incidents = Incidents::open(config.state.as_deref(), sources, &tasks);
        let notifier = Notifier::start(&config.notify, &foundation, (&incidents, &journal), &tasks);
        Ok(Engine { foundation, journal, incidents, faults, tasks, notifier, probes, signals, carrier })
    }

    /// Starts to probe, as the configuration in force says.
    pub fn probe(&self) {
        let prober = prober(&self.foundation, &self.probes, self.signals.clone(), &self.journal);
        self.tasks.spawn("probes", prober.run(self.tasks.stopping().cancelled_owned()));
    }

    /// Puts another configuration in force, and returns its generation. Calls under way keep what they began
    /// with. The judge writes to the new cells before any call reads them.
    ///
    /// # Errors
    /// When a provider is unusable; then the old configuration stays.
    pub async fn replace(&self, config: &Config) -> Result<u64, CatalogError> {
        let Foundation { catalog, judge, metrics, .. } = &self.foundation;
        let next = Catalog::build(config, metrics, Some(&catalog.load()), (&self.carrier, &self.faults))?;
        judge.replace(next.topology.clone()).await;
        self.probes.replace(&next, &config.probes);
        let topology = next.topology.clone();
        catalog.store(Arc::new(next));
        self.faults.govern(config.faults, &topology);
        metrics.retire_missing(&topology);
        self.notifier.replace(&config.notify);
        Ok(topology.generation)
    }

    /// Ends every task, waiting for them at most `limit`. Returns how many are still running then.
    pub async fn stop(self, limit: Duration) -> usize {
        self.tasks.finish(limit).await
    }
}
