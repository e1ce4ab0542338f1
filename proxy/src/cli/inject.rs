//! `sidestep inject`: the admission webhook that puts the sidecar into pods.

use std::path::{Path, PathBuf};

use clap::Args;
use sidestep_inject::cluster::{Access, Cluster, SERVICE_ACCOUNT};
use sidestep_inject::{Injector, Settings};

use super::{CliError, signal};
use crate::config::{LogConfig, LogFormat};
use crate::logging;

const EXAMPLES: &str = "\
Runs in a cluster, as a Deployment with two replicas; the Helm chart (helm/sidestep) makes it, with its settings, \
its service account and the webhook configuration.

Examples:
  sidestep inject --config /etc/sidestep-inject/inject.yaml

On SIGTERM readiness falls, another replica leads, requests under way are answered, and the process ends with 0.";

/// Serve the Kubernetes admission webhook that puts Sidestep into pods
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Inject {
    /// The injector's own settings, as the chart renders them
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Inject {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let failed = |error: &dyn std::error::Error| CliError::Failed(error.to_string());
        let settings = settings(&self.config)?;
        begin_log(&settings)?;
        let variable = |name: &str| std::env::var(name).ok();
        let access =
            Access::in_cluster(variable, Path::new(SERVICE_ACCOUNT)).map_err(|error| failed(&error))?;
        // Listened for before anything starts, so that no signal is missed.
        let ended = signal::termination()?;
        let injector = Injector::start(settings, Cluster::new(access), &replica()).await;
        let injector = injector.map_err(|error| match error.is_settings() {
            true => CliError::Usage(format!("{}: {error}", self.config.display())),
            false => failed(&error),
        })?;
        tracing::info!(reviews = %injector.address, admin = %injector.admin_address, "listening");
        let cut = injector.run(ended).await;
        if cut > 0 {
            tracing::warn!(connections = cut, "cut at the end of the drain time (drain.timeout)");
        }
        tracing::info!("ended");
        Ok(())
    }
}

fn settings(path: &Path) -> Result<Settings, CliError> {
    let refused = |error: &dyn std::fmt::Display| CliError::Usage(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
    Settings::parse(&text).map_err(|error| refused(&error))
}

fn begin_log(settings: &Settings) -> Result<(), CliError> {
    let format = match settings.log.format {
        sidestep_inject::LogFormat::Text => LogFormat::Text,
        sidestep_inject::LogFormat::Json => LogFormat::Json,
    };
    let level = settings.log.level.clone();
    logging::start(&LogConfig { level, format, access: None })
        .map_err(|error| CliError::Usage(format!("log.level `{}`: {error}", settings.log.level)))
}

/// A name that no other replica has, nor had: a container that starts again in its pod keeps the host's name.
fn replica() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "sidestep-inject".to_owned());
    format!("{host}_{:08x}", rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;

    #[tokio::test]
    async fn what_is_wrong_with_the_settings_or_the_place_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("inject.yaml");
        let told = async |text: &str| {
            std::fs::write(&config, text).unwrap();
            let error = Inject { config: config.clone() }.run().await.unwrap_err();
            (error.exit_code(), error.to_string())
        };
        let good =
            "namespace: sidestep\ncertificate: { mode: files, folder: /tls }\nsidecar: { image: sidestep }\n";
        let (code, why) = told(&good.replace("image:", "imgae:")).await;
        assert_eq!(code, ExitCode::from(2));
        assert!(why.contains("inject.yaml") && why.contains("imgae"), "{why}");
        // Tests do not run in a pod.
        let (code, why) = told(good).await;
        assert_eq!(code, ExitCode::FAILURE);
        assert!(why.contains("not in a Kubernetes pod: KUBERNETES_SERVICE_HOST is not set"), "{why}");
        let missing = Inject { config: folder.path().join("none.yaml") }.run().await.unwrap_err();
        assert_eq!(missing.exit_code(), ExitCode::from(2));
        assert!(missing.to_string().contains("none.yaml"), "{missing}");
    }
}
