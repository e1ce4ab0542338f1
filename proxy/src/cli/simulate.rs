//! `sidestep simulate`: providers that speak the vendors' dialects and fail on cue, to rehearse with.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use sidestep_simulator::{Pace, Stage, Vendor};

use super::{CliError, signal, terminal};

const EXAMPLES: &str = "\
Examples:
  sidestep simulate                                      an Anthropic, an OpenAI and an xAI provider
  sidestep simulate --print-config > rehearsal.yaml      the configuration that goes with them
  sidestep run rehearsal.yaml

  Make 30 % of one model's calls fail, look at the faults, heal everything:
  curl -X PUT localhost:7180/__simulate/anthropic/faults/claude-opus-5-5 \\
       -d '{\"fault\": \"status\", \"status\": 529, \"rate\": 0.3}'
  curl localhost:7180/__simulate/faults
  curl -X DELETE localhost:7180/__simulate/faults
  curl localhost:7180/__simulate/attempts                what reached the providers

Any key is accepted. Nothing leaves this machine.";

/// Run simulated providers that fail on cue
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Simulate {
    /// Where faults are set; the providers get the three ports after it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7180")]
    listen: SocketAddr,
    /// Wait before the first token, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300)]
    first_token: u64,
    /// Tokens in a second after the first; 0 sends them at once
    #[arg(long, value_name = "NUMBER", default_value_t = 60.0)]
    #[arg(value_parser = rate, allow_negative_numbers = true)]
    tokens_per_second: f64,
    /// Seed of the draws that decide which calls a fault hits
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print a Sidestep configuration for these providers, and end
    #[arg(long)]
    print_config: bool,
}

impl Simulate {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        if self.print_config {
            return Ok(terminal::print(&config(self.listen)?)?);
        }
        let stage = self.stage().await?;
        terminal::print(&announcement(&stage))?;
        signal::termination()?.await;
        stage.shutdown().await;
        Ok(())
    }

    async fn stage(&self) -> Result<Stage, CliError> {
        let pace = Pace {
            first_token: Duration::from_millis(self.first_token),
            spread: 0.0,
            tokens_per_second: self.tokens_per_second,
        };
        let vendors = [Vendor::anthropic(), Vendor::openai(), Vendor::xai()];
        let vendors = vendors.map(|vendor| vendor.with_pace(pace).with_seed(self.seed));
        let stage = Stage::bind(self.listen, vendors.into()).await;
        stage.map_err(|error| {
            CliError::Failed(format!(
                "cannot listen on {} and the three ports after it: {error}\nChoose others with --listen.",
                self.listen
            ))
        })
    }
}

fn announcement(stage: &Stage) -> String {
    let mut out = String::new();
    for simulator in stage.simulators() {
        let vendor = simulator.provider().vendor();
        let models: Vec<_> = vendor.models.iter().map(|model| model.name.as_str()).collect();
        out += &format!("{:<10} {}/v1  {}\n", vendor.name, simulator.url(), models.join(", "));
    }
    out + &format!(
        "{:<10} http://{}/__simulate/  (see sidestep simulate --help)\n",
        "faults",
        stage.control()
    )
}

/// A configuration for the providers that follow `listen`.
fn config(listen: SocketAddr) -> Result<String, CliError> {
    let port = |distance| {
        let port = listen.port().checked_add(distance).filter(|_| listen.port() != 0);
        let port = port
            .ok_or_else(|| CliError::Usage("--print-config needs a --listen port below 65533".to_owned()))?;
        Ok::<_, CliError>(SocketAddr::new(listen.ip(), port))
    };
    let (anthropic, openai, xai) = (port(1)?, port(2)?, port(3)?);
    Ok(format!(
        "\
# For rehearsals against `sidestep simulate --listen {listen}`.
providers:
  anthropic: {{ base_url: \"http://{anthropic}/v1\", api_key: rehearsal }}
  openai:    {{ base_url: \"http://{openai}/v1\", api_key: rehearsal }}
  xai:       {{ base_url: \"http://{xai}/v1\", api_key: rehearsal }}

models:
  opus:  {{ provider: anthropic, model: claude-opus-5-5 }}
  haiku: {{ provider: anthropic, model: claude-haiku-5-5 }}
  gpt:   {{ provider: openai, model: gpt-6.1-sol }}
  luna:  {{ provider: openai, model: gpt-6-luna }}
  grok:  {{ provider: xai, model: grok-4.7 }}

routes:
  - match: \"claude-opus-*\"
    targets: [opus, gpt, grok]
  - match: \"claude-haiku-*\"
    targets: [haiku, luna, grok]
  - match: \"gpt-*\"
    targets: [gpt, opus, grok]
"
    ))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if rate.is_finite() && rate >= 0.0 { Ok(rate) } else { Err("must be 0 or more".to_owned()) }
}
