//! The operator's side, on a listener of its own: alive, ready, metrics, status, switches.
//!
//! ```text
//! listen (limits, time limits) → answer (match on the path) → access, for changes → desk → judge, disk
//! ```

mod access;
mod body;
mod config_state;
mod desk;
mod incidents;
mod listen;
mod live;
mod log;
mod page;
mod readiness;
mod rehearsals;
mod reply;
mod routes;
mod status;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::Body;
use sidestep_table::Topology;

pub use self::config_state::{ConfigReport, ConfigState, Reload};
pub use self::desk::SwitchDesk;
pub use self::listen::serve;
pub use self::live::Live;
pub use self::readiness::{Readiness, Ready, ReadyGuard};

use self::access::Denied;
use self::desk::{DeskError, Done, Wish};
use self::reply::{Reply, json, refusal, scrape, text};
use self::status::{IncidentReport, ModelReport, ProbeSpend, ProviderReport, RouteReport, Status};
use crate::clock::Clock;
use crate::config::Secret;
use crate::escape;
use crate::faults::Faults;
use crate::history::History;
use crate::incidents::Incidents;
use crate::journal::Journal;
use crate::judge::JudgeHandle;
use crate::logging::LogLevel;
use crate::metrics::Metrics;

/// Events in `/status`.
const EVENTS: usize = 100;

/// Everything that the admin side shows or changes.
pub struct Admin {
    /// Tells the time.
    pub clock: Clock,
    /// What is scraped.
    pub metrics: Arc<Metrics>,
    /// What happened lately.
    pub journal: Arc<Journal>,
    /// What went wrong lately, and what became of it.
    pub incidents: Arc<Incidents>,
    /// The last fifteen minutes.
    pub history: Arc<History>,
    /// Who follows.
    pub live: Live,
    /// What `/readyz` says.
    pub readiness: Readiness,
    /// Which configuration is in force.
    pub config: Arc<ConfigState>,
    /// Knows the verdicts.
    pub judge: JudgeHandle,
    /// Takes rehearsals.
    pub faults: Arc<Faults>,
    /// Takes switches.
    pub desk: SwitchDesk,
    /// Takes orders about the log's level.
    pub log_level: LogLevel,
    /// The topology in force.
    pub topology: Box<dyn Fn() -> Arc<Topology> + Send + Sync>,
    /// Lets callers from elsewhere than this machine change switches.
    pub token: Option<Secret>,
}

impl Admin {
    fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn ready(&self) -> Reply {
        let ready = self.readiness.now();
        let status = if ready == Ready::Yes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        text(status, ready.to_string())
    }

    async fn scrape(&self) -> Reply {
        self.metrics.read(&(self.topology)());
        self.metrics.switches_active(self.judge.switches().await.len());
        self.metrics.evidence_dropped(self.judge.dropped());
        match self.metrics.scrape() {
            Ok(scraped) => scrape(scraped),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    async fn status(&self) -> Reply {
        match self.report().await {
            Some(status) => json(StatusCode::OK, &status),
            None => refusal(StatusCode::SERVICE_UNAVAILABLE, "the judge has stopped; shutting down"),
        }
    }

    /// Everything as of now; `None` when the judge has stopped.
    async fn report(&self) -> Option<Status> {
        let view = self.judge.view().await?;
        let topology = (self.topology)();
        let now = self.clock.reading();
        let ready = self.readiness.now();
        let (usd, tokens) = self.metrics.probe_spend();
        Some(Status {
            version: env!("CARGO_PKG_VERSION"),
            at: now.unix_seconds(),
            uptime_seconds: self.clock.uptime().as_secs_f64(),
            ready: ready == Ready::Yes,
            readiness: ready.to_string(),
            config: self.config.now(),
            frozen_until: view.frozen_until.map(|until| now.unix(until)),
            providers: view.providers.iter().map(|provider| ProviderReport::of(provider, now)).collect(),
            models: ModelReport::all(&view, &topology, now),
            routes: topology.routes.iter().map(|route| RouteReport::of(route, &topology)).collect(),
            switches: self.desk.all().await,
            faults: self.faults.reports(),
            probes: ProbeSpend { usd, tokens },
            incidents: self.incidents.current().iter().map(|one| IncidentReport::of(one)).collect(),
            events: self.journal.recent(EVENTS),
        })
    }

    async fn switch_on<B>(&self, request: Request<B>, peer: SocketAddr) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        if let Err(denied) = access::may_change(peer, request.headers(), self.token.as_ref()) {
            return denied.into_reply();
        }
        match body::read::<Wish, B>(request, "switch").await {
            Ok(wish) => done(self.desk.set(wish, &(self.topology)()).await),
            Err(refusal) => refusal,
        }
    }

    async fn switch_off(&self, uri: &http::Uri, headers: &http::HeaderMap, peer: SocketAddr) -> Reply {
        if let Err(denied) = access::may_change(peer, headers, self.token.as_ref()) {
            return denied.into_reply();
        }
        let name = uri.path().strip_prefix("/switches/").and_then(escape::decode);
        let Some((name, actor)) = name.zip(body::actor(uri)) else {
            return refusal(StatusCode::BAD_REQUEST, "say who you are: DELETE /switches/NAME?actor=you");
        };
        done(self.desk.clear(&name, &actor, &(self.topology)()).await)
    }
}

impl Denied {
    fn into_reply(self) -> Reply {
        let status = match self {
            Self::WrongToken | Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Remote | Self::CrossSite => StatusCode::FORBIDDEN,
        };
        refusal(status, self)
    }
}

fn done(done: Result<Done, DeskError>) -> Reply {
    let error = match done {
        Ok(done) => return json(StatusCode::OK, &done),
        Err(error) => error,
    };
    let status = match &error {
        DeskError::Invalid(_) | DeskError::BadLine(_) => StatusCode::BAD_REQUEST,
        DeskError::Unknown(_) | DeskError::NotSet(_) => StatusCode::NOT_FOUND,
        DeskError::Judge(crate::judge::SwitchError::Unknown(_)) => StatusCode::NOT_FOUND,
        DeskError::NotKept(_) => StatusCode::INTERNAL_SERVER_ERROR,
        DeskError::Judge(_) | DeskError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
    };
    refusal(status, error)
}
