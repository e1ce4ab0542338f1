//! `sidestep completions`: what a shell needs to complete commands, and the answers that it gets.

use std::path::Path;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};

use super::{Cli, CliError, terminal};

const EXAMPLES: &str = "\
Examples:
  sidestep completions bash > /etc/bash_completion.d/sidestep
  sidestep completions zsh  > \"${fpath[1]}/_sidestep\"
  sidestep completions fish > ~/.config/fish/completions/sidestep.fish

Names of providers, models and incidents are completed, too: the running Sidestep is asked (--admin), and when \
it does not answer within half a second, ./sidestep.yaml and /etc/sidestep/sidestep.yaml are read.";

/// Set by the scripts when they ask what could come next.
const ASKING: &str = "SIDESTEP_COMPLETE";

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Completions {
    /// For which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let mut script = Vec::new();
        let shells = Shells::builtins();
        let shell = shells.completer(&self.shell.to_string());
        let shell = shell.ok_or_else(|| CliError::Usage(format!("{} cannot be completed", self.shell)))?;
        shell.write_registration(ASKING, "sidestep", "sidestep", &program(), &mut script)?;
        Ok(terminal::print(&String::from_utf8_lossy(&script))?)
    }
}

/// Answers a shell that asks what could come next. False when none does.
///
/// # Errors
/// When the shell is unknown, or does not listen.
pub fn complete() -> Result<bool, clap::Error> {
    let asked = CompleteEnv::with_factory(Cli::command).var(ASKING);
    asked.try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref())
}

/// How the script calls this program: as it was called itself.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = Path::new(&called);
    let found = if called.components().count() > 1 { std::path::absolute(called).ok() } else { None };
    found.map_or_else(|| "sidestep".to_owned(), |path| path.to_string_lossy().into_owned())
}
