//! Accepts the application's connections, and drains them when the process ends.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use crate::config::{DrainConfig, Limits};
use crate::first_words::FirstWords;
use crate::metrics::{Listener, Metrics};
use crate::stack::Stack;
use crate::tasks::Tasks;

/// A caller that takes nothing for this long has stopped reading; its place is needed.
const WRITE_STALL: Duration = Duration::from_secs(60);
/// After a failed accept (no descriptors left, most likely), wait before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that may wait to be accepted; the system may allow fewer (`net.core.somaxconn`). With the usual
/// 128, a burst of new connections on a busy machine costs some of them the second of a repeated SYN.
const BACKLOG: u32 = 4096;
/// How far a head may exceed the limit and still get an answer in its own dialect, from the stack. Beyond it the
/// connection ends with a bare 431 (HTTP/1.1) or a reset stream (HTTP/2).
const HEAD_LEEWAY: usize = 2;

/// Serves the application side.
pub struct Server {
    /// Where connections come in.
    pub listener: TcpListener,
    /// What answers them.
    pub stack: Stack<Incoming>,
    /// Header size, connection count, header timeout.
    pub limits: Limits,
    /// How long to go on when told to stop.
    pub drain: DrainConfig,
    /// Counts connections.
    pub metrics: Arc<Metrics>,
    /// Starts a task per connection.
    pub tasks: Tasks,
}

/// Listens on `address`.
///
/// # Errors
/// When the address is taken or not this machine's.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for connections of the life before (TIME_WAIT).
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Server {
    /// Accepts until `stop`, then takes new connections for the grace period, lets calls in flight finish, at
    /// most for the drain timeout, and returns how many connections it had to cut.
    pub async fn run(self, stop: CancellationToken) -> usize {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let cut = CancellationToken::new();
        let grace = self.drain.grace;
        let end = async move {
            stop.cancelled().await;
            sleep(grace).await;
        };
        tokio::pin!(end);
        loop {
            let stream = tokio::select! {
                accepted = self.accept(&places) => accepted,
                () = &mut end => break,
            };
            let Some((stream, place)) = stream else { continue };
            let serving = self.serve(stream, &graceful);
            let counted = self.metrics.connection(Listener::App);
            let cut = cut.clone();
            self.tasks.spawn("connection", async move {
                tokio::select! {
                    () = serving => {}
                    () = cut.cancelled() => {}
                }
                drop((place, counted));
            });
        }
        drop(self.listener);
        match timeout(self.drain.timeout, graceful.shutdown()).await {
            Ok(()) => 0,
            // Each connection that is still there holds a place. Dropping it ends what it carries in the middle,
            // as an answer that is not whole has to end.
            Err(_) => {
                let open = self.limits.connections - places.available_permits();
                cut.cancel();
                open
            }
        }
    }

    /// One connection, within the limit: at the limit the next one waits in the kernel's queue.
    async fn accept(
        &self,
        places: &Arc<Semaphore>,
    ) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        let place = places.clone().acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, _)) => Some((stream, place)),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }

    fn serve(
        &self,
        stream: TcpStream,
        graceful: &GracefulShutdown,
    ) -> impl Future<Output = ()> + Send + use<> {
        // Events are small and must not wait for each other; a failure only costs latency.
        stream.set_nodelay(true).ok();
        let connection = connection(stream, self.stack.clone(), &self.limits);
        let watched = graceful.watch(connection);
        async move {
            if let Err(error) = watched.await {
                // The application went away or spoke no HTTP. It knows; for us it is routine.
                tracing::debug!(%error, "connection ended");
            }
        }
    }
}

/// A connection of the application, with a limit on how long it may refuse to take what is sent.
pub type Connection<I> = auto::Connection<
    'static,
    TokioIo<FirstWords<Pin<Box<TimeoutStream<I>>>>>,
    TowerToHyperService<Stack<Incoming>>,
    TokioExecutor,
>;

/// Serves one connection of any transport.
pub fn connection<I>(io: I, stack: Stack<Incoming>, limits: &Limits) -> Connection<I>
where
    I: AsyncRead + AsyncWrite + Send + 'static,
{
    let mut stream = TimeoutStream::new(io);
    stream.set_write_timeout(Some(WRITE_STALL));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size((HEAD_LEEWAY * limits.header_bytes).max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEAD_LEEWAY * limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(30));
    let stream = FirstWords::new(Box::pin(stream), limits.header_timeout);
    builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(stack)).into_owned()
}
