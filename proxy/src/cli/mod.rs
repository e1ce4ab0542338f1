//! The command line: one enum, one file for each command.

mod check;
mod client;
mod completions;
mod demo;
mod disable;
mod enable;
mod run;
mod signal;
mod simulate;
mod span;
mod status;
mod table;
mod terminal;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::client::ClientError;
use crate::config::Variables;

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

Exit codes: 0 all went well, 1 it failed while running, 2 the configuration or the command line is wrong.";

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "sidestep", version, about = ABOUT, long_about = LONG_ABOUT, after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
            Command::Run(run) => run.run().await,
            Command::Demo(demo) => demo.run().await,
