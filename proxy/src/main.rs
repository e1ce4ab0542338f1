//! The binary: reads the command line, starts the runtime, and turns errors into words and exit codes.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sidestep::cli::{Cli, CliError, complete};

fn main() -> ExitCode {
    match complete() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        // A shell in the middle of a line has no use for words.
        Err(_) => return ExitCode::from(2),
    }
    let ended = start(Cli::parse());
    // Before the process's own last words, which go to the same place.
    sidestep::logging::flush();
    let error = match ended {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    let known = error.downcast_ref::<CliError>();
    if !matches!(known, Some(CliError::Closed)) {
        // With standard error closed, too, the exit code alone has to tell.
        writeln!(std::io::stderr(), "sidestep: {error:#}").ok();
    }
    known.map_or(ExitCode::FAILURE, CliError::exit_code)
}

fn start(cli: Cli) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the async runtime")?;
    Ok(runtime.block_on(cli.run())?)
}
