//! The command line: one enum, one file for each command.

mod check;
mod client;
mod completions;
mod demo;
mod disable;
mod enable;
mod fault;
mod headline;
mod import;
mod incidents;
mod inject;
mod log;
mod names;
mod notify;
mod report;
mod run;
mod signal;
mod simulate;
mod span;
mod status;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::client::ClientError;
pub use self::completions::complete;
use crate::config::Variables;
use crate::telemetry::VERSION;

const ABOUT: &str = "Keeps an application answered while language-model providers fail and recover";

const LONG_ABOUT: &str = "\
Sidestep keeps an application answered while language-model providers fail and recover.

It runs beside the application, takes its calls to model providers on loopback, and answers each of them \
as long as any configured provider can. The application keeps its official SDK: only the base URL changes.";

const EXAMPLES: &str = "\
First steps:
  sidestep demo                              watch a provider fail and recover, without any key
  ANTHROPIC_API_KEY=... OPENAI_API_KEY=... sidestep run
                                             serve with what the environment gives, no file needed
  export ANTHROPIC_BASE_URL=http://127.0.0.1:6180
  export OPENAI_BASE_URL=http://127.0.0.1:6180/v1
                                             send an application's SDK there

With a configuration:
  sidestep check sidestep.yaml               is it right, and what would happen to each route?
  sidestep run sidestep.yaml                 serve; a changed file is taken over while running

During an incident:
  sidestep status --watch                    who is healthy, who gets the traffic, and why
  sidestep disable anthropic --for 30m --reason \"529s\"
  sidestep enable anthropic

Afterwards:
  sidestep incidents                         what went wrong lately, and what it cost
  sidestep incidents last --markdown         a report to paste into a postmortem

The day before:
  sidestep fault anthropic --status 529 --rate 0.3 --for 5m
                                             rehearse an incident, where the configuration allows it

Exit codes:
  0  all went well                            3  no running Sidestep could be reached
  1  it failed while running                  4  Sidestep was reached and refused
  2  the configuration or the command         5  something is ill (sidestep status --check)
     line is wrong";

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "sidestep", version = VERSION, about = ABOUT, long_about = LONG_ABOUT, after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Demo(demo::Demo),
    Check(check::Check),
    Simulate(simulate::Simulate),
    Status(status::Status),
    Disable(disable::Disable),
    Enable(enable::Enable),
    Fault(fault::Fault),
    Incidents(incidents::Incidents),
    Log(log::Log),
    Notify(notify::Notify),
    Import(import::Import),
    Inject(inject::Inject),
    Completions(completions::Completions),
}

/// Why a command did not succeed, in words for whoever typed it.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration or the command line is wrong. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It failed while running. Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// The admin side of a running Sidestep could not be reached, exit code 3, or refused, exit code 4.
    #[error(transparent)]
    Admin(#[from] ClientError),
    /// Something is ill, and it was asked whether. Exit code 5.
    #[error("{0}")]
    Ill(String),
    /// Nobody reads what was written any more, as with `sidestep status | head`. Exit code 0.
    #[error("the output was closed")]
    Closed,
}

// === impl Cli ===

impl Cli {
    /// Does what was typed.
    ///
    /// # Errors
    /// What went wrong; [`CliError::exit_code`] tells how to end.
    pub async fn run(self) -> Result<(), CliError> {
        match self.command {
            Command::Run(run) => run.run().await,
            Command::Demo(demo) => demo.run().await,
            Command::Check(check) => check.run(Variables::of_process()),
            Command::Simulate(simulate) => simulate.run().await,
            Command::Status(status) => status.run().await,
            Command::Disable(disable) => disable.run().await,
            Command::Enable(enable) => enable.run().await,
            Command::Fault(fault) => fault.run().await,
            Command::Incidents(incidents) => incidents.run().await,
            Command::Log(log) => log.run().await,
            Command::Notify(notify) => notify.run().await,
            Command::Import(import) => import.run(),
            Command::Inject(inject) => inject.run().await,
            Command::Completions(completions) => completions.run(),
        }
    }
}

// === impl CliError ===

impl CliError {
    /// How the process ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::Admin(ClientError::Address(_) | ClientError::Token) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
            Self::Admin(ClientError::Refused { .. }) => ExitCode::from(4),
            Self::Admin(_) => ExitCode::from(3),
            Self::Ill(_) => ExitCode::from(5),
            Self::Closed => ExitCode::SUCCESS,
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Failed(error.to_string())
        }
    }
}
