//! Wires the running service, in reading order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::certificate::{Keeper, Names, Serving, Terms, follow_files};
use crate::cluster::{Cluster, Place};
use crate::events::{EventSender, events};
use crate::lease::Election;
use crate::metrics::Metrics;
use crate::serve::{Admin, Bodies, Readiness, Server, Webhook, tls};
use crate::settings::{Certificate, Settings};
use crate::sight::Sight;

/// What the last Events get to be sent after the last request.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The webhook, listening and not yet serving.
pub struct Injector {
    /// Where the API server calls.
    pub address: SocketAddr,
    /// Where health and metrics are.
    pub admin_address: SocketAddr,
    server: Server,
    admin: (Admin, TcpListener),
    readiness: Arc<Readiness>,
    issuer: Issuer,
    events: EventSender,
    grace: Duration,
}

/// Who sees to the certificate.
enum Issuer {
    Own(Box<Keeper>),
    Files { folder: std::path::PathBuf, metrics: Arc<Metrics> },
}

/// Why the webhook did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken or not allowed.
    #[error("cannot listen on {address} ({key}): {reason}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// The key of the settings.
        key: &'static str,
        /// What the system said.
        reason: std::io::Error,
    },
    /// TLS cannot be configured.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// Metrics cannot be made: a bug.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// No object can have this name.
    #[error("{0}: `{1}` is no name of an object: lower-case letters, digits, `-` and `.`")]
    Name(&'static str, String),
    /// Times that do not go together.
    #[error("certificate: {0}")]
    Terms(&'static str),
}

impl StartError {
    /// Whether the settings are to blame.
    #[must_use]
    pub const fn is_settings(&self) -> bool {
        matches!(self, Self::Name(..) | Self::Terms(_))
    }
}

impl Injector {
    /// Listens for everything that `settings` describe; `replica` is this process's name among replicas.
    ///
    /// # Errors
    /// When a port is taken, or the settings cannot be put in force.
    pub async fn start(settings: Settings, cluster: Cluster, replica: &str) -> Result<Injector, StartError> {
        let settings = Arc::new(settings);
        let metrics = Metrics::new()?;
        let readiness = Arc::new(Readiness::default());
        let serving = readiness.serving.clone();
        let issuer = issuer(&settings, &cluster, (replica, serving.clone()), &metrics)?;
        let (listener, address) = bind(settings.listen, "listen").await?;
        let (admin_listener, admin_address) = bind(settings.admin_listen, "admin_listen").await?;
        let (told, events) = events(cluster.clone(), metrics.clone());
        let webhook = Webhook {
            settings: settings.clone(),
            sight: Sight::new(cluster),
            events: settings.events.then_some(told),
            bodies: Bodies::default(),
            metrics: metrics.clone(),
        };
        let server = Server {
            listener,
            tls: tls(serving)?,
            webhook: Arc::new(webhook),
            metrics: metrics.clone(),
            drain: settings.drain.timeout,
        };
        let admin = (Admin { readiness: readiness.clone(), metrics }, admin_listener);
        let grace = settings.drain.grace;
        Ok(Injector { address, admin_address, server, admin, readiness, issuer, events, grace })
    }

    /// Serves until `ended`. Then readiness falls, another replica may lead, connections are taken for the grace
    /// period, and requests under way finish. Returns how many connections had to be cut.
    pub async fn run(self, ended: impl Future<Output = ()>) -> usize {
        let (leaving, closing, over) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let Injector { server, admin: (admin, listener), readiness, issuer, events, grace, .. } = self;
        let end = async {
            ended.await;
            readiness.drain();
            leaving.cancel();
            tokio::time::sleep(grace).await;
            closing.cancel();
        };
        let serve = async {
            // Dropped with it: where Events are handed in, so that their sender comes to an end.
            let cut = server.run(closing.clone()).await;
            over.cancel();
            cut
        };
        let tell = async {
            let sending = std::pin::pin!(events.send());
            let late = async {
                over.cancelled().await;
                tokio::time::sleep(LAST_WORDS).await;
            };
            tokio::select! {
                () = sending => {}
                () = late => {}
            }
        };
        let administer = admin.run(listener, over.clone());
        let keep = issuer.keep(readiness.serving.clone(), leaving.clone());
        let (cut, ..) = tokio::join!(serve, end, administer, keep, tell);
        cut
    }
}

impl Issuer {
    async fn keep(self, serving: Arc<Serving>, leaving: CancellationToken) {
        match self {
            Self::Own(keeper) => keeper.keep(leaving.cancelled()).await,
            Self::Files { folder, metrics } => {
                let follow = follow_files(&folder, serving, &metrics);
                // Nothing is lost when it stops: what is loaded is served on.
                leaving.run_until_cancelled(follow).await.unwrap_or_default();
            }
        }
    }
}

fn issuer(
    settings: &Settings,
    cluster: &Cluster,
    (replica, serving): (&str, Arc<Serving>),
    metrics: &Arc<Metrics>,
) -> Result<Issuer, StartError> {
    let own = match &settings.certificate {
        Certificate::Files { folder } => {
            return Ok(Issuer::Files { folder: folder.clone(), metrics: metrics.clone() });
        }
        Certificate::Own(own) => own,
    };
    let namespace = &settings.namespace;
    let place =
        |found: Option<Place>, key, name: &String| found.ok_or_else(|| StartError::Name(key, name.clone()));
    let names = Names {
        secret: place(Place::secret(namespace, &own.secret), "certificate.secret", &own.secret)?,
        webhook: place(Place::webhook(&own.webhook), "certificate.webhook", &own.webhook)?,
        service: (own.service.clone(), namespace.clone()),
    };
    let lease = place(Place::lease(namespace, &own.lease), "certificate.lease", &own.lease)?;
    let terms = Terms { validity: own.validity, skew: own.skew, settle: own.settle, poll: own.poll };
    terms.check(own.lease_duration).map_err(StartError::Terms)?;
    let election = Election::new(cluster.clone(), lease, replica.to_owned(), own.lease_duration);
    let keeper = Keeper::new(cluster.clone(), (names, terms), election, serving, metrics.clone());
    Ok(Issuer::Own(Box::new(keeper)))
}

async fn bind(address: SocketAddr, key: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |reason| StartError::Listen { address, key, reason };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}
