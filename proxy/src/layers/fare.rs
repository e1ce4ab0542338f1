//! What an attempt costs the route's budget.

use sidestep_table::ProviderIndex;

use crate::call::Call;
use crate::clock::Clock;

/// What one call has paid for and not used: an attempt that is not made after all, because its target has no room,
/// costs nothing.
#[derive(Default)]
pub(super) struct Fare {
    paid: bool,
}

impl Fare {
    /// Whether an attempt that is not free may be made: on what was paid before, or on what `withdraw` grants.
    pub(super) fn paid_for(&mut self, withdraw: impl FnOnce() -> bool) -> bool {
        self.paid = self.paid || withdraw();
        self.paid
    }

    /// An attempt that is not free was made.
    pub(super) fn use_up(&mut self) {
        self.paid = false;
    }
}

/// The first attempt is free, and so is the first move to another provider, whoever makes it; everything else is paid
/// for out of the budget. For the rest of an answer, one attempt was paid for when it was decided to ask.
pub(super) fn is_free(call: &Call, provider: ProviderIndex) -> bool {
    let topology = &call.catalog.topology;
    let asked = call.story.asked_whom();
    if call.rest.is_some() {
        return asked.is_empty();
    }
    let mut asked = asked.iter().filter_map(|id| Some(topology[topology.model(id)?].provider));
    asked.next().is_none_or(|home| home != provider && asked.all(|next| next == home))
}

/// Every request of the application earns its route a part of a further attempt.
pub(super) fn earn(call: &Call, clock: &Clock) {
    if call.rest.is_some() {
        return;
    }
    let now = clock.now();
    call.budget().deposit(now);
    if let Some(hedges) = &call.route_plan().hedges {
        hedges.deposit(now);
    }
}

/// Pays for one attempt out of the budget of the call's route.
pub(super) fn withdraw(call: &Call, clock: &Clock) -> bool {
    let granted = call.budget().try_withdraw(clock.now());
    if !granted {
        call.route_plan().metrics.budget_exhausted();
    }
    granted
}
