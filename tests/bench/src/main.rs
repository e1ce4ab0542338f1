//! What Sidestep costs beside a plain proxy, and beside other proxies that are installed: CPU time per request and
//! per event, latency, memory, size. All in one run, in turns, so that a busy machine is as bad to everybody.

mod answers;
mod bare;
mod book;
mod contender;
mod encrypted;
mod ground;
mod life;
mod load;
mod process;
mod report;
mod steady;
mod targets;
mod tls;
mod upstream;
mod wire;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use crate::book::Book;
use crate::ground::Ground;
use crate::process::Cores;
use crate::steady::Pace;

/// Measure what Sidestep costs
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Bench {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    run: Run,
}

#[derive(Args)]
struct Run {
    /// The program to measure
    #[arg(long, default_value = "target/release/sidestep")]
    sidestep: PathBuf,
    /// Short turns and few of them: whether it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Only CPU time, latency and large bodies: leave out lives of processes, and TLS
    #[arg(long)]
    steady: bool,
    /// Turns of everybody, instead of 2 or 7
    #[arg(long)]
    rounds: Option<usize>,
    /// Where the results go
    #[arg(long, default_value = ".cache/bench")]
    out: PathBuf,
}

/// What runs as a process of its own.
#[derive(Subcommand)]
enum Part {
    /// The simulated provider
    #[command(hide = true)]
    Upstream { plain: SocketAddr, http1: SocketAddr, http2: SocketAddr, folder: PathBuf },
    /// Make calls in a closed loop, such as for a profiler to look at the proxy meanwhile
    Load {
        /// Where to
        address: SocketAddr,
        /// Which model
        model: String,
        /// How many events of text; none for whole answers
        #[arg(long, default_value_t = 0)]
        events: u32,
        /// Milliseconds between two of them
        #[arg(long, default_value_t = 5)]
        gap: u32,
        /// How many at once
        #[arg(long, default_value_t = 32)]
        callers: usize,
        /// For how long
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// The bare proxy
    #[command(hide = true)]
    Bare {
        listen: SocketAddr,
        upstream: http::Uri,
        #[arg(long)]
        ca: Option<PathBuf>,
        #[arg(long)]
        http2: bool,
    },
}

fn main() -> anyhow::Result<()> {
    let bench = Bench::parse();
    match bench.part {
        Some(Part::Upstream { plain, http1, http2, folder }) => one()?.block_on(async {
            let shakes = Arc::<encrypted::Handshakes>::default();
            let (first, second) = (shakes.clone(), shakes.clone());
            tokio::try_join!(
                upstream::serve(plain, shakes),
                encrypted::serve(http1, "http/1.1", &folder, first),
                encrypted::serve(http2, "h2", &folder, second),
            )?;
            Ok(())
        }),
        Some(Part::Load { address, model, events, gap, callers, seconds }) => {
            let request = Arc::new(answers::call(&model, answers::Wish { events, gap }, (0, 0)));
            let calls = load::Calls { address, request };
            let done = one()?.block_on(load::closed(&calls, callers, Duration::from_secs(seconds)))?;
            writeln!(std::io::stdout(), "{} answers, {} events", done.answers, done.events)?;
            Ok(())
        }
        // The runtime as Sidestep has it.
        Some(Part::Bare { listen, upstream, ca, http2 }) => Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(bare::serve(listen, upstream, ca.as_deref(), http2)),
        None => {
            let cores = Cores::choose()?;
            cores.settle()?;
            one()?.block_on(bench.run.run(cores))
        }
    }
}

fn one() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl Run {
    async fn run(self, cores: Cores) -> anyhow::Result<()> {
        let rounds = self.rounds.unwrap_or(if self.quick { 2 } else { 7 });
        let turn = Duration::from_millis(if self.quick { 500 } else { 2_000 });
        let rest = Duration::from_secs(if self.quick { 1 } else { 10 });
        let pace = Pace { rounds, turn };
        let mut ground = Ground::prepare(self.sidestep.canonicalize()?, cores).await?;
        let mut book = Book::default();
        steady::measure(&ground, pace, &mut book).await?;
        if !self.steady {
            let lives = Pace { rounds: rounds.div_ceil(3), turn };
            life::measure(&ground, lives, rest, &mut book).await?;
            tls::measure(&ground, pace, &mut book).await?;
            tls::scaling(&mut ground, lives, &mut book).await?;
        }
        let text = report::write(&book, &self.out)?;
        std::io::stdout().write_all(text.as_bytes())?;
        let insane = book.insane();
        anyhow::ensure!(insane.is_empty(), "these are no figures: {insane:?}");
        Ok(())
    }
}
