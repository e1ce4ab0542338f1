//! `sidestep log`: what a running Sidestep logs, and another level for a while.

use std::time::Duration;

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::client::AdminAddress;
use super::disable::Actor;
use super::{CliError, span, terminal};

const EXAMPLES: &str = "\
Examples:
  sidestep log                                 what is logged now, and who ordered it
  sidestep log debug --for 10m                 a line for each call and each step, for ten minutes
  sidestep log info,sidestep::judge=debug      one part in more detail, until told otherwise
  sidestep log --reset                         as the configuration says

Levels are off, error, warn, info, debug and trace. Prompts, answers and keys are in none of them.";

/// Show or change the log level of a running Sidestep
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Log {
    /// The level from now on, or a filter; without it, the present one is shown
    #[arg(value_name = "LEVEL")]
    level: Option<String>,
    /// How long, like 90s, 30m, 1h30m or 2d; without it until told otherwise
    #[arg(long = "for", value_name = "SPAN", value_parser = span::parse, requires = "level")]
    span: Option<Duration>,
    /// Back to the level of the configuration
    #[arg(long, conflicts_with_all = ["level", "span"])]
    reset: bool,
    #[command(flatten)]
    actor: Actor,
    #[command(flatten)]
    admin: AdminAddress,
}

impl Log {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        let client = self.admin.client()?;
        let changes = self.reset || self.level.is_some();
        let order = json!({
            "level": self.level,
            "actor": self.actor.name(),
            "for_seconds": self.span.map(|span| span.as_secs()),
        });
        let method = if changes { Method::PUT } else { Method::GET };
        let report = client.ask(method, "/log", Some(&order).filter(|_| changes)).await?;
        let told = told(&report).ok_or_else(|| client.strange("no log level in its answer"))?;
        Ok(terminal::print(&told)?)
    }
}

/// What `/log` said, in words.
fn told(report: &Value) -> Option<String> {
    let text = |field: &str| report[field].as_str().map(terminal::tame);
    let (level, configured) = (text("level")?, text("configured")?);
    let Some(actor) = text("actor") else {
        return Some(format!("The log level is {level}, as configured.\n"));
    };
    let end = report["left_seconds"].as_f64().map_or_else(
        || "until told otherwise (`sidestep log --reset`)".to_owned(),
        |left| format!("for another {}", span::show(left)),
    );
    Some(format!("The log level is {level}, by {actor}, {end}; then {configured}.\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_force_is_told_with_its_end() {
        let plain = told(&json!({"level": "info", "configured": "info"})).unwrap();
        assert_eq!(plain, "The log level is info, as configured.\n");
        let ordered = json!({"level": "debug", "configured": "info", "actor": "ada", "left_seconds": 599.8});
        assert_eq!(told(&ordered).unwrap(), "The log level is debug, by ada, for another 10m; then info.\n");
        assert_eq!(told(&json!({"status": "ok"})), None);
    }
}
