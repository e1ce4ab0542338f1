//! Who may change things, when there are several replicas: the holder of a Lease.
//!
//! Every change that follows is guarded by the changed object's own version, so that two holders at once (a
//! process that slept, say) would be a nuisance and not a danger.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cluster::{Cluster, ClusterError, Lease, Place, micro_time};

/// One replica's candidacy. Other replicas' clocks are never compared with ours: a Lease is over when nobody
/// renewed it for as long as it lasts *by our own watch*.
pub struct Election {
    cluster: Cluster,
    place: Place,
    /// Unique among replicas and their lives.
    identity: String,
    lasts: Duration,
    seen: Option<Seen>,
    held_until: Option<Instant>,
}

/// When the Lease looked like this first.
struct Seen {
    version: String,
    at: Instant,
}

impl Election {
    /// A candidate named `identity`, who holds the Lease for `lasts` after each renewal.
    #[must_use]
    pub fn new(cluster: Cluster, place: Place, identity: String, lasts: Duration) -> Election {
        Election { cluster, place, identity, lasts, seen: None, held_until: None }
    }

    /// Whether this replica leads. It gives up a third before others may take over.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.held_until.is_some_and(|until| Instant::now() < until)
    }

    /// Renews the Lease, or takes it when nobody holds it; to be called several times while it lasts.
    ///
    /// # Errors
    /// When the API server is of no help; a Lease that is held is held on for a while.
    pub async fn campaign(&mut self) -> Result<(), ClusterError> {
        let asked = Instant::now();
        let lease = match self.cluster.get::<Lease>(&self.place).await? {
            Some(lease) => lease,
            None => self.make().await?,
        };
        let holder = lease.spec.holder_identity.as_deref().unwrap_or_default();
        let ours = holder == self.identity;
        if !ours && !holder.is_empty() && !self.over(&lease) {
            self.held_until = None;
            return Ok(());
        }
        match self.cluster.merge::<Lease>(&self.place, &self.claim(&lease, ours)).await {
            Ok(_) => {
                if !self.leads() {
                    tracing::info!(lease = self.place.path(), before = holder, "leading");
                }
                // From before the question: the Lease may have begun at any time since.
                self.held_until = Some(asked + self.lasts * 2 / 3);
                Ok(())
            }
            Err(error) if error.is_conflict() => {
                self.held_until = None;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the Lease up, so that nobody has to wait until it is over.
    ///
    /// # Errors
    /// When the API server is of no help.
    pub async fn resign(&mut self) -> Result<(), ClusterError> {
        if self.held_until.take().is_none() {
            return Ok(());
        }
        let Some(lease) = self.cluster.get::<Lease>(&self.place).await? else { return Ok(()) };
        if lease.spec.holder_identity.as_deref() != Some(&self.identity) {
            return Ok(());
        }
        let change = json!({
            "metadata": { "resourceVersion": lease.metadata.resource_version },
            "spec": { "holderIdentity": "", "renewTime": micro_time() },
        });
        self.cluster.merge::<Value>(&self.place, &change).await.map(drop)
    }

    /// Makes a Lease that nobody holds: to take it then is guarded by its version, making it is not.
    async fn make(&self) -> Result<Lease, ClusterError> {
        let name = self.place.name();
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": name },
        });
        self.cluster.apply(&self.place, &lease).await
    }

    fn claim(&self, lease: &Lease, ours: bool) -> Value {
        let now = micro_time();
        let mut spec = json!({
            "holderIdentity": self.identity,
            // The API takes whole seconds from 1; candidates that were told less go by what they were told.
            "leaseDurationSeconds": self.lasts.as_secs().max(1),
            "renewTime": now,
        });
        if !ours {
            spec["acquireTime"] = now.into();
            spec["leaseTransitions"] =
                (lease.spec.lease_transitions.unwrap_or_default().saturating_add(1)).into();
        }
        json!({ "metadata": { "resourceVersion": lease.metadata.resource_version }, "spec": spec })
    }

    /// True when the Lease has looked the same for as long as its holder said that it lasts.
    fn over(&mut self, lease: &Lease) -> bool {
        let version = &lease.metadata.resource_version;
        match &self.seen {
            Some(seen) if seen.version == *version => {
                let told =
                    lease.spec.lease_duration_seconds.map(|seconds| Duration::from_secs(seconds.into()));
                seen.at.elapsed() >= told.unwrap_or(self.lasts)
            }
            _ => {
                self.seen = Some(Seen { version: version.clone(), at: Instant::now() });
                false
            }
        }
    }
}
