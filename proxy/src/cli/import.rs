//! `sidestep import`: a configuration of another gateway becomes ours.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use super::{CliError, terminal};
use crate::import::{self, Imported, Kind, LARGEST};

const EXAMPLES: &str = "\
Examples:
  sidestep import litellm config.yaml                    print it, with what was left behind as comments
  sidestep import litellm config.yaml -o sidestep.yaml   write it to a file
  sidestep import litellm --strict config.yaml           exit code 1 if anything was left behind
  sidestep check sidestep.yaml                           what would happen with it

What is left behind or carried over differently is told on standard error, a line each. Keys that stand in the file are \
never copied: a variable takes their place.

Exit codes: 0 it was carried over, 1 with --strict something was left behind, 2 it cannot be read, or nothing in it can be \
carried over.";

/// Turn the configuration of another gateway into one of Sidestep's
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    Litellm(Litellm),
}

/// From LiteLLM's proxy: `config.yaml` with `model_list`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Litellm {
    /// The configuration; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "output")]
    force: bool,
    /// Exit with 1 if anything was left behind
    #[arg(long)]
    strict: bool,
}

// === impl Import ===

impl Import {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let From::Litellm(litellm) = &self.from;
        litellm.run()
    }
}

// === impl Litellm ===

impl Litellm {
    fn run(&self) -> Result<(), CliError> {
        let Imported { yaml, findings } = self.imported()?;
        match &self.output {
            Some(path) => self.write(path, &yaml)?,
            None => terminal::print(&yaml)?,
        }
        let mut errors = io::stderr().lock();
        for finding in &findings {
            // Nobody may be reading.
            let _ = writeln!(errors, "{finding}");
        }
        let lost = findings.iter().filter(|finding| finding.kind == Kind::Lost).count();
        if self.strict && lost > 0 {
            let what = if lost == 1 { "setting was" } else { "settings were" };
            return Err(CliError::Failed(format!("{lost} {what} not carried over")));
        }
        Ok(())
    }

    fn imported(&self) -> Result<Imported, CliError> {
        let origin =
            if self.is_stdin() { "standard input".to_owned() } else { self.file.display().to_string() };
        let unreadable = |error: io::Error| CliError::Usage(format!("{origin}: {error}"));
        let mut bytes = Vec::new();
        let read = if self.is_stdin() {
            io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(&self.file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        };
        if read.map_err(unreadable)? as u64 > LARGEST {
            return Err(CliError::Usage(format!(
                "{origin}: is larger than the {LARGEST} bytes that are read"
            )));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            CliError::Usage(format!("{origin}:{line}: is not UTF-8 from here"))
        })?;
        let folder = (!self.is_stdin()).then(|| self.file.parent().unwrap_or(Path::new("")));
        import::litellm(&text, &origin, folder).map_err(|error| CliError::Usage(error.to_string()))
    }

    fn is_stdin(&self) -> bool {
        self.file == Path::new("-")
    }

    fn write(&self, path: &Path, yaml: &str) -> Result<(), CliError> {
        let mut options = OpenOptions::new();
        options.write(true).truncate(self.force).create(self.force).create_new(!self.force);
        let written = options.open(path).and_then(|mut file| file.write_all(yaml.as_bytes()));
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                CliError::Usage(format!("{}: is there already; --force writes over it", path.display()))
            }
            _ => CliError::Failed(format!("{}: {error}", path.display())),
        })
    }
}
