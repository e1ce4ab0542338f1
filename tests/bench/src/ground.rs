//! What everything that is measured stands on: cores, folder, upstream, programs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::answers::{Wish, call};
use crate::process::{Cores, Process};
use crate::wire::Line;

/// How long a program may take to answer for the first time. LiteLLM takes a few seconds on a quiet machine.
const START: Duration = Duration::from_secs(90);

/// Where the upstream answers.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    /// Without TLS.
    pub(crate) plain: SocketAddr,
    /// TLS, HTTP/1.1.
    pub(crate) http1: SocketAddr,
    /// TLS, HTTP/2.
    pub(crate) http2: SocketAddr,
}

/// What everything stands on.
pub(crate) struct Ground {
    /// Who runs where.
    pub(crate) cores: Cores,
    /// Configurations, certificates, what programs say.
    pub(crate) folder: TempDir,
    /// Sidestep.
    pub(crate) sidestep: PathBuf,
    /// This program: it is the upstream and the bare proxy, too.
    pub(crate) bench: PathBuf,
    /// The upstream's.
    pub(crate) upstream: Addresses,
    _upstream: Process,
}

/// A program that answers, and how long it took to.
pub(crate) struct Started {
    /// The program.
    pub(crate) process: Process,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// From its start to its first answer.
    pub(crate) took: Duration,
}

impl Ground {
    /// Starts the upstream.
    pub(crate) async fn prepare(sidestep: PathBuf, cores: Cores) -> anyhow::Result<Ground> {
        let folder = tempfile::tempdir()?;
        crate::encrypted::issue(folder.path())?;
        let bench = std::env::current_exe()?;
        let upstream = Addresses { plain: vacant()?, http1: vacant()?, http2: vacant()? };
        let Addresses { plain, http1, http2 } = upstream;
        let mut args: Vec<String> = ["upstream".to_owned()].into();
        args.extend([plain, http1, http2].map(|address| address.to_string()));
        args.push(folder.path().display().to_string());
        let log = folder.path().join("upstream.log");
        let process = Process::start(&cores.load, &bench, &args, &log)?;
        let request = call("gpt-6.1-sol", Wish::WHOLE, (0, 0));
        let ground = Ground { cores, folder, sidestep, bench, upstream, _upstream: process };
        ground.answers(plain, &request).await.context("the upstream")?;
        Ok(ground)
    }

    /// A file of the given name and content, for a program to read.
    pub(crate) fn file(&self, name: &str, content: &str) -> anyhow::Result<String> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content)?;
        Ok(path.display().to_string())
    }

    /// Starts a program on the proxy's core, and waits until it answers `request` at `address`.
    pub(crate) async fn start(
        &self,
        name: &str,
        (program, args): (&Path, Vec<String>),
        address: SocketAddr,
        request: &[u8],
    ) -> anyhow::Result<Started> {
        let log = self.folder.path().join(format!("{name}.log"));
        let began = Instant::now();
        let mut process = Process::start(&self.cores.proxy, program, &args, &log)?;
        let answered = self.answers(address, request);
        if let Err(error) = answered.await {
            let ended = if process.has_ended() { "ended" } else { "does not answer" };
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(error.context(format!("{name} {ended}: {said}")));
        }
        Ok(Started { process, address, took: began.elapsed() })
    }

    /// Waits for the first good answer.
    async fn answers(&self, address: SocketAddr, request: &[u8]) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let asked = async { Line::open(address).await?.ask(request).await };
            match asked.await {
                Ok(_) => return Ok(()),
                Err(error) if began.elapsed() > START => return Err(error),
                Err(_) => sleep(Duration::from_millis(1)).await,
            }
        }
    }
}

/// An address that nobody listens on.
pub(crate) fn vacant() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Where `program` is, if it is installed.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
