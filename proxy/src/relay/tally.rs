//! What becomes of an answer that broke off: counted and logged once, whatever way it ends.

use std::sync::Arc;

use sidestep_table::{ModelId, ModelIndex};

use super::joined::Loss;
use super::lifeline::Adrift;
use crate::call::Call;
use crate::metrics::{CutCause, RescueOutcome};

/// The account of one answer that broke off. Dropping it before it is closed means that the caller left.
pub(super) struct Tally {
    call: Arc<Call>,
    from: ModelId,
    cause: CutCause,
    by: Option<ModelId>,
    closed: bool,
}

impl Tally {
    /// The answer of `call` by `from` broke off.
    pub(super) fn open(call: &Arc<Call>, from: ModelIndex, cause: CutCause) -> Tally {
        let from = call.catalog.model(from).id.clone();
        Tally { call: call.clone(), from, cause, by: None, closed: false }
    }

    /// Nobody tells the rest.
    pub(super) fn adrift(&mut self, adrift: Adrift) {
        match adrift {
            Adrift::Unfit(unfit) => self.close(RescueOutcome(unfit.as_str()), &unfit),
            Adrift::Rejected => {
                self.close(RescueOutcome::REJECTED, &"the provider found fault with the request")
            }
            Adrift::Uncontinuable => {
                self.close(RescueOutcome::UNCONTINUABLE, &"there is nothing left to ask for");
            }
            Adrift::Nobody => self.close(RescueOutcome::NOBODY, &"no other target may be asked now"),
            Adrift::Budget => self.close(RescueOutcome::BUDGET, &"the route's budget is spent"),
            Adrift::Failed => self.close(RescueOutcome::FAILED, &"those who were asked did not begin"),
        }
    }

    /// Another model begins to tell the rest.
    pub(super) fn taken_over(&mut self, by: &ModelId) {
        self.by = Some(by.clone());
    }

    /// The rest was told.
    pub(super) fn rescued(&mut self) {
        self.close(RescueOutcome::RESCUED, &"-");
    }

    /// The rest could not be told to its end.
    pub(super) fn lost(&mut self, loss: &Loss) {
        match loss {
            Loss::Seam(fault) => self.close(RescueOutcome::SEAM, fault),
            Loss::Endless => self.close(RescueOutcome::SEAM, &"the continuation does not end"),
            Loss::Broken => self.close(RescueOutcome::BROKEN, &"the continuation broke off as well"),
        }
    }

    fn close(&mut self, outcome: RescueOutcome, why: &dyn std::fmt::Display) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.call.route_plan().metrics.broke_off(outcome);
        self.call.story.broke_off(self.cause.as_str(), outcome.0);
        tracing::debug!(
            request_id = %self.call.id,
            from = %self.from,
            cause = self.cause.as_str(),
            by = self.by.as_deref().unwrap_or("-"),
            outcome = outcome.0,
            why = %why,
            "an answer broke off"
        );
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.close(RescueOutcome::LEFT, &"the application left");
    }
}
