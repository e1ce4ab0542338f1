//! A provider's own verdict: when most of it fails, all of it is masked at once.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    cell::MAX_CREDENTIALS,
    identity::ProviderId,
    standing::{Standing, Verdict},
};

/// One provider's live facts; the ledger is the single writer.
#[derive(Debug)]
#[repr(align(128))]
pub struct ProviderCell {
    standing: AtomicU64,
    refused_credentials: AtomicU64,
    provider: ProviderId,
}

// === impl ProviderCell ===

impl ProviderCell {
    pub(crate) fn new(provider: ProviderId) -> Self {
        Self {
            standing: AtomicU64::new(Standing::NEW.pack()),
            refused_credentials: AtomicU64::new(0),
            provider,
        }
    }

    /// Whose cell this is.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// Healthy; degraded: several of its models fail, so all are watched closely; open: all its models are
    /// masked; disabled by a switch.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Standing::unpack(self.standing.load(Ordering::Acquire)).verdict
    }

    /// Whether the provider refuses this credential; use another one while there is one.
    #[must_use]
    pub fn is_credential_refused(&self, credential: u32) -> bool {
        let refused = self.refused_credentials.load(Ordering::Acquire);
        (credential as usize) < MAX_CREDENTIALS && refused & (1 << credential) != 0
    }
}
