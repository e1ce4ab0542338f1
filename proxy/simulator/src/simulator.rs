//! A provider on a TCP address of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::attempts::Attempts;
use crate::faults::{Faults, Refusal};
use crate::provider::Provider;
use crate::vendor::Vendor;
use crate::wire::Wire;

/// How long to wait before listening is tried again when the address could not be taken back.
const RETRY_LISTENING: Duration = Duration::from_millis(50);
const BACKLOG: u32 = 1024;

/// A simulated provider that listens; dropping it stops it without waiting.
#[derive(Debug)]
pub struct Simulator {
    provider: Provider,
    addr: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The address, held even while connections to it are refused.
struct Door {
    addr: SocketAddr,
    /// Bound but not listening: keeps others off the port while the listener is closed.
    _hold: TcpSocket,
    listener: Option<TcpListener>,
}

impl Simulator {
    /// Listens on `addr` (port 0 for any) and answers as `vendor` until shut down.
    ///
    /// # Errors
    /// The address cannot be bound.
    #[expect(
        clippy::unused_async,
        reason = "must be called in a runtime, and binding may come to need to wait"
    )]
    pub async fn bind(addr: SocketAddr, vendor: Vendor) -> io::Result<Self> {
        let door = Door::bind(addr)?;
        let simulator = Self {
            provider: Provider::new(vendor),
            addr: door.addr,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let (provider, tasks, stop) =
            (simulator.provider.clone(), simulator.tasks.clone(), simulator.stop.clone());
        simulator.tasks.spawn(async move {
            stop.run_until_cancelled(accept_all(door, provider, tasks, stop.clone())).await;
        });
        Ok(simulator)
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` and the address, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The provider behind the address.
    #[must_use]
    pub const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Its faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.provider.faults()
    }

    /// Its log.
    #[must_use]
    pub fn attempts(&self) -> &Attempts {
        self.provider.attempts()
    }

    /// Stops listening, breaks off what is still being answered and waits until all is closed.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Door {
    fn bind(addr: SocketAddr) -> io::Result<Self> {
        let hold = socket(addr)?;
        let addr = hold.local_addr()?;
        let listener = Some(socket(addr)?.listen(BACKLOG)?);
        Ok(Self { addr, _hold: hold, listener })
    }

    async fn listener(&mut self) -> &TcpListener {
        loop {
            if self.listener.is_none() {
                match socket(self.addr).and_then(|socket| socket.listen(BACKLOG)) {
                    Ok(listener) => self.listener = Some(listener),
                    Err(error) => {
                        tracing::warn!(%error, addr = %self.addr, "cannot listen again yet");
                        tokio::time::sleep(RETRY_LISTENING).await;
                        continue;
                    }
                }
            }
            if let Some(ref listener) = self.listener {
                return listener;
            }
        }
    }
}

fn socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

async fn accept_all(mut door: Door, provider: Provider, tasks: TaskTracker, stop: CancellationToken) {
    let mut refusals = provider.faults().refusals();
    loop {
        let refusal = *refusals.borrow_and_update();
        if let Some(refusal) = refusal.filter(|refusal| refusal.holds(Instant::now())) {
            door.listener = None;
            over(refusal, &mut refusals).await;
            continue;
        }
        let accepted = tokio::select! {
            accepted = async { door.listener().await.accept().await } => accepted,
            _ = refusals.changed() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let (provider, stop) = (provider.clone(), stop.clone());
                tasks.spawn(async move {
                    stop.run_until_cancelled(serve(provider, stream)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(RETRY_LISTENING).await;
            }
        }
    }
}

async fn over(refusal: Refusal, refusals: &mut watch::Receiver<Option<Refusal>>) {
    let timed = async {
        match refusal.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = timed => {}
        _ = refusals.changed() => {}
    }
}

async fn serve(provider: Provider, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let wire = |line| Wire::new(stream, line, reset);
    provider.serve_wire(wire).await;
}

fn reset(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "the connection closes without a reset");
    }
}
