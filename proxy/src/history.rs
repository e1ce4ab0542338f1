//! The last fifteen minutes in steps of five seconds, for small pictures: each model's share, calls, failures and
//! first token, and what became of the calls of all routes. Sampled beside the traffic, never by it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use sidestep_table::{FULL_SHARE, FirstTokenMark, ModelId};
use tokio::time::MissedTickBehavior;

use crate::catalog::{ModelPlan, RoutePlan, SharedCatalog};
use crate::clock::Clock;
use crate::metrics::{Metrics, Outcome, RouteMetrics};

/// How long a step is.
pub const STEP: Duration = Duration::from_secs(5);
/// Steps kept: fifteen minutes.
pub const STEPS: usize = 180;

/// The steps so far. Its size is bounded by the models in force and [`STEPS`].
#[derive(Default)]
pub struct History {
    steps: Mutex<VecDeque<Arc<Step>>>,
}

/// What happened within one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its end, in seconds since 1970.
    pub at: f64,
    /// Calls of applications that ended in it.
    pub calls: Calls,
    /// The models that were in force at its end.
    #[serde(serialize_with = "by_id")]
    pub models: Vec<ModelStep>,
}

/// Calls of applications, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// Answered whole by the target that routing preferred.
    pub answered: u64,
    /// Answered whole by another one.
    pub rerouted: u64,
    /// Answered whole, though the target that began broke off.
    pub rescued: u64,
    /// Begun and not finished; the application was told.
    pub cut: u64,
    /// Nobody could answer.
    pub failed: u64,
    /// Refused without asking anyone.
    pub refused: u64,
}

/// One model within one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelStep {
    #[serde(skip)]
    id: ModelId,
    /// The part of its rightful traffic that it was given at the end, 0 to 1.
    share: f64,
    /// Attempts that the model or its provider ended.
    calls: u64,
    /// Those of them that count against its health.
    failures: u64,
    /// The median wait for a first token in milliseconds; none if no stream was answered whole.
    first_token_p50_ms: Option<u64>,
}

/// Fills a [`History`].
pub struct Sampler {
    history: Arc<History>,
    catalog: SharedCatalog,
    metrics: Arc<Metrics>,
    clock: Clock,
    attempts: Counters<ModelId, 2>,
    calls: Counters<Arc<str>, 6>,
    marks: HashMap<ModelId, FirstTokenMark>,
}

/// What counters stood at a step ago. They only grow, unless their owner left and came back, from 0.
struct Counters<K, const N: usize>(HashMap<K, [u64; N]>);

/// The history as columns: for each model as many values as there are steps, the oldest first.
#[derive(Serialize)]
struct Columns<'a> {
    step_seconds: u64,
    at: Vec<f64>,
    calls: BTreeMap<&'static str, Vec<u64>>,
    models: BTreeMap<&'a str, ModelColumns>,
}

#[derive(Default, Serialize)]
struct ModelColumns {
    share: Vec<Option<f64>>,
    calls: Vec<Option<u64>>,
    failures: Vec<Option<u64>>,
    first_token_p50_ms: Vec<Option<u64>>,
}

// === impl History ===

impl History {
    /// The latest step.
    pub fn latest(&self) -> Option<Arc<Step>> {
        self.locked(|steps| steps.back().cloned())
    }

    fn push(&self, step: Step) {
        self.locked(|steps| {
            if steps.len() == STEPS {
                steps.pop_front();
            }
            steps.push_back(Arc::new(step));
        });
    }

    fn locked<T>(&self, work: impl FnOnce(&mut VecDeque<Arc<Step>>) -> T) -> T {
        work(&mut self.steps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Copied out: nobody waits for the writing.
        let steps: Vec<_> = self.locked(|steps| steps.iter().cloned().collect());
        Columns::of(&steps).serialize(serializer)
    }
}

// === impl Columns ===

impl<'a> Columns<'a> {
    fn of(steps: &'a [Arc<Step>]) -> Self {
        let mut calls: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        let mut models: BTreeMap<&str, ModelColumns> = BTreeMap::new();
        for (place, step) in steps.iter().enumerate() {
            for (name, count) in step.calls.named() {
                calls.entry(name).or_default().push(count);
            }
            for model in &step.models {
                models.entry(&model.id).or_default().push(place, model);
            }
        }
        for columns in models.values_mut() {
            columns.fill(steps.len());
        }
        let at = steps.iter().map(|step| step.at).collect();
        Columns { step_seconds: STEP.as_secs(), at, calls, models }
    }
}

impl ModelColumns {
    fn push(&mut self, place: usize, step: &ModelStep) {
        self.fill(place);
        self.share.push(Some(step.share));
        self.calls.push(Some(step.calls));
        self.failures.push(Some(step.failures));
        self.first_token_p50_ms.push(step.first_token_p50_ms);
    }

    /// A model that was not in force for a while has nothing there.
    fn fill(&mut self, steps: usize) {
        self.share.resize(steps, None);
        self.calls.resize(steps, None);
        self.failures.resize(steps, None);
        self.first_token_p50_ms.resize(steps, None);
    }
}

// === impl Calls ===

impl Calls {
    fn of([answered, rerouted, rescued, cut, failed, refused]: [u64; 6]) -> Self {
        Self { answered, rerouted, rescued, cut, failed, refused }
    }

    fn named(self) -> [(&'static str, u64); 6] {
        let Self { answered, rerouted, rescued, cut, failed, refused } = self;
        [
            ("answered", answered),
            ("rerouted", rerouted),
            ("rescued", rescued),
            ("cut", cut),
            ("failed", failed),
            ("refused", refused),
        ]
    }
}

// === impl Sampler ===

impl Sampler {
    /// Fills `history` from what `catalog` has in force.
    pub fn new(
        history: Arc<History>,
        catalog: SharedCatalog,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Sampler {
        let (attempts, calls) = (Counters(HashMap::new()), Counters(HashMap::new()));
        let mut sampler =
            Sampler { history, catalog, metrics, clock, attempts, calls, marks: HashMap::new() };
        // What was counted before is no part of the first step.
        sampler.sample();
        sampler
    }

    /// Adds a step every [`STEP`], for ever.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(STEP);
        // After a pause of the machine one long step is told as one; it is not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let step = self.sample();
            self.history.push(step);
        }
    }

    fn sample(&mut self) -> Step {
        let catalog = self.catalog.load_full();
        let models: Vec<_> = catalog.models().iter().map(|model| self.model(model)).collect();
        let mut calls = catalog.routes().iter().map(RoutePlan::calls).collect::<Vec<_>>();
        calls.push(("".into(), ended(&self.metrics.unrouted())));
        let calls = calls.iter().map(|(pattern, now)| self.calls.since(pattern, *now));
        let calls = calls.fold([0; 6], |sum, more| std::array::from_fn(|slot| sum[slot] + more[slot]));
        let models_in_force = |id: &ModelId| catalog.topology.model(id).is_some();
        self.attempts.0.retain(|id, _| models_in_force(id));
        self.marks.retain(|id, _| models_in_force(id));
        self.calls.0.retain(|known, _| {
            known.is_empty() || catalog.routes().iter().any(|route| route.pattern == *known)
        });
        Step { at: self.clock.unix_now(), calls: Calls::of(calls), models }
    }

    fn model(&mut self, model: &ModelPlan) -> ModelStep {
        let standing = model.cell.standing();
        let share = if standing.masked { 0 } else { standing.share };
        let (calls, failures) = model.metrics.attempted();
        let [calls, failures] = self.attempts.since(&model.id, [calls, failures]);
        let history = model.cell.first_token();
        let mark = self.marks.insert(model.id.clone(), history.mark());
        let first_token = mark.and_then(|mark| history.p50_since(&mark));
        ModelStep {
            id: model.id.clone(),
            share: f64::from(share) / f64::from(FULL_SHARE),
            calls,
            failures,
            first_token_p50_ms: first_token.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl RoutePlan {
    fn calls(&self) -> (Arc<str>, [u64; 6]) {
        (self.pattern.clone(), ended(&self.metrics))
    }
}

// === impl Counters ===

impl<K: Hash + Eq + Clone, const N: usize> Counters<K, N> {
    fn since(&mut self, owner: &K, now: [u64; N]) -> [u64; N] {
        let before = self.0.insert(owner.clone(), now).unwrap_or([0; N]);
        std::array::from_fn(|slot| now[slot].checked_sub(before[slot]).unwrap_or(now[slot]))
    }
}

fn ended(route: &RouteMetrics) -> [u64; 6] {
    use Outcome::{Answered, Cut, Failed, Rerouted, Rescued};
    let [answered, rerouted, rescued, cut, failed] =
        [Answered, Rerouted, Rescued, Cut, Failed].map(|outcome| route.ended(outcome));
    [answered, rerouted, rescued, cut, failed, route.shed_so_far()]
}

fn by_id<S: Serializer>(models: &[ModelStep], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(models.len()))?;
    for model in models {
        map.serialize_entry(&*model.id, model)?;
    }
    map.end()
}

#[cfg(test)]
mod tests;
