//! `sidestep run`: the sidecar itself.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use super::{CliError, signal, terminal};
use crate::app::App;
use crate::config::environment::compose;
use crate::config::reload::Reload;
use crate::config::{Config, ConfigError, Overrides, Period, Source, Variables};
use crate::logging;
use crate::switches::SwitchFile;

const EXAMPLES: &str = "\
Without a file, Sidestep builds a configuration from the provider keys in its environment \
(ANTHROPIC_API_KEY, OPENAI_API_KEY, XAI_API_KEY, ...) and prints what it built.

Examples:
  ANTHROPIC_API_KEY=... OPENAI_API_KEY=... sidestep run
  sidestep run sidestep.yaml
  sidestep run sidestep.yaml --admin-listen 0.0.0.0:6181 --log-level debug
  sidestep run --keys /var/run/secrets/sidestep

The application then needs its SDK's base URL only:
  export ANTHROPIC_BASE_URL=http://127.0.0.1:6180
  export OPENAI_BASE_URL=http://127.0.0.1:6180/v1

A changed file, or a rotated key file, is taken over while running; one that is wrong is refused and the old \
one stays. On SIGTERM, or Ctrl-C, readiness falls, streams finish (drain.timeout), and the process ends with 0.";

/// Serve: take the application's calls and keep them answered
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Run {
    /// The configuration; without it, the provider keys in the environment
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same, as many service definitions write it
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
    /// A folder whose files stand in for variables that are not set, such as keys: FOLDER/ANTHROPIC_API_KEY
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// Where applications call, whatever the configuration says of `listen`
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where operators call, whatever the configuration says of `admin.listen`
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// What is logged, whatever the configuration says of `log.level`
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How long connections are taken after SIGTERM, whatever the configuration says of `drain.grace`
    #[arg(long, value_name = "TIME", value_parser = grace)]
    drain_grace: Option<Duration>,
    /// Forget kept switches, such as when their file is broken: it is moved aside, what they forbade is allowed
    #[arg(long)]
    forget_switches: bool,
}

impl Run {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let overrides = self.overrides();
        let variables = Variables::of_process().with_folder(self.keys);
        let source = self.file.or(self.config).map_or(Source::Environment, Source::File);
        let unusable = |error: ConfigError| CliError::Usage(error.to_string());
        let mut config = Config::load(&source, &variables).map_err(unusable)?;
        overrides.apply(&mut config);
        logging::start(&config.log)
            .map_err(|error| CliError::Usage(format!("log.level `{}`: {error}", config.log.level)))?;
        if source == Source::Environment {
            let built = compose(&variables).map_err(unusable)?;
            terminal::print(&format!("{built}# `sidestep check --print` shows it with all defaults.\n\n"))?;
        }
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        if let Some(folder) = config.state.as_deref().filter(|_| self.forget_switches) {
            forget_switches(folder)?;
        }
        // Listened for before anything starts, so that no signal is missed.
        let ended = signal::termination()?;
        let reload = Reload::new(config.clone(), variables).insisting(overrides);
        let app = App::start(config).await.map_err(|error| CliError::Failed(error.to_string()))?;
        app.follow(reload);
        tracing::info!(applications = %app.address, admin = %app.admin_address, "serving");
        ended.await;
        let cut = app.stop().await;
        if cut > 0 {
            tracing::warn!(connections = cut, "cut at the end of the drain time (drain.timeout)");
        }
        tracing::info!("ended");
        Ok(())
    }

    fn overrides(&self) -> Overrides {
        Overrides {
            listen: self.listen,
            admin_listen: self.admin_listen,
            log_level: self.log_level.clone(),
            drain_grace: self.drain_grace,
        }
    }
}

fn grace(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write it like 500ms, 20s or 1m");
    Period::parse(text).map(|period| period.0).ok_or_else(wrong)
}

fn forget_switches(folder: &Path) -> Result<(), CliError> {
    let aside =
        SwitchFile::in_folder(folder).set_aside().map_err(|error| CliError::Failed(error.to_string()))?;
    if let Some(aside) = aside {
        tracing::warn!(file = %aside.display(), "kept switches were moved aside and are not in force");
    }
    Ok(())
}
