//! The binary as a process of its own, between simulated providers and an application.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test, in its helpers, too")]

mod codes;
mod command;
mod crowd;
mod drain;
mod hook;
mod lines;
mod reload;
#[cfg(unix)]
mod screen;
mod secrecy;
#[path = "../../../tests/support/lib.rs"]
#[expect(dead_code, unreachable_pub, unused_imports, reason = "a part of it serves other suites")]
mod support;

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use sidestep_simulator::{Simulator, Vendor};
use support::{Application, eventually};
use tempfile::TempDir;

/// A running `sidestep run`, and the providers that it calls.
struct Process {
    child: Child,
    application: Application,
    anthropic: Simulator,
    /// Answers what the first one does not.
    _openai: Simulator,
    folder: TempDir,
}

const CONFIG: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: { env: FIRST_KEY } }
  openai: { base_url: "{openai}/v1", api_key: { env: SECOND_KEY } }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "claude-*", targets: [opus, gpt] }
probes: { enabled: false }
"#;

/// Our keys; must be seen by nobody but the providers.
const KEYS: [&str; 2] = ["sk-ant-our-own-key", "sk-proj-our-own-key"];

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestep"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Process {
    /// Runs it with `sections` added to the configuration, which have to include `log: { format: json }`.
    async fn start(sections: &str) -> Process {
        Process::start_before(sections, Stdio::from).await
    }

    /// The same, with whatever `reader` makes of the file that its log goes to.
    async fn start_before(sections: &str, reader: impl FnOnce(File) -> Stdio) -> Process {
        let local = "127.0.0.1:0".parse().unwrap();
        let anthropic = Simulator::bind(local, Vendor::anthropic().with_key(KEYS[0])).await.unwrap();
        let openai = Simulator::bind(local, Vendor::openai().with_key(KEYS[1])).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = CONFIG.replace("{anthropic}/v1", &anthropic.url()).replace("{openai}/v1", &openai.url());
        let file = folder.path().join("sidestep.yaml");
        std::fs::write(&file, format!("{config}\n{sections}\n")).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = binary()
            .args(["run".as_ref(), file.as_os_str()])
            .envs([("FIRST_KEY", KEYS[0]), ("SECOND_KEY", KEYS[1])])
            .stderr(reader(log))
            .spawn()
            .unwrap();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let application = Application::new(nowhere, nowhere);
        let mut process = Process { child, application, anthropic, _openai: openai, folder };
        let mut serving = None;
        eventually("it serves", || {
            assert!(process.child.try_wait().unwrap().is_none(), "{}", process.log());
            serving = process.said("serving");
            std::future::ready(serving.is_some())
        })
        .await;
        let line = serving.unwrap();
        let address = |name: &str| line[name].as_str().unwrap().parse().unwrap();
        process.application = Application::new(address("applications"), address("admin"));
        process
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        String::from_utf8(std::fs::read(self.log_file()).unwrap()).unwrap()
    }

    /// The first line of the log with this message.
    fn said(&self, message: &str) -> Option<serde_json::Value> {
        self.lines(message).into_iter().next()
    }

    /// All lines of the log with this message.
    fn lines(&self, message: &str) -> Vec<serde_json::Value> {
        let log = self.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.filter(|line| line["message"] == message).collect()
    }

    /// Tells it to end, as Kubernetes does.
    fn terminate(&self) {
        let done = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the process has ended", || {
            status = self.child.try_wait().unwrap();
            std::future::ready(status.is_some())
        })
        .await;
        status.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Only if the test has failed before its end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
