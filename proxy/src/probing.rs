//! The prober's view of the catalog: whom it may ask, by the same road as traffic.

mod shortage;

use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::MapErr;
use http_body_util::{BodyExt, Full};
use rand::Rng;
use sidestep_dialect::Dialect;
use sidestep_probes::{
    Allowance, Blame, Cadence, Errand, Observer, Patience, Prober, Report, Settings, Signals, Target, Targets,
};
use sidestep_table::{Class, Evidence, Fault, ModelId, Moment, Quality};
use tower::Service;

use self::shortage::Shortage;
use crate::body::{Body, BoxError};
use crate::catalog::{Catalog, ModelPlan, SharedCatalog};
use crate::config::{ProbeBudget, ProbesConfig};
use crate::journal::Journal;
use crate::metrics::{Label, ProbeOutcome};
use crate::stack::Foundation;
use crate::upstream::{TransportError, Upstream};

/// The targets of the present catalog. Rebuilt when the configuration changes, not at every look.
#[derive(Clone)]
pub struct ProbeTargets {
    current: Arc<ArcSwap<Roster>>,
}

struct Roster {
    targets: Arc<[Target<Road>]>,
    settings: Settings,
    enabled: bool,
}

/// A provider as the prober reaches it, about one model.
#[derive(Clone)]
pub struct Road {
    upstream: Arc<Upstream>,
    model: ModelId,
}

/// An answer that broke off.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off: {0}")]
pub struct Interrupted(BoxError);

/// Puts probes' results where operators look.
pub struct ProbeWitness {
    /// The catalog in force.
    pub catalog: SharedCatalog,
    shortage: Shortage,
}

/// The prober of a foundation: time, road and ledger are those of traffic.
#[must_use]
pub fn prober(
    on: &Foundation,
    targets: &ProbeTargets,
    signals: Signals,
    journal: &Arc<Journal>,
) -> Prober<ProbeTargets, impl Fn() -> Moment + use<>, impl Fn(Evidence) + use<>, ProbeWitness> {
    let (clock, judge) = (on.clock, on.judge.clone());
    Prober {
        targets: targets.clone(),
        clock: move || clock.now(),
        sink: move |evidence| judge.report(evidence),
        observer: ProbeWitness { catalog: on.catalog.clone(), shortage: Shortage::new(journal, &on.metrics) },
        signals,
        seed: on.dice.throw().random(),
    }
}

impl ProbeTargets {
    /// The models of `catalog`, asked as `config` says.
    #[must_use]
    pub fn new(catalog: &Catalog, config: &ProbesConfig) -> ProbeTargets {
        ProbeTargets { current: Arc::new(ArcSwap::from_pointee(Roster::new(catalog, config))) }
    }

    /// Puts another configuration in force.
    pub fn replace(&self, catalog: &Catalog, config: &ProbesConfig) {
        self.current.store(Arc::new(Roster::new(catalog, config)));
    }
}

impl Targets for ProbeTargets {
    type Service = Road;

    fn current(&self) -> Arc<[Target<Road>]> {
        let roster = self.current.load();
        if roster.enabled { roster.targets.clone() } else { Arc::default() }
    }

    fn settings(&self) -> Settings {
        self.current.load().settings.clone()
    }
}

impl Roster {
    fn new(catalog: &Catalog, config: &ProbesConfig) -> Roster {
        let settings = Settings {
            cadence: Cadence::of(config.interval, config.suspect_interval),
            patience: Patience::within(config.timeout),
            allowance: match config.budget {
                ProbeBudget::UsdPerDay(usd) => Allowance::UsdPerDay(usd),
                ProbeBudget::TokensPerDay(tokens) => Allowance::TokensPerDay(tokens),
            },
            ..Settings::default()
        };
        let targets =
            catalog.models().iter().filter(|model| !model.upstream.lacks_key()).map(target).collect();
        Roster { targets, settings, enabled: config.enabled }
    }
}

fn target(model: &ModelPlan) -> Target<Road> {
    Target {
        model: model.id.clone(),
        provider: model.upstream.id.clone(),
        upstream: model.probed(),
        price: model.price.map(|price| sidestep_probes::Price {
            input_usd_per_million: price.input_usd_per_million,
            output_usd_per_million: price.output_usd_per_million,
        }),
        cell: model.cell.clone(),
        service: Road { upstream: model.upstream.clone(), model: model.id.clone() },
    }
}

impl Service<Request<Full<Bytes>>> for Road {
    type Response = Response<MapErr<Body, fn(BoxError) -> Interrupted>>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Self::Response, TransportError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let Road { upstream, model } = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(collected) => collected.to_bytes(),
                Err(never) => match never {},
            };
            let path = head.uri.path();
            let dialect = Dialect::from_path(path).map_or(upstream.dialects[0], |(dialect, _)| dialect);
            let signed = upstream.request(dialect, path, head.headers, body);
            let response = upstream.passage(Some(&model)).send(signed).await?;
            let interrupted: fn(BoxError) -> Interrupted = Interrupted;
            Ok(response.map(|body| body.map_err(interrupted)))
        })
    }
}

impl Blame for TransportError {
    fn class(&self) -> Class {
        if self.local { Class::Local } else { Class::Hard(self.fault) }
    }
}

impl Blame for Interrupted {
    fn class(&self) -> Class {
        Class::Hard(Fault::Truncated)
    }
}

impl Observer for ProbeWitness {
    fn probed(&self, report: &Report) {
        self.shortage.sent();
        let catalog = self.catalog.load();
        // A model that left with a reload has nowhere to put its last probe.
        let Some(model) = catalog.models().iter().find(|model| model.id == report.model) else { return };
        model.metrics.probed(report.kind, outcome(report));
        model.metrics.probe_spent(report.usd.unwrap_or(0.0), report.tokens.input + report.tokens.output);
        tracing::debug!(
            model = %report.model,
            kind = report.kind.name(),
            class = report.class.as_str(),
            duration_ms = u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
            "probe finished"
        );
    }

    fn withheld(&self, model: &ModelId, errand: Errand) {
        self.shortage.withheld();
        tracing::debug!(%model, ?errand, "the probe budget is spent; a probe was withheld");
        let catalog = self.catalog.load();
        if let Some(withheld) = catalog.models().iter().find(|known| known.id == *model) {
            withheld.metrics.probe_withheld();
        }
    }
}

fn outcome(report: &Report) -> ProbeOutcome {
    match (report.class, report.quality) {
        (Class::Rate | Class::Quota, _) => ProbeOutcome::Limited,
        (Class::Ok | Class::Slow, Quality::Right) => ProbeOutcome::Right,
        (Class::Ok | Class::Slow, Quality::Wrong) => ProbeOutcome::Wrong,
        (Class::Ok | Class::Slow, Quality::Unproven) => ProbeOutcome::Unproven,
        _ => ProbeOutcome::Failed,
    }
}
