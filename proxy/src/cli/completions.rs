//! `sidestep completions`: what a shell needs to complete commands.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, CliError, terminal};

const EXAMPLES: &str = "\
Examples:
  sidestep completions bash > /etc/bash_completion.d/sidestep
  sidestep completions zsh  > \"${fpath[1]}/_sidestep\"
  sidestep completions fish > ~/.config/fish/completions/sidestep.fish";

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
        clap_complete::generate(self.shell, &mut Cli::command(), "sidestep", &mut script);
        Ok(terminal::print(&String::from_utf8_lossy(&script))?)
    }
}
