//! `sidestep demo`: an incident in a minute.

use clap::Args;

use super::{CliError, terminal};
use crate::config::LogConfig;
use crate::{demo, logging};

const EXAMPLES: &str = "\
Three simulated providers, Sidestep and an application run in this process, over real loopback sockets. The \
first provider's big model begins to fail, the rest of that provider follows, and it heals in stages. Nothing \
leaves this machine, and no key is needed.

Exit code 0 when no call failed or was cut and traffic returned to its first choice, 1 otherwise.

Examples:
  sidestep demo
  sidestep demo --json | jq .switch_latency_p99_ms";

/// Watch a provider fail and recover, without any key
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Demo {
    /// Print nothing but one JSON object, at the end
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        // The screen tells what matters; log lines would tear it.
        let log = LogConfig { level: "error".to_owned(), ..LogConfig::default() };
        logging::start(&log).map_err(|error| CliError::Failed(error.to_string()))?;
        let summary = demo::run(self.json).await.map_err(|error| CliError::Failed(error.to_string()))?;
        if self.json {
            let json = serde_json::to_string(&summary);
            terminal::print(&(json.map_err(|error| CliError::Failed(error.to_string()))? + "\n"))?;
        } else {
            terminal::print(&format!("\n{summary}"))?;
        }
        if summary.is_good() {
            return Ok(());
        }
        Err(CliError::Failed("the incident was noticed by the application; see the figures above".to_owned()))
    }
}
