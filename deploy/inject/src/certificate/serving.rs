//! What is served just now.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::identity::Identity;

/// The identity in force: each new connection gets it, no connection is cut for a change.
#[derive(Default)]
pub struct Serving {
    identity: ArcSwapOption<Identity>,
    trusted: AtomicBool,
}

impl Serving {
    /// What is served; `None` before the first is loaded.
    #[must_use]
    pub fn now(&self) -> Option<Arc<Identity>> {
        self.identity.load_full()
    }

    /// Serves `identity` from the next connection on.
    pub fn serve(&self, identity: Identity) {
        self.identity.store(Some(Arc::new(identity)));
    }

    /// Notes that callers are known to believe what is served. Stays true: if that changes, it is for the leader
    /// to repair, and a pod that nobody sends anything to would not help.
    pub fn trusted(&self) {
        self.trusted.store(true, Ordering::Release);
    }

    /// Whether something is served that callers believe.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.trusted.load(Ordering::Acquire) && self.identity.load().is_some()
    }
}

impl ResolvesServerCert for Serving {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.identity.load().as_ref().map(|identity| identity.certified.clone())
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.now().map(|identity| identity.not_after);
        f.debug_struct("Serving").field("not_after", &until).finish_non_exhaustive()
    }
}
