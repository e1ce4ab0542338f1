//! `sidestep status`: who is healthy, who gets the traffic, and why.

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::client::{AdminAddress, AdminClient, ClientError};
use super::headline::Headline;
use super::table::render;
use super::terminal::Paint;
#[cfg(unix)]
use super::watch;
use super::{CliError, signal, terminal};

const EXAMPLES: &str = "\
Examples:
  sidestep status                              one look
  sidestep status --watch                      follow it on a whole screen, until q or Ctrl-C
  sidestep status --check >/dev/null           is anything ill? Exit code 5 says so
  sidestep status --json | jq '.models[] | {id, verdict, share, why}'

Verdicts: healthy; degraded (gives up a part of its traffic); open (gets none); half_open (probes decide \
whether it may come back); ramping (gets a growing share); disabled (by an operator).";

/// Clears the screen and goes to its top (ECMA-48: ED, CUP).
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Show verdicts, traffic shares, switches and recent decisions
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Status {
    /// Look again every so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
    /// Print the JSON as it is served; with --watch an object a line
    #[arg(long)]
    json: bool,
    /// End with exit code 5 when anything is ill; what an operator has disabled is not
    #[arg(long, conflicts_with = "watch")]
    check: bool,
    #[command(flatten)]
    admin: AdminAddress,
}

/// What of `/status` is shown. Unknown fields are fine, so that an older command reads a newer Sidestep.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) version: String,
    pub(super) at: f64,
    pub(super) uptime_seconds: f64,
    #[serde(default = "yes")]
    pub(super) ready: bool,
    pub(super) readiness: String,
    pub(super) config: Config,
    #[serde(default)]
    pub(super) frozen_until: Option<f64>,
    #[serde(default)]
    pub(super) providers: Vec<Provider>,
    pub(super) models: Vec<Model>,
    pub(super) routes: Vec<Route>,
    pub(super) switches: Vec<Switch>,
    #[serde(default)]
    pub(super) faults: Vec<Fault>,
    #[serde(default)]
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) source: String,
    pub(super) generation: u64,
    pub(super) last_reload: Option<Reload>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reload {
    pub(super) at: f64,
    pub(super) result: String,
    pub(super) error: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Provider {
    pub(super) id: String,
    pub(super) verdict: String,
    pub(super) why: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) verdict: String,
    pub(super) share: f64,
    #[serde(default)]
    pub(super) masked: bool,
    pub(super) failure_ratio: Option<f64>,
    pub(super) first_token_p50_seconds: Option<f64>,
    pub(super) since: f64,
    pub(super) why: String,
    pub(super) switch: Option<Switch>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Route {
    #[serde(rename = "match")]
    pub(super) pattern: String,
    pub(super) order: Vec<Target>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) model: String,
    /// 0 for the first choice; an older Sidestep does not tell.
    #[serde(default)]
    pub(super) place: Option<usize>,
    pub(super) weight: Option<u32>,
    pub(super) eligible: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Switch {
    pub(super) subject: String,
    pub(super) level: String,
    pub(super) kind: String,
    pub(super) reason: String,
    pub(super) actor: String,
    pub(super) set_at: f64,
    pub(super) left_seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    pub(super) subject: String,
    pub(super) level: String,
    pub(super) what: String,
    pub(super) rate: f64,
    pub(super) reason: String,
    pub(super) actor: String,
    pub(super) left_seconds: f64,
    pub(super) met: u64,
    pub(super) injected: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) at: f64,
    pub(super) subject: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) why: String,
    pub(super) actor: Option<String>,
}

impl Switch {
    /// What it did.
    pub(super) fn verb(&self) -> &'static str {
        if self.kind == "pin" { "pinned" } else { "disabled" }
    }
}

impl Status {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        let client = self.admin.client()?;
        match self.watch {
            None => self.once(&client).await,
            #[cfg(unix)]
            Some(seconds) if !self.json && std::io::stdout().is_terminal() => {
                watch::watch(&client, Duration::from_secs(seconds)).await
            }
            Some(seconds) => self.watch(&client, Duration::from_secs(seconds)).await,
        }
    }

    async fn once(&self, client: &AdminClient) -> Result<(), CliError> {
        let answer = client.ask(Method::GET, "/status", None).await?;
        let report = Report::deserialize(&answer).map_err(|error| client.strange(&error.to_string()))?;
        terminal::print(&self.shown(&answer, &report, Paint::of_stdout()))?;
        let ill = Headline::of(&report).ill;
        if !self.check || ill.is_empty() {
            Ok(())
        } else {
            Err(CliError::Ill(terminal::tame(&ill.join(", "))))
        }
    }

    /// Goes on when Sidestep is away for a while: a restart is part of what one watches.
    async fn watch(&self, client: &AdminClient, pause: Duration) -> Result<(), CliError> {
        let paint = Paint::of_stdout();
        let mut ended = std::pin::pin!(signal::termination()?);
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut ended => return Ok(()),
                _ = ticks.tick() => {}
            }
            let shown = match self.look(client, paint).await {
                Ok(shown) => shown,
                Err(error) if self.json => return Err(error.into()),
                Err(error) => format!("{error}\n"),
            };
            let clear = if paint == Paint::Colour && !self.json { CLEAR } else { "" };
            terminal::print(&format!("{clear}{shown}"))?;
        }
    }

    async fn look(&self, client: &AdminClient, paint: Paint) -> Result<String, ClientError> {
        let answer = client.ask(Method::GET, "/status", None).await?;
        let report = Report::deserialize(&answer).map_err(|error| client.strange(&error.to_string()))?;
        Ok(self.shown(&answer, &report, paint))
    }

    fn shown(&self, answer: &Value, report: &Report, paint: Paint) -> String {
        if self.json { as_json(answer, self.watch.is_some()) } else { render(report, paint) }
    }
}

fn yes() -> bool {
    true
}

fn as_json(answer: &Value, one_line: bool) -> String {
    if one_line { format!("{answer}\n") } else { format!("{answer:#}\n") }
}
