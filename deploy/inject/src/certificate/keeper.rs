//! Certificates that the replicas issue themselves: one leads and changes things, all of them load what is there.

mod bundle;
mod plan;
mod terms;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::UnixTime;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::bundle::Bundle;
pub use self::terms::{Names, Terms};
use super::identity::{Authority, Identity};
use super::issue::{IssueError, Validity};
use super::serving::Serving;
use super::vault::Vault;
use crate::cluster::{Cluster, ClusterError, Secret};
use crate::lease::Election;
use crate::metrics::Metrics;

/// Why a look at the shared objects came to nothing. The next one follows soon.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The API server is of no help.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// No certificate could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// There is no webhook configuration to tell whom to believe.
    #[error("{0}: no such object; the chart makes it, with `certificate.webhook` as its name")]
    NoWebhook(String),
    /// The webhook configuration is about someone else.
    #[error("{place}: none of its webhooks calls the Service {namespace}/{service}")]
    OtherService {
        /// The webhook configuration.
        place: String,
        /// The Service that ours would call.
        service: String,
        /// Its namespace.
        namespace: String,
    },
}

/// Keeps what is served, what is shared, and what callers believe in step.
pub struct Keeper {
    cluster: Cluster,
    names: Names,
    terms: Terms,
    election: Election,
    serving: Arc<Serving>,
    metrics: Arc<Metrics>,
    /// Whom callers believe, as PEM, and since when that is known.
    known: HashMap<String, Instant>,
    /// Whom callers had to trust at the last look, for when the Secret is lost.
    remembered: Vec<Authority>,
    told: Option<String>,
}

impl Keeper {
    /// A keeper that has not looked yet.
    #[must_use]
    pub fn new(
        cluster: Cluster,
        (names, terms): (Names, Terms),
        election: Election,
        serving: Arc<Serving>,
        metrics: Arc<Metrics>,
    ) -> Keeper {
        Keeper {
            cluster,
            names,
            terms,
            election,
            serving,
            metrics,
            known: HashMap::new(),
            remembered: Vec::new(),
            told: None,
        }
    }

    /// Looks again and again until `stop` ends, then lets another replica lead.
    pub async fn keep(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            // A look that has begun is finished: half of it could leave what was written unpublished for a while.
            let looked = self.look().await;
            self.tell(looked);
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(self.pause()) => {}
            }
        }
        if let Err(error) = self.election.resign().await {
            tracing::warn!(%error, "could not give up the lease; another replica leads when it is over");
        }
        self.metrics.leads(false);
    }

    /// One look: lead if nobody does, repair what a leader has to, and serve what is to be served.
    async fn look(&mut self) -> Result<(), KeeperError> {
        let campaign = self.election.campaign().await;
        self.metrics.leads(self.election.leads());
        campaign?;
        let now = UnixTime::now();
        let found = self.cluster.get::<Secret>(&self.names.secret).await?;
        let (mut vault, complaints) =
            found.as_ref().map(|secret| Vault::read(secret, &self.names.hosts(), now)).unwrap_or_default();
        plan::remember(&mut self.remembered, &vault, now);
        if self.election.leads() {
            for complaint in &complaints {
                let secret = self.names.secret.path();
                tracing::error!(secret, "{complaint}; it is replaced");
            }
            vault = self.arrange((found, vault, complaints.is_empty()), now).await?;
            plan::remember(&mut self.remembered, &vault, now);
        }
        let mut bundle = self.bundle().await?;
        if self.election.leads() && bundle.differs(&vault.bundle()) {
            self.publish(&bundle, &vault.bundle()).await?;
            bundle = Bundle::of(vault.bundle());
        }
        self.note(&vault, &bundle);
        self.adopt(vault.current, now);
        Ok(())
    }

    /// The leader's part: what is missing is issued, what has settled is put in force, what is over goes.
    async fn arrange(
        &self,
        (found, vault, sound): (Option<Secret>, Vault, bool),
        now: UnixTime,
    ) -> Result<Vault, KeeperError> {
        let serving = self.serving.now();
        let planned = plan::Situation {
            hosts: &self.names.hosts(),
            validity: Validity { lasts: self.terms.validity, skew: self.terms.skew },
            serving: serving.as_deref(),
            remembered: &self.remembered,
            settled: vault.next.as_ref().is_some_and(|next| self.settled(next)),
            now,
        }
        .plan(vault.clone())?;
        if planned.issued {
            self.metrics.issued();
        }
        let secret = match found {
            Some(secret) => secret,
            None => self.make_secret().await?,
        };
        if planned.vault != vault || !sound {
            self.cluster.merge::<Value>(&self.names.secret, &planned.vault.change(&secret)).await?;
            tracing::info!(secret = self.names.secret.path(), "{}", planned.why);
        }
        Ok(planned.vault)
    }

    /// Makes the Secret, empty: to fill it then is guarded by its version, making it is not.
    async fn make_secret(&self) -> Result<Secret, ClusterError> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": { "name": self.names.secret.name() },
        });
        self.cluster.apply(&self.names.secret, &secret).await
    }

    async fn bundle(&self) -> Result<Bundle, KeeperError> {
        let place = &self.names.webhook;
        let found = self.cluster.get(place).await?;
        let webhook = found.ok_or_else(|| KeeperError::NoWebhook(place.path().to_owned()))?;
        Bundle::read(webhook, &self.names.service).ok_or_else(|| KeeperError::OtherService {
            place: place.path().to_owned(),
            service: self.names.service.0.clone(),
            namespace: self.names.service.1.clone(),
        })
    }

    async fn publish(&self, bundle: &Bundle, wanted: &str) -> Result<(), KeeperError> {
        self.cluster.patch::<Value>(&self.names.webhook, &bundle.operations(wanted)).await?;
        self.metrics.published();
        tracing::info!(webhook = self.names.webhook.path(), "published whom to believe (caBundle)");
        Ok(())
    }

    /// Remembers since when callers believe what matters here.
    fn note(&mut self, vault: &Vault, bundle: &Bundle) {
        let serving = self.serving.now();
        let identities = [vault.current.as_ref(), vault.next.as_ref(), serving.as_deref()];
        let authorities = identities.into_iter().flatten().filter_map(|identity| identity.authority.as_ref());
        let believed = authorities.filter(|authority| bundle.vouches(authority));
        let now = Instant::now();
        let since = |pem: &String| self.known.get(pem).copied().unwrap_or(now);
        self.known = believed.map(|authority| (authority.pem.clone(), since(&authority.pem))).collect();
    }

    /// Serves what the Secret says, but nothing that callers may not have heard of while there is something that
    /// they believe: a Secret may have been put back from a backup.
    fn adopt(&self, current: Option<Identity>, now: UnixTime) {
        let serving = self.serving.now();
        let good = serving
            .as_deref()
            .is_some_and(|serving| !serving.left(now).is_zero() && self.since(serving).is_some());
        if let Some(current) = current
            && serving.as_deref() != Some(&current)
            && (!good || self.settled(&current))
        {
            tracing::info!(not_after = current.not_after, "serving another certificate");
            self.metrics.certificate(current.not_after);
            self.serving.serve(current);
        }
        if self.serving.now().as_deref().is_some_and(|serving| self.since(serving).is_some()) {
            self.serving.trusted();
        }
    }

    /// Since when callers believe it; `None` when they do not.
    fn since(&self, identity: &Identity) -> Option<Instant> {
        self.known.get(&identity.authority.as_ref()?.pem).copied()
    }

    /// Whether callers have believed it for so long that all of them have heard of it.
    fn settled(&self, identity: &Identity) -> bool {
        self.since(identity).is_some_and(|since| since.elapsed() >= self.terms.settle)
    }

    /// Logs a trouble once, and its end.
    fn tell(&mut self, looked: Result<(), KeeperError>) {
        match looked {
            Ok(()) => {
                if self.told.take().is_some() {
                    tracing::info!("the certificate's keeping goes on");
                }
            }
            // Someone else was quicker; the next look sees what they did.
            Err(KeeperError::Cluster(error)) if error.is_conflict() => {}
            Err(error) => {
                self.metrics.certificate_failure();
                let error = error.to_string();
                if self.told.as_deref() != Some(&error) {
                    tracing::error!("{error}; trying again every {:?}", self.terms.poll);
                    self.told = Some(error);
                }
            }
        }
    }

    /// Up to a fifth shorter than said, so that replicas do not all come at once.
    fn pause(&self) -> Duration {
        self.terms.poll.mul_f64(1.0 - 0.2 * rand::random::<f64>())
    }
}
