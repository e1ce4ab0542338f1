//! Whether a pod's `ConfigMap` exists. Asked while a pod waits to be made, so that it is kept for a while, and
//! an API server that is slow or says no holds nothing up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::cluster::{Cluster, ClusterError, Place};
use crate::review::{ConfigRef, Presence};

/// For how long one that was seen is taken to be there.
const SEEN: Duration = Duration::from_secs(30);
/// For how long one that was missing is taken to be missing: someone is about to make it.
const MISSED: Duration = Duration::from_secs(2);
/// For how long one that may not be read is not asked for again.
const FORBIDDEN: Duration = Duration::from_secs(60);
/// `ConfigMap`s that are remembered.
const REMEMBERED: usize = 1024;

/// What is known of `ConfigMap`s.
pub(crate) struct Sight {
    cluster: Cluster,
    known: Mutex<HashMap<Place, (Presence, Instant)>>,
}

impl Sight {
    /// Nothing is known yet.
    #[must_use]
    pub(crate) fn new(cluster: Cluster) -> Sight {
        Sight { cluster, known: Mutex::default() }
    }

    /// Whether `config` exists, as far as can be said `within` this time.
    pub(crate) async fn of(&self, config: &ConfigRef, within: Duration) -> Presence {
        // No object can have such a name.
        let Some(place) = Place::config_map(&config.namespace, &config.name) else {
            return Presence::Missing;
        };
        if let Some(known) = self.known(&place) {
            return known;
        }
        let asked = tokio::time::timeout(within, self.cluster.exists(&place)).await;
        let (presence, lasts) = match asked {
            Ok(Ok(true)) => (Presence::Present, SEEN),
            Ok(Ok(false)) => (Presence::Missing, MISSED),
            Ok(Err(error)) if error.is_forbidden() => (Presence::Unknown, FORBIDDEN),
            Ok(Err(ClusterError::Refused { .. })) | Err(_) => return Presence::Unknown,
            Ok(Err(error)) => {
                tracing::debug!(%error, "cannot look for a ConfigMap");
                return Presence::Unknown;
            }
        };
        self.remember(place, presence, lasts);
        presence
    }

    fn known(&self, place: &Place) -> Option<Presence> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(place).filter(|(_, until)| Instant::now() < *until).map(|(presence, _)| *presence)
    }

    fn remember(&self, place: Place, presence: Presence, lasts: Duration) {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, (_, until)| now < *until);
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(place, (presence, now + lasts));
    }
}
