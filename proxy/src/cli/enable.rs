//! `sidestep enable`: lift a switch, or keep something in service by force.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use http::Method;

use super::client::AdminAddress;
use super::disable::{Actor, Wish, aftermath};
use super::{CliError, names, span, terminal};
use crate::escape;

const EXAMPLES: &str = "\
Examples:
  sidestep enable anthropic                    lift the switch; what the probes found decides again
  sidestep enable opus --pin --for 10m --reason \"verdict is wrong, see incident 7\"
                                               full service whatever the evidence says, for ten minutes

After a switch is lifted, a provider that still fails is kept out by its verdict, as ever.";

/// Lift the switch of a provider or a model
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Enable {
    /// Provider or model, by its name in the configuration
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(names::subjects))]
    subject: String,
    /// Keep it in full service whatever the evidence says, instead of only lifting its switch
    #[arg(long)]
    pin: bool,
    /// How long to pin, like 90s, 30m, 1h30m or 2d; without it until `sidestep enable`
    #[arg(long = "for", value_name = "SPAN", value_parser = span::parse, requires = "pin")]
    span: Option<Duration>,
    /// Why to pin; shown to everybody who asks for the status
    #[arg(long, value_name = "TEXT", default_value = "no reason given", requires = "pin")]
    reason: String,
    #[command(flatten)]
    actor: Actor,
    #[command(flatten)]
    admin: AdminAddress,
}

impl Enable {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        let told = if self.pin { self.pin().await? } else { self.lift().await? };
        Ok(terminal::print(&told)?)
    }

    async fn pin(&self) -> Result<String, CliError> {
        let wish = Wish {
            subject: &self.subject,
            kind: "pin",
            span: self.span,
            reason: &self.reason,
            actor: self.actor.name(),
        };
        wish.send(&self.admin).await
    }

    async fn lift(&self) -> Result<String, CliError> {
        let (subject, actor) = (escape::encode(&self.subject), escape::encode(&self.actor.name()));
        let path = format!("/switches/{subject}?actor={actor}");
        let mut done = self.admin.client()?.ask(Method::DELETE, &path, None).await?;
        // Nothing is lost when a switch that is gone is not kept.
        done["kept"] = true.into();
        Ok(format!("The switch on {} is lifted.\n{}", self.subject, aftermath(&done)))
    }
}
