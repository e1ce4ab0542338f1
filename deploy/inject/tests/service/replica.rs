//! One injector, running in this process.

use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use sidestep_inject::{Injector, Settings};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::api_server::ApiServer;

/// How long anything may take to come true.
const DEADLINE: Duration = Duration::from_secs(30);

/// A replica; dropped, it dies without a word.
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: AbortOnDropHandle<usize>,
}

impl Replica {
    /// Starts one that looks ten times a second, with certificates that last for `validity`.
    pub(crate) async fn start(server: &ApiServer, name: &str, validity: &str) -> Replica {
        let certificate = format!(
            "{{ mode: self, service: hook, secret: hook-tls, lease: hook, webhook: sidestep-hook, poll: 100ms, \
             lease_duration: 1s, settle: 1s, skew: 5s, validity: {validity} }}"
        );
        Self::with(server, name, &certificate).await
    }

    pub(crate) async fn with(server: &ApiServer, name: &str, certificate: &str) -> Replica {
        let settings = format!(
            "{{ namespace: sidestep, listen: \"127.0.0.1:0\", admin_listen: \"127.0.0.1:0\", \
             drain: {{ grace: 500ms, timeout: 10s }}, sidecar: {{ image: sidestep, config: sidestep }}, \
             certificate: {certificate} }}"
        );
        let settings = Settings::parse(&settings).unwrap();
        let injector = Injector::start(settings, server.cluster(name), name).await.unwrap();
        let (address, admin) = (injector.address, injector.admin_address);
        let (stop, stopped) = oneshot::channel();
        let task = TaskTracker::new().spawn(injector.run(async {
            stopped.await.ok();
        }));
        Replica { address, admin, stop: Some(stop), task: AbortOnDropHandle::new(task) }
    }

    /// Tells it to end, as with SIGTERM.
    pub(crate) fn terminate(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has ended, and says how many connections it cut.
    pub(crate) async fn ended(self) -> usize {
        self.task.await.unwrap()
    }

    /// Status and text of a page of its admin side.
    pub(crate) async fn page(&self, path: &str) -> (u16, String) {
        let stream = TokioIo::new(TcpStream::connect(self.admin).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        let request = Request::get(path).header("host", "admin").body(Empty::<bytes::Bytes>::new()).unwrap();
        let answer = async {
            let (head, body) = sender.send_request(request).await.unwrap().into_parts();
            (head.status.as_u16(), body.collect().await.unwrap().to_bytes())
        };
        let (status, body) = tokio::select! {
            answer = answer => answer,
            _ = connection => panic!("the admin side hung up"),
            () = tokio::time::sleep(DEADLINE) => panic!("the admin side does not answer"),
        };
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub(crate) async fn is_ready(&self) -> bool {
        self.page("/readyz").await.0 == 200
    }

    /// The value of a metric without labels, or with these.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let (_, scrape) = self.page("/metrics").await;
        let line = scrape.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {scrape}")).parse().unwrap()
    }

    pub(crate) async fn leads(&self) -> bool {
        self.metric("sidestep_inject_leader").await > 0.0
    }
}

/// Asks until it is so. Fails when it is not within the deadline.
pub(crate) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, asking).await.is_ok(), "not within {DEADLINE:?}: {what}");
}
