//! What a keeper is told.

use std::time::Duration;

use crate::cluster::Place;

/// Which objects the replicas share.
#[derive(Clone, Debug)]
pub struct Names {
    /// The Secret with the certificates.
    pub secret: Place,
    /// The webhook configuration that is told whom to believe.
    pub webhook: Place,
    /// The Service by which the API server calls, and its namespace.
    pub service: (String, String),
}

/// How certificates age.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long one is valid; renewed in the last third.
    pub validity: Duration,
    /// How far back its validity begins, for callers whose clocks are behind.
    pub skew: Duration,
    /// How long an authority has been published before anything that it vouches for is served.
    pub settle: Duration,
    /// How often replicas look.
    pub poll: Duration,
}

impl Terms {
    /// Says what does not go together; `lease` is how long the Lease lasts after each renewal.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn check(&self, lease: Duration) -> Result<(), &'static str> {
        if self.poll.is_zero() || self.poll > lease / 3 {
            return Err("poll must be above 0 and at most a third of lease_duration");
        }
        if self.settle + 4 * self.poll > self.validity / 3 {
            return Err("settle is too long: with four times poll it must fit into a third of validity");
        }
        Ok(())
    }
}

impl Names {
    /// The names by which the Service is called. The API server uses the first.
    pub(super) fn hosts(&self) -> Vec<String> {
        let (service, namespace) = &self.service;
        let host = format!("{service}.{namespace}.svc");
        vec![host.clone(), format!("{host}.cluster.local"), format!("{service}.{namespace}")]
    }
}
