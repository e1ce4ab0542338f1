//! A provider without an address: takes connections, answers requests.

use std::future::Future;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::attempts::Attempts;
use crate::delivery::{Body, BrokenOff};
use crate::exchange;
use crate::faults::Faults;
use crate::vendor::Vendor;
use crate::wire::{Line, Wire};

/// One simulated provider; clones are the same one.
#[derive(Debug, Clone)]
pub struct Provider {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    vendor: Vendor,
    faults: Faults,
    attempts: Arc<Attempts>,
}

/// Runs a connection's HTTP/2 streams under the connection's own tracker, so that none outlives it unseen.
#[derive(Debug, Clone)]
struct Tracked(TaskTracker);

impl Provider {
    /// A provider that answers as `vendor`. Needs a tokio runtime for its clock.
    #[must_use]
    pub fn new(vendor: Vendor) -> Self {
        let names = vendor.models.iter().map(|model| model.name.clone()).collect();
        let faults = Faults::new(names, vendor.seed);
        let attempts = Arc::new(Attempts::new(&vendor.name, vendor.remembered_attempts));
        Self { shared: Arc::new(Shared { vendor, faults, attempts }) }
    }

    /// As whom it answers.
    #[must_use]
    pub fn vendor(&self) -> &Vendor {
        &self.shared.vendor
    }

    /// Its faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Its log.
    #[must_use]
    pub fn attempts(&self) -> &Attempts {
        &self.shared.attempts
    }

    /// Answers HTTP/1.1 or HTTP/2 (by prior knowledge) on one connection until it closes.
    ///
    /// Works over anything, in-memory duplex streams included. While connections are refused it returns at
    /// once and drops `io`. All waiting is on tokio's clock, so paused-time tests may use it.
    pub async fn serve_connection<T>(&self, io: T)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.serve_wire(|line| Wire::new(io, line, |_| {})).await;
    }

    pub(crate) async fn serve_wire<T>(&self, wire: impl FnOnce(Line) -> Wire<T>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let line = Line::default();
        let io = TokioIo::new(wire(line.clone()));
        let streams = TaskTracker::new();
        let service = service_fn(|request| answer(self.clone(), line.clone(), request));
        let builder = auto::Builder::new(Tracked(streams));
        tokio::select! {
            // So that a seed repeats a run.
            biased;
            ended = builder.serve_connection(io, service) => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "a connection ended early");
                }
            }
            () = self.refused(&line) => line.break_off(),
        }
    }

    pub(crate) fn log(&self) -> &Arc<Attempts> {
        &self.shared.attempts
    }

    /// Resolves when connections are refused and this one carries no control requests.
    async fn refused(&self, line: &Line) {
        let mut refusals = self.shared.faults.refusals();
        loop {
            let refused = refusals.borrow_and_update().is_some_and(|refusal| refusal.holds(Instant::now()));
            if refused && !line.is_steering() {
                return;
            }
            if refusals.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn answer(
    provider: Provider,
    line: Line,
    request: Request<Incoming>,
) -> Result<Response<Body>, BrokenOff> {
    exchange::answer(&provider, &line, request).await
}

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
