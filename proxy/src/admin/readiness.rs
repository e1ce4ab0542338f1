//! Whether the process should get traffic: named parts report themselves ready, and shutting down ends it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What `/readyz` answers from. Never depends on upstreams: a provider's incident must not take every
/// sidecar, and with them every application, out of service. Clones share one state.
#[derive(Clone, Default)]
pub struct Readiness {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: BTreeSet<&'static str>,
    draining: bool,
}

/// Holds readiness back until its part says that it is ready. Dropped without a word, as in a part that
/// failed to start, it holds readiness back for good.
#[must_use = "readiness waits for this guard"]
pub struct ReadyGuard {
    name: &'static str,
    readiness: Readiness,
}

/// The answer to "should this process get traffic?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Yes.
    Yes,
    /// Not yet: these parts have not started.
    WaitingFor(Vec<&'static str>),
    /// No more: the process is shutting down.
    Draining,
}

impl Readiness {
    /// Names a part that must be ready first.
    pub fn wait_for(&self, name: &'static str) -> ReadyGuard {
        self.state().waiting.insert(name);
        ReadyGuard { name, readiness: self.clone() }
    }

    /// Ends readiness for good: the process is shutting down.
    pub fn drain(&self) {
        self.state().draining = true;
    }

    /// The state now.
    pub fn now(&self) -> Ready {
        let state = self.state();
        match (state.draining, state.waiting.is_empty()) {
            (true, _) => Ready::Draining,
            (false, true) => Ready::Yes,
            (false, false) => Ready::WaitingFor(state.waiting.iter().copied().collect()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadyGuard {
    /// The part is ready.
    pub fn ready(self) {
        self.readiness.state().waiting.remove(self.name);
    }
}

impl std::fmt::Display for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Yes => f.write_str("ready"),
            Self::WaitingFor(parts) => write!(f, "not ready: waiting for {}", parts.join(", ")),
            Self::Draining => f.write_str("not ready: shutting down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_draining_is_final() {
        let readiness = Readiness::default();
        let (judge, listener) = (readiness.wait_for("judge"), readiness.wait_for("listener"));
        assert_eq!(readiness.now().to_string(), "not ready: waiting for judge, listener");
        judge.ready();
        assert_eq!(readiness.now(), Ready::WaitingFor(vec!["listener"]));
        listener.ready();
        assert_eq!(readiness.now(), Ready::Yes);
        readiness.drain();
        assert_eq!(readiness.now(), Ready::Draining);
    }

    #[test]
    fn a_part_that_died_on_its_way_is_not_ready() {
        let readiness = Readiness::default();
        drop(readiness.wait_for("listener"));
        assert_eq!(readiness.now(), Ready::WaitingFor(vec!["listener"]));
    }
}
