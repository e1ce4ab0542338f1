//! Puts the judge's decisions where people look: the journal, the log, the metrics.

use std::sync::Arc;

use sidestep_table::Decision;

use crate::catalog::SharedCatalog;
use crate::journal::Journal;
use crate::judge::Publish;
use crate::metrics::Metrics;

/// What the judge calls after each step that decided something.
#[must_use]
pub fn announcer(catalog: SharedCatalog, journal: Arc<Journal>, metrics: Arc<Metrics>) -> Publish {
    Box::new(move |decisions: &[Decision]| {
        for decision in decisions {
            journal.decided(decision);
            metrics.decided(decision, &catalog.load().topology);
            tracing::info!(
                subject = %decision.subject,
                from = decision.from.as_str(),
                to = decision.to.as_str(),
                share_permille = decision.share,
                actor = decision.actor.as_deref().unwrap_or("-"),
                why = decision.why,
                "decision"
            );
        }
    })
}
