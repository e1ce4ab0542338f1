//! The loop: looks at the targets, asks whoever is due, and hands on what was heard.

mod flight;
mod habit;
mod round;
mod target;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use sidestep_table::{Class, Evidence, ModelId, Moment, ProbeKind, Quality};
use tower::Service;

pub use target::{Target, Targets};

use crate::budget::{Allowance, Errand, Tokens};
use crate::conversion::Blame;
use crate::schedule::Cadence;
use crate::send::Patience;
use crate::signals::Signals;

/// How a prober behaves. Read anew before each look at the targets, so that a reload takes effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How often models are asked.
    pub cadence: Cadence,
    /// How long an answer may take.
    pub patience: Patience,
    /// What all probes together may cost.
    pub allowance: Allowance,
    /// Most probes in flight at once, over all models; at least one.
    pub concurrency: usize,
}

/// What became of one probe, for metrics. Holds no content.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Who was asked.
    pub model: ModelId,
    /// What kind of question.
    pub kind: ProbeKind,
    /// What the answer says of the model.
    pub class: Class,
    /// Whether the answer was right.
    pub quality: Quality,
    /// From the request to the end of the answer.
    pub duration: Duration,
    /// From the request to the first token, if one came.
    pub first_token: Option<Duration>,
    /// What the vendor counted; after an answer that broke off, what it may have counted at most.
    pub tokens: Tokens,
    /// What that costs in US dollars; `None` for a model without a price.
    pub usd: Option<f64>,
}

/// Hears of every probe, sent or withheld.
pub trait Observer {
    /// A probe ended.
    fn probed(&self, report: &Report);
    /// A probe was due but the budget did not allow it.
    fn withheld(&self, model: &ModelId, errand: Errand);
}

/// Asks every model a question that it can check, for as long as it runs.
pub struct Prober<T, C, K, O> {
    /// Whom to ask; read again at every look, so that a reload is seen.
    pub targets: T,
    /// The clock of the table: what `held_until` and `limited_until` are measured by. Reads tokio's time.
    pub clock: C,
    /// Takes the evidence.
    pub sink: K,
    /// Hears of every probe.
    pub observer: O,
    /// What traffic tells.
    pub signals: Signals,
    /// For nonces, jitter and kinds.
    pub seed: u64,
}

// === impl Observer ===

impl Observer for () {
    fn probed(&self, _: &Report) {}
    fn withheld(&self, _: &ModelId, _: Errand) {}
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self {
            cadence: Cadence::default(),
            patience: Patience::default(),
            allowance: Allowance::TokensPerDay(500_000),
            concurrency: 8,
        }
    }
}

// === impl Prober ===

impl<T, C, K, O, B> Prober<T, C, K, O>
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
    /// Runs until `shutdown` ends. Probes in flight are then abandoned: nobody waits for their answers.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let rounds = round::Round::new(&self).run();
        tokio::select! {
            biased;
            () = shutdown => {}
            () = rounds => {}
        }
    }
}

#[cfg(test)]
mod tests;
