//! `sidestep notify`: do messages arrive?

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{CliError, terminal};
use crate::clock::Clock;
use crate::config::{Config, NotifyEvent, NotifyTarget, Source, Variables};
use crate::notify;

const EXAMPLES: &str = "\
Examples:
  sidestep notify test --config sidestep.yaml           a test message to every target, and what each answers
  sidestep notify test oncall --config sidestep.yaml    to one of them

Messages go out from here, not from a running Sidestep: run it where that runs, in its container for instance. \
Exit code 1 if any did not arrive.";

/// Try whether those who are told of incidents hear of them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Notify {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send a test message, marked as one, and print the answer
    Test(Test),
}

#[derive(Args, Debug)]
struct Test {
    /// Targets, by their names in the configuration; without any, all of them
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A folder whose files stand in for variables that are not set: FOLDER/SLACK_URL
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
}

// === impl Notify ===

impl Notify {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        let What::Test(test) = &self.command;
        test.run().await
    }
}

// === impl Test ===

impl Test {
    async fn run(&self) -> Result<(), CliError> {
        let variables = Variables::of_process().with_folder(self.keys.clone());
        let config = Config::load(&Source::File(self.config.clone()), &variables);
        let config = config.map_err(|error| CliError::Usage(error.to_string()))?;
        let mut failed = 0_usize;
        for target in self.chosen(&config)? {
            let told = notify::test(&config.notify, target, Clock::start().unix_now()).await;
            failed += usize::from(told.is_err());
            let said = told.map_or_else(|why| format!("FAILED, {why}"), |said| format!("sent, {said}"));
            let said: String = terminal::tame(&said).chars().take(300).collect();
            terminal::print(&format!("{} ({}): {said}\n", target.name, target.kind.as_str()))?;
        }
        if failed > 0 {
            return Err(CliError::Failed(format!("{failed} of the messages did not arrive")));
        }
        Ok(())
    }

    fn chosen<'a>(&self, config: &'a Config) -> Result<Vec<&'a NotifyTarget>, CliError> {
        let all = &config.notify.targets;
        if all.is_empty() {
            let message = "the configuration has no `notify.targets`: nobody is told of anything";
            return Err(CliError::Usage(message.to_owned()));
        }
        if self.targets.is_empty() {
            return Ok(all.iter().collect());
        }
        let find = |name: &String| {
            let names = || all.iter().map(|target| &*target.name).collect::<Vec<_>>().join(", ");
            let unknown = || CliError::Usage(format!("unknown target `{name}`, known are {}", names()));
            all.iter().find(|target| target.name == *name).ok_or_else(unknown)
        };
        self.targets.iter().map(find).collect()
    }
}

/// What `sidestep check` says of each target. Says of secrets only whether they are there.
pub(super) fn rows(
    config: &Config,
    presence: impl Fn(&crate::config::Credential) -> String,
) -> Vec<Vec<String>> {
    let events = |target: &NotifyTarget| match target.events.len() {
        all if all == NotifyEvent::ALL.len() => "everything".to_owned(),
        _ => target.events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", "),
    };
    let row = |target: &NotifyTarget| {
        let url = format!("url: {}", presence(&target.url));
        vec![target.name.clone(), target.kind.as_str().to_owned(), url, events(target)]
    };
    config.notify.targets.iter().map(row).collect()
}
