//! The whole admin side over real sockets, before a real judge and a real state folder.

mod changes;
mod limits;
mod live;
mod pages;
mod rehearsals;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sidestep_probes::Signals;
use sidestep_table::{
    BudgetPolicy, ModelShape, Policy, ProviderShape, RouteShape, Shape, TargetShape, Topology, Verdict,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::FaultsConfig;
use crate::dice::Dice;
use crate::judge::Judge;
use crate::switches::SwitchFile;
use crate::tasks::Tasks;

/// One process's admin side.
struct Rig {
    addr: SocketAddr,
    admin: Arc<Admin>,
    tasks: Tasks,
    topology: Arc<Topology>,
}

/// An answer, as it came over the wire.
struct Got {
    status: u16,
    head: String,
    body: String,
}

async fn restored(desk: &SwitchDesk, file: Option<SwitchFile>, clock: Clock, journal: &Journal) {
    if let Some(file) = file {
        let kept = file.load(clock.reading()).unwrap();
        desk.restore(kept, journal).await;
    }
}

impl Rig {
    async fn start(folder: Option<&Path>) -> Self {
        let metrics = Metrics::new().unwrap();
        let tasks = Tasks::new(Arc::clone(&metrics));
        let clock = Clock::start();
        let topology = Arc::new(topology());
        let (work, judge) = Judge::new(Arc::clone(&topology), clock, Signals::default(), Box::new(|_| {}), 1);
        tasks.spawn("judge", work.run(tasks.stopping()));
        let journal = Arc::new(Journal::new(clock));
        let file = folder.map(SwitchFile::in_folder);
        let desk = SwitchDesk::new(judge.clone(), file.clone(), clock, tasks.clone());
        restored(&desk, file, clock, &journal).await;
        let config =
            ConfigState::new(clock, Arc::clone(&metrics), Arc::clone(&journal), "/etc/sidestep.yaml");
        let shared = Arc::clone(&topology);
        let admin = Arc::new(Admin {
            clock,
            faults: faults(clock, (journal.clone(), metrics.clone())),
            log_level: level((journal.clone(), clock, tasks.clone())),
            metrics,
            journal,
            incidents: Arc::default(),
            history: Arc::default(),
            live: Live::new(tasks.stopping(), 1.0),
            readiness: Readiness::default(),
            config: Arc::new(config),
            judge,
            desk,
            topology: Box::new(move || Arc::clone(&shared)),
            token: Some(Secret::new("correct horse")),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tasks.spawn("admin", serve(listener, Arc::clone(&admin), tasks.clone()));
        Self { addr, admin, tasks, topology }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Got {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        for header in headers {
            request += &format!("{header}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n{body}", body.len());
        self.send(request.as_bytes()).await
    }

    async fn get(&self, path: &str) -> Got {
        self.ask("GET", path, &[], "").await
    }

    async fn send(&self, request: &[u8]) -> Got {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        // The server may have answered and closed before it read all of it.
        stream.write_all(request).await.ok();
        Got::read(stream).await
    }

    async fn disable(&self, subject: &str) -> Got {
        let wish = serde_json::json!({ "subject": subject, "reason": "errors", "actor": "ada" });
        self.ask("POST", "/switches", &[], &wish.to_string()).await
    }

    fn verdict(&self, model: &str) -> Verdict {
        self.topology[self.topology.model(model).unwrap()].cell.standing().verdict
    }

    /// As at the end of a process; everything has to come to an end by itself.
    async fn stop(self) {
        assert_eq!(self.tasks.finish(Duration::from_secs(60)).await, 0, "tasks left");
    }
}

impl Got {
    async fn read(mut stream: TcpStream) -> Self {
        let mut answer = Vec::new();
        // A reset after the answer, because the server did not want the rest of the request, is fine.
        stream.read_to_end(&mut answer).await.ok();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn faults(clock: Clock, noted: (Arc<Journal>, Arc<Metrics>)) -> Arc<Faults> {
    let allowed = FaultsConfig { allow: true, ..FaultsConfig::default() };
    Arc::new(Faults::new(allowed, clock, Dice::seeded(1), noted))
}

fn level(parts: (Arc<Journal>, Clock, Tasks)) -> LogLevel {
    LogLevel::new("info", Box::new(|_| true), parts)
}

fn topology() -> Topology {
    let model = |id: &str, provider: &str| ModelShape {
        id: id.into(),
        provider: provider.into(),
        policy: Arc::new(Policy::default()),
        max_concurrency: 8,
    };
    let target = |model: &str| TargetShape { model: model.into(), weight: None };
    let providers = ["anthropic", "openai", "twin"];
    let shape = Shape {
        providers: providers.map(|id| ProviderShape { id: id.into(), credentials: 1 }).into(),
        models: vec![
            model("opus", "anthropic"),
            model("haiku", "anthropic"),
            model("gpt", "openai"),
            model("twin", "twin"),
            model("org/llama 3", "twin"),
        ],
        routes: vec![RouteShape {
            pattern: "claude-*".into(),
            targets: vec![target("opus"), target("gpt"), target("twin")],
            budget: BudgetPolicy { ratio: 0.1, reserve_per_second: 1.0 },
        }],
    };
    Topology::build(shape, None).unwrap()
}
