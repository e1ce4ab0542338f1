//! `sidestep disable`: take a provider or a model out of service, now.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use http::Method;
use serde_json::{Value, json};

use super::client::AdminAddress;
use super::{CliError, names, span, terminal};

const EXAMPLES: &str = "\
Examples:
  sidestep disable anthropic --for 30m --reason \"529s since 14:02\"
  sidestep disable opus                        one model; its provider's others go on
  sidestep disable provider:local              when a provider and a model share a name

The very next request obeys. The switch beats every verdict, survives a restart when a state folder is \
configured, and ends by itself after --for, or with `sidestep enable`.";

/// Take a provider or a model out of service
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Disable {
    /// Provider or model, by its name in the configuration
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(names::subjects))]
    subject: String,
    /// How long, like 90s, 30m, 1h30m or 2d; without it until `sidestep enable`
    #[arg(long = "for", value_name = "SPAN", value_parser = span::parse)]
    span: Option<Duration>,
    /// Why; shown to everybody who asks for the status
    #[arg(long, value_name = "TEXT", default_value = "no reason given")]
    reason: String,
    #[command(flatten)]
    actor: Actor,
    #[command(flatten)]
    admin: AdminAddress,
}

/// Who does it.
#[derive(Args, Debug)]
pub(super) struct Actor {
    /// Who you are, for the record [default: $USER@host]
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

/// A switch that is to be set.
pub(super) struct Wish<'a> {
    pub(super) subject: &'a str,
    pub(super) kind: &'static str,
    pub(super) span: Option<Duration>,
    pub(super) reason: &'a str,
    pub(super) actor: String,
}

impl Disable {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        let wish = Wish {
            subject: &self.subject,
            kind: "disable",
            span: self.span,
            reason: &self.reason,
            actor: self.actor.name(),
        };
        let told = wish.send(&self.admin).await?;
        Ok(terminal::print(&told)?)
    }
}

impl Wish<'_> {
    /// Sends it, and gives what to tell whoever asked for it.
    pub(super) async fn send(&self, to: &AdminAddress) -> Result<String, CliError> {
        let wish = json!({
            "subject": self.subject,
            "kind": self.kind,
            "reason": self.reason,
            "actor": self.actor,
            "for_seconds": self.span.map(|span| span.as_secs()),
        });
        let done = to.client()?.ask(Method::POST, "/switches", Some(&wish)).await?;
        let how = if self.kind == "pin" { "kept in full service" } else { "disabled" };
        let how_long = self.span.map_or_else(
            || format!("until `sidestep enable {}`", self.subject),
            |span| format!("for {}", span::show(span.as_secs_f64())),
        );
        Ok(format!("{} is {how} {how_long} ({}).\n{}", self.subject, self.reason, aftermath(&done)))
    }
}

impl Actor {
    pub(super) fn name(&self) -> String {
        self.actor.clone().unwrap_or_else(whoami)
    }
}

/// Who types here, as far as the machine knows.
pub(super) fn whoami() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER").or_else(|| variable("USERNAME")).unwrap_or_else(|| "somebody".to_owned());
    format!("{user}@{}", host())
}

/// What a change of switches led to, a line each.
pub(super) fn aftermath(done: &Value) -> String {
    let decisions = done["decisions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut told = String::new();
    for decision in decisions.iter().filter_map(Value::as_str) {
        told += &format!("  {}\n", terminal::tame(decision));
    }
    if done["kept"] == false {
        told += "  A restart forgets it: no state folder is configured (state).\n";
    }
    told
}

fn host() -> String {
    let read = |path| std::fs::read_to_string(path).ok();
    let name = read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"));
    let name = name.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "unknown-host".to_owned() } else { name.to_owned() }
}
