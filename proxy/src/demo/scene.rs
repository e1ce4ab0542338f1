//! The stage: three simulated providers, Sidestep in front of them, and the script of the incident.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sidestep_simulator::{Beat, Incident, Simulator, Vendor};
use sidestep_table::Verdict;

use crate::app::{App, StartError};
use crate::config::{Config, ConfigError, Source, Variables};

/// The model that falls ill first.
pub(super) const FIRST_TO_FALL: &str = "opus";

/// The first provider's models, the big one first.
const ANTHROPICS: [&str; 2] = ["claude-opus-5-5", "claude-haiku-5-5"];
/// The incident and its aftermath; the last fault is lifted after about two thirds of it.
const WHOLE: Duration = Duration::from_secs(45);

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Everything that the demo runs.
pub(super) struct Scene {
    /// Sidestep.
    pub(super) app: App,
    anthropic: Simulator,
    openai: Simulator,
    xai: Simulator,
}

/// Why the demo could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// A simulated provider could not listen.
    #[error("a simulated provider cannot listen on loopback: {0}")]
    Simulator(#[from] std::io::Error),
    /// Sidestep did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The demo's own configuration is refused.
    #[error("the demo's configuration is refused: {0}")]
    Config(#[from] ConfigError),
    /// The metrics could not be read.
    #[error("cannot read the metrics: {0}")]
    Metrics(String),
}

impl Scene {
    /// Starts everything on free loopback ports.
    ///
    /// # Errors
    /// When something cannot listen.
    pub(super) async fn set() -> Result<Scene, SceneError> {
        let anthropic = Simulator::bind(LOOPBACK, Vendor::anthropic().with_models(&ANTHROPICS)).await?;
        let openai = Simulator::bind(LOOPBACK, Vendor::openai()).await?;
        let xai = Simulator::bind(LOOPBACK, Vendor::xai()).await?;
        let config = configuration([&anthropic, &openai, &xai])?;
        let app = App::start(config).await?;
        Ok(Scene { app, anthropic, openai, xai })
    }

    /// Puts a beat's faults in force.
    pub(super) fn apply(&self, beat: &Beat) {
        if let Err(error) = beat.apply(self.anthropic.provider()) {
            tracing::error!(%error, "the script asks for an impossible fault");
        }
    }

    /// True when no verdict keeps traffic from any model.
    #[must_use]
    pub(super) fn is_all_healthy(&self) -> bool {
        let catalog = self.app.foundation.catalog.load();
        let mut models = catalog.models().iter();
        models.all(|model| model.cell.standing().verdict == Verdict::Healthy && !model.cell.standing().masked)
    }

    /// What Prometheus would read now.
    ///
    /// # Errors
    /// When the admin listener does not answer.
    pub(super) async fn scrape(&self) -> Result<String, SceneError> {
        let failed = |error: &dyn std::fmt::Display| SceneError::Metrics(error.to_string());
        let url = format!("http://{}/metrics", self.app.admin_address);
        let url = url.parse::<http::Uri>().map_err(|error| failed(&error))?;
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
        let response = client.get(url).await.map_err(|error| failed(&error))?;
        let body = response.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Ends everything.
    pub(super) async fn strike(self) {
        self.app.stop().await;
        tokio::join!(self.anthropic.shutdown(), self.openai.shutdown(), self.xai.shutdown());
    }
}

/// The incident, squeezed into half a minute: the big model first, the rest of its provider soon after, healed
/// in stages.
pub(super) fn script() -> Vec<Beat> {
    let incident = Incident::named("notion-2026-06-07").map(|incident| incident.lasting(WHOLE));
    incident.map(|incident| incident.beats).unwrap_or_default()
}

/// A configuration like any other, but with a health model that runs about five times faster, so that an
/// incident fits into a minute.
fn configuration([anthropic, openai, xai]: [&Simulator; 3]) -> Result<Config, SceneError> {
    let text = include_str!("demo.yaml")
        .replace("ANTHROPIC_URL", &anthropic.url())
        .replace("OPENAI_URL", &openai.url())
        .replace("XAI_URL", &xai.url());
    Ok(Config::parse(&text, &Source::Builtin("demo"), &Variables::default())?)
}
