//! Families with one set of series per route.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, Result};
use sidestep_dialect::Dialect;
use sidestep_table::Priority;

use super::detour::Detours;
use super::labels::{HedgeWinner, Outcome, RerouteReason, ShedReason};
use super::register::{Register, Slots};
use super::rescue::RescueOutcome;

/// Upper bounds in seconds for a whole call, stream included.
const REQUEST: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0];
/// Upper bounds in seconds for what rerouting cost: mostly our own work, or a whole failed attempt.
const DELAY: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// One route's metric handles, resolved once; `route="none"` stands for calls that match no route.
pub struct RouteMetrics {
    /// dialect → outcome → streamed
    requests: Slots<Slots<Slots<IntCounter>>>,
    duration: Histogram,
    rerouted: Slots<IntCounter>,
    delay: Histogram,
    /// priority → reason
    shed: Slots<Slots<IntCounter>>,
    budget_exhausted: IntCounter,
    hedges: Slots<IntCounter>,
    rescues: Slots<IntCounter>,
    sdk_retries: IntCounter,
    detours: Detours,
}

/// A finished call, as its route counts it.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// The caller's dialect; `None` for a path that belongs to none.
    pub dialect: Option<Dialect>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the answer was a stream.
    pub streamed: bool,
    /// From the call's arrival to the end of its answer.
    pub took: Duration,
}

impl RouteMetrics {
    pub(super) fn new(to: &Register<'_>) -> Result<Self> {
        Ok(Self {
            requests: requests(to)?,
            duration: to.duration(
                "sidestep_request_duration_seconds",
                "From a call's arrival to the end of its answer.",
                REQUEST,
            )?,
            rerouted: to.counters::<RerouteReason<'_>>(
                "sidestep_rerouted_total",
                "Calls answered by another target than the preferred one.",
                "reason",
            )?,
            delay: to.duration(
                "sidestep_reroute_delay_seconds",
                "From a rerouted call's arrival to the sending of the attempt that answered it.",
                DELAY,
            )?,
            shed: shed(to)?,
            hedges: to.counters::<HedgeWinner>(
                "sidestep_hedges_total",
                "Calls for which a second target was asked because the first was late.",
                "winner",
            )?,
            rescues: to.counters::<RescueOutcome>(
                "sidestep_rescues_total",
                "Streams that broke off after the application had begun to read them, by what became of the answer.",
                "outcome",
            )?,
            budget_exhausted: to.counter(
                "sidestep_retry_budget_exhausted_total",
                "Attempts not made because the route's retry budget, or its hedge budget, was spent.",
            )?,
            sdk_retries: to
                .counter("sidestep_sdk_retries_total", "Calls that an SDK marked as its own retry.")?,
            detours: Detours::default(),
        })
    }

    /// Counts one call, at the end of its answer.
    pub fn finished(&self, call: Finished) {
        let outcomes = self.requests.of(call.dialect).and_then(|outcomes| outcomes.of(call.outcome));
        if let Some(streamed) = outcomes {
            streamed.add(call.streamed, 1);
        }
        self.duration.observe(call.took.as_secs_f64());
    }

    /// Calls finished so far with this outcome.
    #[must_use]
    pub fn ended(&self, outcome: Outcome) -> u64 {
        let streamed = self.requests.children().filter_map(|outcomes| outcomes.of(outcome));
        streamed.flat_map(Slots::children).map(IntCounter::get).sum()
    }

    /// Calls refused so far before any attempt, for whatever reason.
    #[must_use]
    pub fn shed_so_far(&self) -> u64 {
        self.shed.children().flat_map(Slots::children).map(IntCounter::get).sum()
    }

    /// Counts one call that another target than the preferred one answered. `reason` is the text of
    /// `sidestep-fallback-reason`; one that the documented list lacks counts as `other`. `delay` runs from the call's
    /// arrival to the sending of the attempt that answered.
    pub fn rerouted(&self, reason: &str, delay: Duration) {
        self.rerouted.add(RerouteReason(reason), 1);
        self.delay.observe(delay.as_secs_f64());
    }

    /// Counts one refusal before any attempt; a reason that the documented list lacks counts as `other`.
    pub fn shed(&self, priority: Priority, reason: &str) {
        if let Some(reasons) = self.shed.of(priority) {
            reasons.add(ShedReason(reason), 1);
        }
    }

    /// Counts one call that its SDK marked as a retry (`x-stainless-retry-count` above 0).
    pub fn sdk_retry(&self) {
        self.sdk_retries.inc();
    }

    /// Counts a hedged call; `second_won` when the second target answered it.
    pub fn hedged(&self, second_won: bool) {
        self.hedges.add(if second_won { HedgeWinner::Second } else { HedgeWinner::First }, 1);
    }

    /// Counts an answer that broke off, by what became of it.
    pub fn broke_off(&self, outcome: RescueOutcome) {
        self.rescues.add(outcome, 1);
    }

    /// Calls that did not stay with their first choice.
    pub fn detours(&self) -> &Detours {
        &self.detours
    }

    /// Counts one attempt that the retry budget forbade.
    pub fn budget_exhausted(&self) {
        self.budget_exhausted.inc();
    }
}

fn requests(to: &Register<'_>) -> Result<Slots<Slots<Slots<IntCounter>>>> {
    let labels = &["dialect", "outcome", "streamed"];
    let family = to.counter_family("sidestep_requests_total", "Calls finished.", labels)?;
    Ok(Slots::resolve::<Option<Dialect>>(|dialect| {
        Slots::resolve::<Outcome>(|outcome| {
            Slots::resolve::<bool>(|streamed| family.with_label_values(&[dialect, outcome, streamed]))
        })
    }))
}

fn shed(to: &Register<'_>) -> Result<Slots<Slots<IntCounter>>> {
    let help = "Calls refused before any attempt.";
    let family = to.counter_family("sidestep_shed_total", help, &["priority", "reason"])?;
    Ok(Slots::resolve::<Priority>(|priority| {
        Slots::resolve::<ShedReason<'_>>(|reason| family.with_label_values(&[priority, reason]))
    }))
}
