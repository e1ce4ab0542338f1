//! Families with one set of series per upstream model.

use std::time::Duration;

use prometheus::{Counter, Gauge, Histogram, IntCounter, IntGauge, Result};
use sidestep_table::{Cell, Class, FULL_SHARE, Fault, ProbeKind, Verdict};

use super::labels::{CutCause, Label, ProbeOutcome, TokenKind};
use super::register::{Register, Slots};
use super::toll::Toll;
use crate::faults::Disturbance;

/// Upper bounds in seconds for the wait for a first token.
const FIRST_TOKEN: &[f64] = &[0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 25.0, 50.0, 100.0];
/// Upper bounds in seconds for a whole attempt, stream included.
const ATTEMPT: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0];

/// One model's metric handles, resolved once. They keep working after their model left the
/// configuration, but are scraped no more.
pub struct ModelMetrics {
    attempts: Slots<IntCounter>,
    attempt_duration: Histogram,
    first_token: Histogram,
    retries: IntCounter,
    tokens: Slots<IntCounter>,
    cut: Slots<IntCounter>,
    left_out: IntCounter,
    probes: ProbeMetrics,
    opened: IntCounter,
    verdict: Slots<IntGauge>,
    share: Gauge,
    score: Gauge,
    in_flight: IntGauge,
    limit: IntGauge,
    toll: Toll,
}

/// What a scrape copies out of a model's cell.
#[derive(Clone, Copy, Debug)]
pub struct ModelReading {
    /// The model's own verdict.
    pub verdict: Verdict,
    /// Share of its rightful traffic, 0 to 1; 0 when its provider is open.
    pub share: f64,
    /// The failure score; its scale is the health model's.
    pub score: f64,
    /// Attempts that hold a permit now.
    pub in_flight: u32,
    /// Attempts that may hold a permit at once.
    pub limit: u32,
}

/// One provider's metric handles.
pub struct ProviderMetrics {
    verdict: Slots<IntGauge>,
    opened: IntCounter,
    rehearsals: Slots<IntGauge>,
    injected: Slots<IntCounter>,
}

/// What a model's probes found and cost.
struct ProbeMetrics {
    outcomes: Slots<Slots<IntCounter>>,
    withheld: IntCounter,
    usd: Counter,
    tokens: IntCounter,
}

impl ProbeMetrics {
    fn new(to: &Register<'_>) -> Result<Self> {
        let outcomes =
            to.counter_family("sidestep_probes_total", "Probes finished.", &["kind", "outcome"])?;
        Ok(Self {
            outcomes: Slots::resolve::<ProbeKind>(|kind| {
                Slots::resolve::<ProbeOutcome>(|outcome| outcomes.with_label_values(&[kind, outcome]))
            }),
            withheld: to.counter(
                "sidestep_probes_withheld_total",
                "Probes that were due and not sent because the probe budget was spent.",
            )?,
            usd: to.amount("sidestep_probe_spend_usd_total", "Cost of probes in US dollars.")?,
            tokens: to.counter("sidestep_probe_tokens_total", "Tokens spent on probes.")?,
        })
    }
}

impl ModelMetrics {
    pub(super) fn new(to: &Register<'_>) -> Result<Self> {
        Ok(Self {
            attempts: to.counters::<Class>("sidestep_attempts_total", "Attempts finished.", "class")?,
            attempt_duration: to.duration(
                "sidestep_attempt_duration_seconds",
                "From sending an attempt to its end.",
                ATTEMPT,
            )?,
            first_token: to.duration(
                "sidestep_first_token_seconds",
                "From sending an attempt to its first meaningful event.",
                FIRST_TOKEN,
            )?,
            retries: to.counter("sidestep_retries_total", "Attempts repeated at the same model.")?,
            tokens: to.counters::<TokenKind>(
                "sidestep_tokens_total",
                "Tokens as the vendor counts, as far as it does.",
                "kind",
            )?,
            cut: to.counters::<CutCause>(
                "sidestep_streams_cut_total",
                "Streams that broke off after the application had begun to read them, continued or not.",
                "cause",
            )?,
            left_out: to.counter(
                "sidestep_events_left_out_total",
                "Malformed events left out of streams that lack nothing without them.",
            )?,
            probes: ProbeMetrics::new(to)?,
            opened: to.counter("sidestep_opened_total", "Times the model's breaker opened.")?,
            verdict: to.gauges::<Verdict>(
                "sidestep_model_verdict",
                "1 for the verdict in force.",
                "verdict",
            )?,
            share: to.ratio("sidestep_traffic_share_ratio", "Share of its rightful traffic, 0 to 1.")?,
            score: to.ratio("sidestep_score", "Failure score; 0 is flawless.")?,
            in_flight: to.gauge("sidestep_in_flight", "Attempts that hold a permit.")?,
            limit: to.gauge("sidestep_concurrency_limit", "Attempts that may hold a permit at once.")?,
            toll: Toll::default(),
        })
    }

    /// Counts one finished attempt. `took` runs from sending it to its end or its failure.
    pub fn attempt(&self, class: Class, took: Duration) {
        self.attempts.add(class, 1);
        if let Class::Hard(fault) = class {
            self.toll.fault(fault);
        }
        self.attempt_duration.observe(took.as_secs_f64());
    }

    /// Attempts finished so far, and how many of them weigh as failures.
    #[must_use]
    pub fn attempted(&self) -> (u64, u64) {
        let ended = |class: Class| self.attempts.of(class).map_or(0, IntCounter::get);
        let failures = ended(Class::Hard(Fault::Status)) + ended(Class::Overload);
        // What the application or this host ended says nothing of the model.
        let (refused, answered) = ([Class::Rate, Class::Quota, Class::Auth], [Class::Ok, Class::Slow]);
        let others = refused.into_iter().chain(answered).chain([Class::ModelMissing, Class::Client]);
        (others.map(ended).sum::<u64>() + failures, failures)
    }

    /// Records the wait from sending an attempt to its first meaningful event.
    pub fn first_token(&self, waited: Duration) {
        self.first_token.observe(waited.as_secs_f64());
    }

    /// Counts one more attempt at this model for the same call.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// Counts malformed events that were left out of a stream.
    pub fn left_out(&self, events: u64) {
        self.left_out.inc_by(events);
    }

    /// Counts tokens that the vendor reported.
    pub fn tokens(&self, kind: TokenKind, amount: u64) {
        self.tokens.add(kind, amount);
    }

    /// Counts one stream that ended early after the application had begun to read it.
    pub fn cut(&self, cause: CutCause) {
        self.cut.add(cause, 1);
    }

    /// Counts one finished probe.
    pub fn probed(&self, kind: ProbeKind, outcome: ProbeOutcome) {
        if let Some(outcomes) = self.probes.outcomes.of(kind) {
            outcomes.add(outcome, 1);
        }
    }

    /// Counts one probe that was due and not sent, because the probe budget was spent.
    pub fn probe_withheld(&self) {
        self.probes.withheld.inc();
    }

    /// Adds what one probe cost; an amount that is no positive number is ignored.
    pub fn probe_spent(&self, usd: f64, tokens: u64) {
        if usd > 0.0 && usd.is_finite() {
            self.probes.usd.inc_by(usd);
        }
        self.probes.tokens.inc_by(tokens);
    }

    /// What its probes have cost so far: US dollars and tokens.
    pub fn probe_spend(&self) -> (f64, u64) {
        (self.probes.usd.get(), self.probes.tokens.get())
    }

    /// What its troubles did to calls.
    pub fn toll(&self) -> &Toll {
        &self.toll
    }

    /// Attempts that ended so far, in the order of the classes' names.
    pub fn attempts(&self) -> [u64; Class::NAMES.len()] {
        std::array::from_fn(|slot| self.attempts.at(slot).map_or(0, IntCounter::get))
    }

    /// Probes that ended so far, in the order of the outcomes' names.
    pub fn probes(&self) -> [u64; ProbeOutcome::NAMES.len()] {
        let kinds = || self.probes.outcomes.named::<ProbeKind>();
        let count = |slot| kinds().filter_map(|(_, outcomes)| outcomes.at(slot)).map(IntCounter::get).sum();
        std::array::from_fn(count)
    }

    /// Counts one opening of this model's breaker.
    pub fn opened(&self) {
        self.opened.inc();
    }

    /// Publishes the model's state as of now.
    pub fn read(&self, reading: ModelReading) {
        self.verdict.one_hot(reading.verdict);
        self.share.set(reading.share);
        self.score.set(reading.score);
        self.in_flight.set(i64::from(reading.in_flight));
        self.limit.set(i64::from(reading.limit));
    }
}

impl ModelReading {
    /// What a cell says now.
    pub fn of(cell: &Cell) -> Self {
        let standing = cell.standing();
        let share = if standing.masked { 0 } else { standing.share };
        Self {
            verdict: standing.verdict,
            share: f64::from(share) / f64::from(FULL_SHARE),
            score: cell.score(),
            in_flight: cell.in_flight(),
            limit: cell.limit(),
        }
    }
}

impl ProviderMetrics {
    pub(super) fn new(to: &Register<'_>) -> Result<Self> {
        Ok(Self {
            verdict: to.gauges::<Verdict>(
                "sidestep_provider_verdict",
                "1 for the verdict in force.",
                "verdict",
            )?,
            opened: to
                .counter("sidestep_provider_opened_total", "Times the provider was masked as a whole.")?,
            rehearsals: to.gauges::<Disturbance>(
                "sidestep_faults_active",
                "Rehearsed faults in force.",
                "kind",
            )?,
            injected: to.counters::<Disturbance>(
                "sidestep_faults_injected_total",
                "Attempts that a rehearsed fault has hit.",
                "kind",
            )?,
        })
    }

    /// Counts one opening of the whole provider.
    pub fn opened(&self) {
        self.opened.inc();
    }

    /// Counts a rehearsal that has begun, or one less.
    pub fn rehearsing(&self, disturbance: Disturbance, change: i64) {
        if let Some(gauge) = self.rehearsals.of(disturbance) {
            gauge.add(change);
        }
    }

    /// Counts one attempt that a rehearsal has hit.
    pub fn injected(&self, disturbance: Disturbance) {
        self.injected.add(disturbance, 1);
    }

    /// Publishes the provider's verdict as of now.
    pub fn read(&self, verdict: Verdict) {
        self.verdict.one_hot(verdict);
    }
}
