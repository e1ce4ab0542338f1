//! Puts the judge's decisions where people look: the journal, the log, the metrics.

use std::sync::Arc;

use sidestep_table::{Decision, Ledger, Subject, Verdict};

use crate::catalog::SharedCatalog;
use crate::journal::Journal;
use crate::judge::Publish;
use crate::metrics::Metrics;

/// What the judge calls after each step that decided something.
#[must_use]
pub fn announcer(catalog: SharedCatalog, journal: Arc<Journal>, metrics: Arc<Metrics>) -> Publish {
    Box::new(move |decisions: &[Decision], _: &Ledger| {
        for decision in decisions {
            journal.decided(decision);
            tracing::info!(
                subject = %decision.subject,
                from = decision.from.as_str(),
                to = decision.to.as_str(),
                share_permille = decision.share,
                actor = decision.actor.as_deref().unwrap_or("-"),
                why = decision.why,
                "decision"
            );
            if decision.to == Verdict::Open && decision.from != Verdict::Open {
                opened(&catalog, &metrics, decision);
            }
        }
    })
}

fn opened(catalog: &SharedCatalog, metrics: &Metrics, decision: &Decision) {
    match &decision.subject {
        Subject::Provider(id) => metrics.provider(id).opened(),
        Subject::Model(id) => {
            let catalog = catalog.load();
            if let Some(model) = catalog.models().iter().find(|model| model.id == *id) {
                model.metrics.opened();
            }
        }
    }
}
