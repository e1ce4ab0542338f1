//! What an attempt costs the route's budget.

use sidestep_table::ProviderIndex;

use crate::call::Call;
use crate::clock::Clock;

/// What one call has used up of what is free, and paid for without using it.
///
/// The first attempt is free, and so is the first move to another provider; everything else is paid for out of
/// the budget. An attempt that is not made after all, because its target has no room, costs nothing.
#[derive(Default)]
pub(super) struct Fare {
    /// The provider of the first attempt.
    home: Option<ProviderIndex>,
    moved: bool,
    /// Paid, and not yet used.
    paid: bool,
}

impl Fare {
    /// Whether `provider` may be asked: for nothing, on what was paid before, or on what `withdraw` grants.
    pub(super) fn covers(&mut self, provider: ProviderIndex, withdraw: impl FnOnce() -> bool) -> bool {
        if self.is_free(provider) {
            return true;
        }
        self.paid = self.paid || withdraw();
        self.paid
    }

    /// `provider` was asked.
    pub(super) fn used(&mut self, provider: ProviderIndex) {
        self.paid &= self.is_free(provider);
        self.moved |= self.home.is_some_and(|home| home != provider);
        self.home.get_or_insert(provider);
    }

    fn is_free(&self, provider: ProviderIndex) -> bool {
        self.home.is_none_or(|home| home != provider && !self.moved)
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
