//! Processes under measurement: pinned to a core, their CPU time and memory read from `/proc`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

/// A program that runs until this is dropped, with all that it starts.
pub(crate) struct Process {
    child: Child,
}

/// Where who runs.
#[derive(Clone, Debug)]
pub(crate) struct Cores {
    /// Of the proxy.
    pub(crate) proxy: String,
    /// Of the load and the upstream.
    pub(crate) load: String,
    /// How many there are.
    pub(crate) count: usize,
}

impl Process {
    /// Starts `program` on `cores`; what it says goes to `log`.
    pub(crate) fn start(cores: &str, program: &Path, args: &[String], log: &Path) -> anyhow::Result<Process> {
        let said = std::fs::File::create(log).context("its log")?;
        let mut command = Command::new("taskset");
        command.args(["-c", cores]).arg(program).args(args);
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        // A configuration comes from its file, not from whoever measures.
        command.env_remove("RUST_LOG");
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Process { child })
    }

    /// Its id: `taskset` becomes the program that it starts.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The CPU time that it and its children have used so far.
    pub(crate) fn cpu(&self) -> Duration {
        let spent = tree(self.id()).into_iter().flat_map(threads).map(|thread| {
            let text = std::fs::read_to_string(thread).unwrap_or_default();
            text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
        });
        Duration::from_nanos(spent.sum())
    }

    /// Resident memory of it and its children, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        tree(self.id()).into_iter().map(|id| field(id, "VmRSS:")).sum()
    }

    /// The most that was resident since [`forget_peak`](Self::forget_peak), in bytes.
    pub(crate) fn peak(&self) -> u64 {
        tree(self.id()).into_iter().map(|id| field(id, "VmHWM:")).sum()
    }

    /// Begins to look for the peak of resident memory anew.
    pub(crate) fn forget_peak(&self) {
        for id in tree(self.id()) {
            // See proc(5), clear_refs: 5 resets the peak. Not allowed to: then the peak is that of its life.
            std::fs::write(format!("/proc/{id}/clear_refs"), "5").ok();
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for id in tree(self.id()).into_iter().rev() {
            // Gone already, perhaps, with its parent.
            Command::new("kill").arg(id.to_string()).stderr(Stdio::null()).status().ok();
        }
        // What takes its time to end is not waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Cores {
    /// One core for the proxy and another for the load, of those that this process may use.
    pub(crate) fn choose() -> anyhow::Result<Cores> {
        let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let mut allowed = Vec::new();
        for range in line.context("no Cpus_allowed_list")?.trim().split(',') {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            allowed.extend(from.parse::<usize>()?..=to.parse::<usize>()?);
        }
        let proxy = allowed.first().context("no core")?.to_string();
        let load = allowed.last().context("no core")?.to_string();
        Ok(Cores { proxy, load, count: allowed.len() })
    }

    /// Moves this process, with all its threads, to the load's core.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        let moved = Command::new("taskset")
            .args(["-a", "-p", "-c", &self.load, &std::process::id().to_string()])
            .stdout(Stdio::null())
            .status();
        anyhow::ensure!(moved.context("taskset (of util-linux)")?.success(), "cannot choose a core");
        Ok(())
    }
}

/// A process and all that came of it, parents first.
fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((id, parent(id)?)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&id) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == id).map(|(child, _)| *child));
        next += 1;
    }
    found
}

fn parent(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may hold anything, brackets and spaces too.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn threads(id: u32) -> Vec<std::path::PathBuf> {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten();
    tasks.filter_map(|task| Some(task.ok()?.path().join("schedstat"))).collect()
}

fn field(id: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
