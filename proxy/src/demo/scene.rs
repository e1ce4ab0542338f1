//! The stage: three simulated providers, Sidestep in front of them, and the script of the incident.

use std::iter::Peekable;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sidestep_simulator::{Fault, PlanError, Planned, Simulator, Vendor};
use sidestep_table::Verdict;

use crate::app::{App, StartError};
use crate::config::{Config, ConfigError, Source, Variables};

/// The model that falls ill first.
pub(super) const FIRST_TO_FALL: &str = "opus";

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Everything that the demo runs.
pub(super) struct Scene {
    /// Sidestep.
    pub(super) app: App,
    anthropic: Simulator,
    openai: Simulator,
    xai: Simulator,
}

/// One line of the script.
pub(super) struct Act {
    /// When, since the demo began.
    pub(super) at: Duration,
    /// What a person reads.
    pub(super) line: String,
    /// True for the first fault.
    pub(super) is_first: bool,
    /// True when the last fault is lifted.
    pub(super) is_last: bool,
    model: &'static str,
    faults: Vec<Planned>,
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
        let anthropic = Simulator::bind(LOOPBACK, Vendor::anthropic()).await?;
        let openai = Simulator::bind(LOOPBACK, Vendor::openai()).await?;
        let xai = Simulator::bind(LOOPBACK, Vendor::xai()).await?;
        let config = configuration([&anthropic, &openai, &xai])?;
        let app = App::start(config).await?;
        Ok(Scene { app, anthropic, openai, xai })
    }

    /// The incident: the big model first, the rest of its provider soon after, healed in stages.
    pub(super) fn script(&self) -> Peekable<std::vec::IntoIter<Act>> {
        let ill = |rate: f64| {
            vec![
                Planned::from(Fault::status(529)).at_rate(rate / 2.0),
                Planned::from(Fault::status(500)).at_rate(rate / 2.0),
            ]
        };
        let act = |at, line: &str, model, faults| Act {
            at: Duration::from_secs(at),
            line: line.to_owned(),
            is_first: false,
            is_last: false,
            model,
            faults,
        };
        let mut acts = vec![
            act(
                6,
                "anthropic's big model answers 30 % of calls with 529 or 500",
                "claude-opus-5-5",
                ill(0.3),
            ),
            act(10, "the rest of anthropic follows", "*", ill(0.6)),
            act(20, "anthropic's small model is well again", "claude-haiku-5-5", Vec::new()),
            act(24, "anthropic's big model is better: 10 % still fail", "claude-opus-5-5", ill(0.1)),
            act(27, "anthropic is well again", "*", Vec::new()),
        ];
        if let Some(first) = acts.first_mut() {
            first.is_first = true;
        }
        if let Some(last) = acts.last_mut() {
            last.is_last = true;
        }
        acts.into_iter().peekable()
    }

    /// Puts an act's faults in force.
    pub(super) fn apply(&self, act: &Act) {
        let faults = self.anthropic.faults();
        let models =
            if act.model == "*" { vec!["claude-opus-5-5", "claude-haiku-5-5"] } else { vec![act.model] };
        for model in models {
            let set: Result<(), PlanError> = faults.set_all(model, act.faults.clone());
            if let Err(error) = set {
                tracing::error!(%error, "the script asks for an impossible fault");
            }
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

/// A configuration like any other, but with a health model that runs about five times faster, so that an
/// incident fits into a minute.
fn configuration([anthropic, openai, xai]: [&Simulator; 3]) -> Result<Config, SceneError> {
    let text = include_str!("demo.yaml")
        .replace("ANTHROPIC_URL", &anthropic.url())
        .replace("OPENAI_URL", &openai.url())
        .replace("XAI_URL", &xai.url());
    Ok(Config::parse(&text, &Source::Builtin("demo"), &Variables::default())?)
}
