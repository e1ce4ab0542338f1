//! Sidestep between an application and simulated providers, all in memory and in paused time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use sidestep::config::{Config, Limits, ProviderConfig, Source, Variables};
use sidestep::dice::Dice;
use sidestep::engine::Engine;
use sidestep::serve;
use sidestep::stack::stack;
use sidestep::upstream::{Carrier, Dial, connect_over};
use sidestep_simulator::{Pace, Provider, Vendor};
use tokio_util::task::TaskTracker;
use tower::util::BoxCloneSyncService;

use crate::cable::Cable;

/// Three models of each provider that may fall ill, big, middle and small: in Sidestep's configuration, and at the
/// provider.
pub(crate) const MODELS: [[(&str, &str); 3]; 2] = [
    [("opus", "claude-opus-5-5"), ("sonnet", "claude-sonnet-5-5"), ("haiku", "claude-haiku-5-5")],
    [("sol", "gpt-6.1-sol"), ("astra", "gpt-6-astra"), ("luna", "gpt-6-luna")],
];

/// Healthy first tokens after 0.8 s in the median, 1.8 s in the 95th percentile; 60 tokens a second.
const PACE: Pace = Pace { first_token: Duration::from_millis(800), spread: 0.5, tokens_per_second: 60.0 };

/// Every default, but for names, and a concurrency limit that no replay reaches.
const CONFIG: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "http://anthropic/v1", api_key: test }
  openai: { base_url: "http://openai/v1", api_key: test, http: http2 }
  xai: { base_url: "http://xai/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  sonnet: { provider: anthropic, model: claude-sonnet-5-5 }
  haiku: { provider: anthropic, model: claude-haiku-5-5 }
  sol: { provider: openai, model: gpt-6.1-sol }
  astra: { provider: openai, model: gpt-6-astra }
  luna: { provider: openai, model: gpt-6-luna }
  grok: { provider: xai, model: grok-4.7 }
routes:
  - { match: "claude-opus-*", targets: [opus, sol, grok] }
  - { match: "claude-sonnet-*", targets: [sonnet, astra, grok] }
  - { match: "claude-haiku-*", targets: [haiku, luna, grok] }
  - { match: "gpt-6.1-sol", targets: [sol, opus, grok] }
  - { match: "gpt-6-astra", targets: [astra, sonnet, grok] }
  - { match: "gpt-6-luna", targets: [luna, haiku, grok] }
"#;

type Connector = BoxCloneSyncService<Uri, Cable, std::convert::Infallible>;

/// Calls Sidestep.
pub(crate) type Application = Client<Connector, Full<Bytes>>;

/// Everything that takes part.
pub(crate) struct Scene {
    pub(crate) engine: Engine,
    pub(crate) application: Application,
    /// Anthropic, OpenAI, xAI.
    pub(crate) providers: [Provider; 3],
    /// Connections, the provider's and the application's.
    pub(crate) lines: TaskTracker,
}

impl Scene {
    /// Starts it all. `seed` decides every draw: first tokens, faults, Sidestep's own.
    pub(crate) fn set(seed: u64) -> Scene {
        let vendors = [Vendor::anthropic(), Vendor::openai(), Vendor::xai()];
        let providers = vendors.map(|vendor| {
            let mut vendor = vendor.with_pace(PACE).with_seed(seed);
            vendor.remembered_attempts = usize::MAX;
            Provider::new(vendor)
        });
        let lines = TaskTracker::new();
        let config = Config::parse(CONFIG, &Source::Builtin("replay"), &Variables::default())
            .unwrap_or_else(|error| panic!("{error}"));
        let engine = Engine::start(&config, carrier(&providers, &lines), Dice::seeded(seed)).unwrap();
        engine.probe();
        let application = application(&engine, &config.limits, &lines);
        Scene { engine, application, providers, lines }
    }
}

/// Carries requests to the simulated providers.
fn carrier(providers: &[Provider; 3], lines: &TaskTracker) -> Carrier {
    let (providers, lines) = (providers.clone(), lines.clone());
    Arc::new(move |config: &ProviderConfig, max_concurrency| {
        let provider = providers.iter().find(|provider| provider.vendor().name == config.id).unwrap().clone();
        let lines = lines.clone();
        let connector = connector(move || {
            let (cable, server) = Cable::new();
            let provider = provider.clone();
            lines.spawn(async move { provider.serve_connection(server).await });
            cable
        });
        let dial = Dial { http: config.http, connect_timeout: config.connect_timeout, max_concurrency };
        Ok(connect_over(&dial, connector))
    })
}

fn application(engine: &Engine, limits: &Limits, lines: &TaskTracker) -> Application {
    let (stack, limits, lines) = (stack(&engine.foundation), *limits, lines.clone());
    let connector = connector(move || {
        let (cable, server) = Cable::new();
        let serving = serve::connection(server, stack.clone(), &limits);
        lines.spawn(async move { drop(serving.await) });
        cable
    });
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector)
}

fn connector(connect: impl Fn() -> Cable + Clone + Send + Sync + 'static) -> Connector {
    BoxCloneSyncService::new(tower::service_fn(move |_: Uri| {
        let cable = connect();
        async move { Ok(cable) }
    }))
}
