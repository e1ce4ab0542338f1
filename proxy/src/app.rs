//! Puts listeners around the engine, in reading order. Tasks are started by the two, and by those to whom they hand
//! `Tasks`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Admin, ConfigState, Live, Readiness, SwitchDesk};
use crate::config::reload::{self, POLL_INTERVAL, Polled, Reload};
use crate::config::{Config, DrainConfig};
use crate::dice::Dice;
use crate::engine::{Engine, EngineError};
use crate::history::{History, Sampler};
use crate::journal::{Journal, Kind};
use crate::logging::{self, LogLevel};
use crate::serve::{Server, listen};
use crate::stack::{Foundation, stack};
use crate::switches::{SwitchFile, SwitchFileError};
use crate::tasks::Tasks;
use crate::upstream::dial;

/// What tasks get to end after the last connection is closed.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Sidestep, running.
pub struct App {
    /// Where applications call.
    pub address: SocketAddr,
    /// Where operators look.
    pub admin_address: SocketAddr,
    /// What the stack stands on.
    pub foundation: Foundation,
    /// What was decided, and why.
    pub journal: Arc<Journal>,
    /// Which configuration is in force.
    pub config: Arc<ConfigState>,
    readiness: Readiness,
    log_level: LogLevel,
    engine: Engine,
    drain: DrainConfig,
    closing: CancellationToken,
    cut: oneshot::Receiver<usize>,
}

/// Why Sidestep did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be put in force.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Switches of an earlier run cannot be read.
    #[error(transparent)]
    Switches(#[from] SwitchFileError),
    /// A port is taken or not allowed.
    #[error("cannot listen on {address} ({key}): {reason}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// The key of the configuration.
        key: &'static str,
        /// What the system said.
        reason: std::io::Error,
    },
}

impl App {
    /// Starts everything that `config` describes.
    ///
    /// # Errors
    /// When a port is taken, a provider is unusable, or kept switches are unreadable.
    pub async fn start(config: Config) -> Result<App, StartError> {
        let engine = Engine::start(&config, Arc::new(dial), Dice::new())?;
        let readiness = Readiness::default();
        let serving = readiness.wait_for("listeners");
        // Switches are in force before anyone can call.
        let desk = desk(&config, &engine).await?;
        let listener = bind(config.listen, "listen")?;
        let admin_listener = bind(config.admin.listen, "admin.listen")?;
        let address = listener.local_addr().unwrap_or(config.listen);
        let admin_address = admin_listener.local_addr().unwrap_or(config.admin.listen);

        engine.probe();
        let Engine { foundation, journal, tasks, .. } = engine.clone();
        let source = config.source.to_string();
        let metrics = foundation.metrics.clone();
        let state = Arc::new(ConfigState::new(foundation.clock, metrics, journal.clone(), &source));
        let log_level = LogLevel::new(
            &config.log.level,
            Box::new(logging::refilter),
            (journal.clone(), foundation.clock, tasks.clone()),
        );
        let desks = (desk, log_level.clone());
        let admin = administration(&engine, (&readiness, state.clone()), desks, &config);
        tasks.spawn("admin", admin::serve(admin_listener, Arc::new(admin), tasks.clone()));
        let (closing, cut) = serve(listener, &foundation, &config, &tasks);

        serving.ready();
        journal.note(Kind::Process, "sidestep", &format!("started; applications call {address}"));
        let drain = config.drain;
        Ok(App {
            address,
            admin_address,
            foundation,
            journal,
            config: state,
            readiness,
            log_level,
            engine,
            drain,
            closing,
            cut,
        })
    }

    /// Polls the configuration's source, and puts what is new in force.
    pub fn follow(&self, reload: Reload) {
        // One message per change of a file that is polled every 2 s: it cannot pile up.
        let (sender, receiver) = mpsc::unbounded_channel();
        let publish = move |polled| drop(sender.send(polled));
        let in_force = InForce {
            engine: self.engine.clone(),
            state: self.config.clone(),
            log_level: self.log_level.clone(),
        };
        let tasks = &self.engine.tasks;
        tasks.spawn_until_stop("config poll", reload::watch(reload, POLL_INTERVAL, publish));
        tasks.spawn_until_stop("config reload", in_force.follow(receiver));
    }

    /// Drains and ends. Readiness falls first; calls under way finish, at most for the configured time.
    /// Returns how many connections had to be cut.
    pub async fn stop(self) -> usize {
        self.readiness.drain();
        self.foundation.metrics.draining();
        self.journal.note(Kind::Process, "sidestep", "draining: no new connections, calls under way finish");
        self.closing.cancel();
        let longest = self.drain.grace + self.drain.timeout + LAST_WORDS;
        let cut = tokio::time::timeout(longest, self.cut).await;
        let cut = cut.ok().and_then(Result::ok).unwrap_or_default();
        self.engine.tasks.finish(LAST_WORDS).await;
        cut
    }
}

/// The parts that a new configuration replaces.
struct InForce {
    engine: Engine,
    state: Arc<ConfigState>,
    log_level: LogLevel,
}

impl InForce {
    async fn follow(self, mut polled: mpsc::UnboundedReceiver<Polled>) {
        while let Some(polled) = polled.recv().await {
            match polled {
                Polled::Unchanged => {}
                Polled::Refused(error) => self.state.rejected(&error.to_string()),
                Polled::Changed { config, restart } => {
                    if !restart.is_empty() {
                        tracing::warn!(
                            keys = restart.join(", "),
                            "these changes take effect at the next start"
                        );
                    }
                    match self.engine.replace(&config).await {
                        Ok(generation) => {
                            self.log_level.configure(&config.log.level);
                            self.state.applied(generation);
                        }
                        Err(error) => self.state.rejected(&error.to_string()),
                    }
                }
            }
        }
    }
}

fn bind(address: SocketAddr, key: &'static str) -> Result<TcpListener, StartError> {
    listen(address).map_err(|reason| StartError::Listen { address, key, reason })
}

/// Where switches are handed in, with those of the last run in force.
async fn desk(config: &Config, engine: &Engine) -> Result<SwitchDesk, StartError> {
    let file = config.state.as_deref().map(SwitchFile::in_folder);
    let Foundation { judge, clock, .. } = &engine.foundation;
    let desk = SwitchDesk::new(judge.clone(), file.clone(), *clock, engine.tasks.clone());
    if let Some(file) = &file {
        desk.restore(file.load(clock.reading())?, &engine.journal).await;
    }
    Ok(desk)
}

/// Serves applications until the token is cancelled; then the receiver tells how many connections were cut.
fn serve(
    listener: TcpListener,
    on: &Foundation,
    config: &Config,
    tasks: &Tasks,
) -> (CancellationToken, oneshot::Receiver<usize>) {
    let closing = CancellationToken::new();
    let (sender, cut) = oneshot::channel();
    let server = Server {
        listener,
        stack: stack(on),
        limits: config.limits,
        drain: config.drain,
        metrics: on.metrics.clone(),
        tasks: tasks.clone(),
    };
    let close = closing.clone();
    tasks.spawn("server", async move {
        // Nobody waits for the count when the process is dropped instead of stopped.
        sender.send(server.run(close).await).ok();
    });
    (closing, cut)
}

fn administration(
    engine: &Engine,
    (readiness, state): (&Readiness, Arc<ConfigState>),
    (desk, log_level): (SwitchDesk, LogLevel),
    config: &Config,
) -> Admin {
    let Engine { foundation: on, journal, incidents, faults, tasks, .. } = engine.clone();
    let catalog = on.catalog.clone();
    let history = Arc::new(History::default());
    let sampler = Sampler::new(history.clone(), catalog.clone(), on.metrics.clone(), on.clock);
    tasks.spawn_until_stop("history", sampler.run());
    Admin {
        clock: on.clock,
        metrics: on.metrics.clone(),
        journal,
        incidents,
        faults,
        history,
        live: Live::new(tasks.stopping(), on.clock.unix_now()),
        readiness: readiness.clone(),
        config: state,
        judge: on.judge.clone(),
        desk,
        log_level,
        topology: Box::new(move || catalog.load().topology.clone()),
        token: config.admin.token.as_ref().and_then(|token| token.secret()).cloned(),
    }
}
