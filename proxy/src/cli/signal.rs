//! When a command is told to end.

use std::io;

/// Waits for Ctrl-C, or for SIGTERM, which is how service managers and Kubernetes say it.
///
/// # Errors
/// When the process may not listen for signals.
#[cfg(unix)]
pub(super) async fn terminated() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for Ctrl-C.
///
/// # Errors
/// When the process may not listen for it.
#[cfg(not(unix))]
pub(super) async fn terminated() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
