//! Counts the instructions of the pieces that every request or every event pays for, with valgrind, and holds them
//! against the numbers that are kept beside this.
//!
//! A piece is run for `n` and for `3 n` times in processes of their own; half of the difference, over `n`, is what one
//! time costs. Nothing of the start of a process is in it, and nothing depends on how busy the machine is.

mod kept;
mod pieces;
mod stream;
mod table;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::kept::Kept;

/// Times that a piece is run in the shorter of the two runs.
const TIMES: u64 = 100;

/// Count the instructions of hot pieces
#[derive(Parser)]
struct Instructions {
    #[command(subcommand)]
    order: Order,
}

#[derive(Subcommand)]
enum Order {
    /// Count, and hold the numbers against those in the file
    Check { file: PathBuf },
    /// Count, and write the numbers into the file; what has grown needs a reason there
    Keep { file: PathBuf },
    /// Run one piece so many times: what valgrind looks at
    #[command(hide = true)]
    Run { piece: String, times: u64 },
}

fn main() -> anyhow::Result<()> {
    match Instructions::parse().order {
        Order::Run { piece, times } => {
            let mut piece = pieces::named(&piece).with_context(|| format!("no piece `{piece}`"))?;
            (0..times).for_each(|_| piece());
            Ok(())
        }
        Order::Check { file } => {
            let problems = Kept::read(&file)?.problems(&count()?);
            anyhow::ensure!(problems.is_empty(), "\n{}", problems.join("\n"));
            Ok(())
        }
        Order::Keep { file } => {
            let kept = Kept::read(&file).unwrap_or_default();
            Ok(std::fs::write(&file, kept.renewed(&count()?).to_string())?)
        }
    }
}

/// The instructions of each piece.
fn count() -> anyhow::Result<Vec<(&'static str, u64)>> {
    let this = std::env::current_exe()?;
    let mut found = Vec::new();
    for piece in pieces::NAMES {
        let (once, thrice) = (executed(&this, piece, TIMES)?, executed(&this, piece, 3 * TIMES)?);
        let one = thrice.saturating_sub(once) / (2 * TIMES);
        writeln!(std::io::stdout(), "{one:>8}  {piece}")?;
        found.push((piece, one));
    }
    Ok(found)
}

fn executed(this: &Path, piece: &str, times: u64) -> anyhow::Result<u64> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["run", piece, &times.to_string()])
        // Seeds and addresses stay the same from run to run.
        .env_clear()
        .output()
        .context("valgrind (of the Debian package of that name) is needed")?;
    let said = String::from_utf8_lossy(&run.stderr);
    anyhow::ensure!(run.status.success(), "{piece}: {said}");
    let total = said.lines().find_map(|line| line.split_once("Collected :")).map(|(_, total)| total.trim());
    total.and_then(|total| total.parse().ok()).with_context(|| format!("no count in: {said}"))
}
