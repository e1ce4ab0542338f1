//! The admin side's listener: small limits, and time limits on everything.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::Admin;
use super::reply::{Reply, refusal};
use crate::metrics::Listener;
use crate::tasks::Tasks;

/// Open connections at most; more wait in the kernel's queue.
const CONNECTIONS: usize = 128;
/// For a request's head to arrive, idle time on a reused connection included.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A request's head in bytes; hyper takes no buffer below 8 KiB.
const HEAD_BYTES: usize = 16 * 1024;
/// For one request, from head to the head of its answer; what follows may be a stream without an end.
const REQUEST_TIME: Duration = Duration::from_secs(15);
/// For a reader to take something of what waits for it. Who does not is no reader any more.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// After a failed accept, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Serves the admin side until `tasks` begins to stop. Keep it up while the process drains: readiness has
/// to be seen falling, and the last scrape counts.
pub async fn serve(listener: TcpListener, admin: Arc<Admin>, tasks: Tasks) {
    let stop = tasks.stopping();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let (stream, peer, place) = tokio::select! {
            () = stop.cancelled() => return,
            next = accept(&listener, &room) => next,
        };
        let connection = connection(stream, peer, Arc::clone(&admin), stop.clone());
        tasks.spawn("admin connection", async move {
            connection.await;
            drop(place);
        });
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so that there always is a permit in the end.
    let place = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection on the admin side");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, admin: Arc<Admin>, stop: CancellationToken) {
    let _open = admin.metrics().connection(Listener::Admin);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    let service = service_fn(|request: Request<Incoming>| answer(request, peer, &admin));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "an admin connection ended badly");
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    admin: &Arc<Admin>,
) -> Result<Reply, Infallible> {
    let answered = tokio::time::timeout(REQUEST_TIME, admin.answer(request, peer)).await;
    Ok(answered.unwrap_or_else(|_| refusal(StatusCode::REQUEST_TIMEOUT, "this took too long")))
}
