//! Whose trouble a call was: which model would have answered it, had it been well.

use sidestep_table::{ModelIndex, RouteIndex};

use crate::catalog::{Catalog, ModelPlan};
use crate::metrics::Outcome;
use crate::story::Chapters;
use crate::surplus::Surplus;

/// Reasons that say nothing against the model that did not answer: it was not asked for what it cannot do, or has no key.
const EXCUSES: [&str; 3] = ["capability", "context_length", "no_key"];

/// Counts a call that ended as `outcome` with the model that would have answered it and with its route. Each call is
/// counted at one model, so no two incidents share it. One that went well, or wrong by its own fault, is not counted.
pub(super) fn blame(catalog: &Catalog, route: RouteIndex, chapters: &Chapters, outcome: Outcome) {
    let Some(blamed) = blamed(catalog, route, chapters, outcome) else { return };
    let plan = |id: &str| catalog.topology.model(id);
    let by = chapters.rescued_by.as_ref().filter(|_| outcome == Outcome::Rescued);
    let by = by.or(chapters.served_by.as_ref().filter(|_| outcome == Outcome::Rerouted));
    let by = by.and_then(|by| plan(by));
    let mut surplus = chapters.surplus;
    if let (Outcome::Rerouted, Some(by)) = (outcome, by) {
        let price = |model: &ModelPlan| model.price;
        let (by, first) = (price(catalog.model(by)), price(catalog.model(blamed)));
        surplus = surplus.plus(Surplus::elsewhere(&chapters.usage, by, first));
    }
    catalog.model(blamed).metrics.toll().take(outcome, surplus);
    let generation = catalog.topology.generation;
    catalog.route(route).metrics.detours().take(outcome, blamed, by, generation);
}

fn blamed(catalog: &Catalog, route: RouteIndex, chapters: &Chapters, outcome: Outcome) -> Option<ModelIndex> {
    let model = |id: &str| catalog.topology.model(id);
    match outcome {
        Outcome::Answered | Outcome::Rejected | Outcome::Cancelled => None,
        // It began, and did not end.
        Outcome::Rescued | Outcome::Cut => chapters.served_by.as_ref().and_then(|id| model(id)),
        Outcome::Rerouted | Outcome::Refused | Outcome::Failed => {
            // What a refusal is for is the last word; before it stands why the first choice did not answer.
            let why = chapters.refusal.filter(|_| outcome == Outcome::Refused).or(chapters.fallback);
            if why.is_some_and(|reason| EXCUSES.contains(&reason)) {
                return None;
            }
            let targets = &catalog.topology.routes[route.get()].targets;
            let first = targets.first()?;
            let asked = chapters.attempts.first().and_then(|id| model(id));
            match first.weight {
                None => Some(first.model),
                // Weighted routes have no first choice but whom the draw put first.
                Some(_) => asked.or_else(|| {
                    let standing = |model: ModelIndex| catalog.model(model).cell.standing();
                    let ill = targets.iter().find(|target| !standing(target.model).is_eligible());
                    Some(ill.unwrap_or(first).model)
                }),
            }
        }
    }
}
