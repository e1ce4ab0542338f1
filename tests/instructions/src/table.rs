//! What the table and the metrics cost a call.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use sidestep::metrics::{Finished, Metrics, Outcome};
use sidestep_dialect::Dialect;
use sidestep_table::{
    BudgetPolicy, Class, Evidence, Ledger, ModelShape, Moment, PermitKind, Policy, Priority, ProviderShape,
    RouteShape, Shape, Source, TargetShape, Topology, rank,
};

use crate::pieces::Piece;

/// Three models at three providers, and a route to them.
fn topology() -> Option<Arc<Topology>> {
    let names = ["opus", "gpt", "grok"];
    let providers = names.map(|name| ProviderShape { id: name.into(), credentials: 1 });
    let models = names.map(|name| ModelShape {
        id: name.into(),
        provider: name.into(),
        policy: Arc::new(Policy::default()),
        max_concurrency: 128,
    });
    let targets = names.map(|name| TargetShape { model: name.into(), weight: None });
    let route =
        RouteShape { pattern: "claude-*".into(), targets: targets.into(), budget: BudgetPolicy::default() };
    let shape = Shape { providers: providers.into(), models: models.into(), routes: vec![route] };
    Topology::build(shape, None).ok().map(Arc::new)
}

/// Orders the targets of a route by name.
pub(crate) fn choosing() -> Option<Piece> {
    let (topology, mut draw) = (topology()?, SmallRng::seed_from_u64(7));
    let _ledger = Ledger::new(topology.clone(), 7, Moment::from_millis(0));
    Some(Box::new(move || {
        let Some(route) = topology.route_for("claude-opus-5-5") else { return };
        drop(black_box(rank(&topology, route, &|_| true, Moment::from_millis(5), &mut draw)));
    }))
}

/// Takes a place at a model, and gives it back.
pub(crate) fn admitting() -> Option<Piece> {
    let cell = topology()?.models.first()?.cell.clone();
    Some(Box::new(move || drop(black_box(cell.admit(PermitKind::Live, Priority::Interactive)))))
}

/// Judges outcomes, 100 ms apart. Failures come one in fifty, or there would soon be nothing to judge.
pub(crate) fn judging(class: Class) -> Option<Piece> {
    let topology = topology()?;
    let permit = topology.models.first()?.cell.admit(PermitKind::Live, Priority::Interactive).ok()?;
    let (judged, well) =
        (Evidence::of(&permit, Source::Traffic, class), Evidence::of(&permit, Source::Traffic, Class::Ok));
    let mut ledger = Ledger::new(topology, 7, Moment::from_millis(0));
    let mut now = 0;
    Some(Box::new(move || {
        now += 100;
        let evidence = if now % 5_000 == 0 { &judged } else { &well };
        drop(black_box(ledger.observe(evidence, Moment::from_millis(now))));
    }))
}

/// Counts an attempt with its duration.
pub(crate) fn counting_attempts() -> Option<Piece> {
    let metrics = Metrics::new().ok()?.model("anthropic", "opus");
    Some(Box::new(move || metrics.attempt(black_box(Class::Ok), Duration::from_millis(900))))
}

/// Counts a call with its duration.
pub(crate) fn counting_calls() -> Option<Piece> {
    let metrics = Metrics::new().ok()?.route("claude-*");
    Some(Box::new(move || {
        metrics.finished(black_box(Finished {
            dialect: Some(Dialect::OpenAi),
            outcome: Outcome::Answered,
            streamed: true,
            took: Duration::from_millis(900),
        }));
    }))
}
