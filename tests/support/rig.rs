//! Sidestep before simulated providers, all over real loopback sockets in one process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use sidestep::app::App;
use sidestep::config::{Config, Source, Variables};
use sidestep_simulator::{Simulator, Vendor};

use super::Application;

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What most flows need: a big and a small model at each of three providers. `{extra}` is replaced.
const USUAL: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
  xai: { base_url: "{xai}/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  haiku: { provider: anthropic, model: claude-haiku-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
  luna: { provider: openai, model: gpt-6-luna }
  grok: { provider: xai, model: grok-4.7 }
routes:
  - { match: "claude-opus-*", targets: [opus, gpt, grok] }
  - { match: "claude-haiku-*", targets: [haiku, luna, grok] }
  - { match: "gpt-*", targets: [gpt, opus, grok] }
probes: { enabled: false }
"#;

/// Sidestep, three simulated providers, and an application that calls it.
pub struct Rig {
    /// Under test.
    pub sidestep: App,
    /// Calls Sidestep.
    pub application: Application,
    /// The simulated providers.
    pub anthropic: Simulator,
    /// The simulated providers.
    pub openai: Simulator,
    /// The simulated providers.
    pub xai: Simulator,
}

/// Makes a [`Rig`].
#[derive(Default)]
pub struct RigBuilder {
    base: Option<String>,
    sections: String,
    anthropic: Option<Vendor>,
    routes: String,
    state: Option<PathBuf>,
}

impl Rig {
    /// The usual rig.
    pub async fn start() -> Rig {
        RigBuilder::default().start().await
    }

    /// The same with changes.
    pub fn builder() -> RigBuilder {
        RigBuilder::default()
    }

    /// Ends everything; returns how many connections had to be cut.
    pub async fn stop(self) -> usize {
        drop(self.application);
        let cut = self.sidestep.stop().await;
        self.anthropic.shutdown().await;
        self.openai.shutdown().await;
        self.xai.shutdown().await;
        cut
    }
}

impl RigBuilder {
    /// Another configuration than the usual one. `{anthropic}`, `{openai}` and `{xai}` stand for the providers' URLs.
    pub fn config(mut self, yaml: &str) -> Self {
        self.base = Some(yaml.to_owned());
        self
    }

    /// Top-level sections added to the configuration.
    pub fn with(mut self, yaml: &str) -> Self {
        self.sections.push_str(yaml);
        self.sections.push('\n');
        self
    }

    /// A route beside the usual ones.
    pub fn with_route(mut self, yaml: &str) -> Self {
        self.routes.push_str(&format!("  - {yaml}\n"));
        self
    }

    /// Another Anthropic than the usual one.
    pub fn anthropic(mut self, vendor: Vendor) -> Self {
        self.anthropic = Some(vendor);
        self
    }

    /// Where switches are kept.
    pub fn state(mut self, folder: PathBuf) -> Self {
        self.state = Some(folder);
        self
    }

    /// Starts it all.
    pub async fn start(self) -> Rig {
        let anthropic =
            Simulator::bind(LOOPBACK, self.anthropic.unwrap_or_else(Vendor::anthropic)).await.unwrap();
        let openai = Simulator::bind(LOOPBACK, Vendor::openai()).await.unwrap();
        let xai = Simulator::bind(LOOPBACK, Vendor::xai()).await.unwrap();
        let state = self.state.map_or_else(String::new, |folder| format!("state: {}\n", folder.display()));
        let yaml = format!("{}\n{}\n{state}", self.base.as_deref().unwrap_or(USUAL), self.sections)
            .replacen("routes:\n", &format!("routes:\n{}", self.routes), 1)
            .replace("{anthropic}/v1", &anthropic.url())
            .replace("{openai}/v1", &openai.url())
            .replace("{xai}/v1", &xai.url());
        let config = Config::parse(&yaml, &Source::Builtin("test"), &Variables::default())
            .unwrap_or_else(|error| panic!("{error}"));
        let sidestep = App::start(config).await.unwrap();
        let application = Application::new(sidestep.address, sidestep.admin_address);
        Rig { sidestep, application, anthropic, openai, xai }
    }
}
