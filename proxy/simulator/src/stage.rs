//! Several providers at once, and one address to steer them all.

use std::io;
use std::net::SocketAddr;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control;
use crate::provider::Provider;
use crate::simulator::Simulator;
use crate::vendor::Vendor;

/// Simulated providers, each on a port of its own, with a control address that stays open while they refuse.
///
/// On the control address the paths name the vendor: `/__simulate/{vendor}/faults[/{model}]`,
/// `/__simulate/{vendor}/attempts`; `/__simulate/attempts` and `/__simulate/faults` are those of all.
#[derive(Debug)]
pub struct Stage {
    control: SocketAddr,
    simulators: Vec<Simulator>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Stage {
    /// Control on `listen`, the vendors on the ports after it; with port 0 all are anywhere.
    ///
    /// # Errors
    /// One of the addresses cannot be bound, or the ports run over 65535; nothing is left listening.
    pub async fn bind(listen: SocketAddr, vendors: Vec<Vendor>) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let control = listener.local_addr()?;
        let mut simulators = Vec::with_capacity(vendors.len());
        let mut port = listen.port();
        for vendor in vendors {
            if listen.port() != 0 {
                port = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
            }
            simulators.push(Simulator::bind(SocketAddr::new(listen.ip(), port), vendor).await?);
        }
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let providers = simulators.iter().map(|simulator| simulator.provider().clone()).collect();
        let (connections, over) = (tasks.clone(), stop.clone());
        tasks.spawn(async move {
            stop_or(&over, accept_all(listener, providers, connections, over.clone())).await;
        });
        Ok(Self { control, simulators, tasks, stop })
    }

    /// Where all are steered.
    #[must_use]
    pub const fn control(&self) -> SocketAddr {
        self.control
    }

    /// The providers, in the order given.
    #[must_use]
    pub fn simulators(&self) -> &[Simulator] {
        &self.simulators
    }

    /// The provider of that vendor name.
    #[must_use]
    pub fn get(&self, vendor: &str) -> Option<&Simulator> {
        self.simulators.iter().find(|simulator| simulator.provider().vendor().name == vendor)
    }

    /// Stops all and waits until all is closed.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        for simulator in std::mem::take(&mut self.simulators) {
            simulator.shutdown().await;
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn stop_or(stop: &CancellationToken, work: impl Future<Output = ()>) {
    stop.run_until_cancelled(work).await;
}

async fn accept_all(
    listener: TcpListener,
    providers: Vec<Provider>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (providers, stop) = (providers.clone(), stop.clone());
                tasks.spawn(async move { stop_or(&stop, serve(providers, stream)).await });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(providers: Vec<Provider>, stream: TcpStream) {
    let service = service_fn(|request: Request<Incoming>| {
        let providers = providers.clone();
        async move { Ok::<_, std::convert::Infallible>(control::of_all(&providers, request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a control connection ended early");
    }
}
