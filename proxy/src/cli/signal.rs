//! When a command is told to end.

use std::io;

/// Listens, from now on, for Ctrl-C and for SIGTERM, which is how service managers and Kubernetes say it.
/// The future ends when one of them has come.
///
/// # Errors
/// When the process may not listen for signals.
#[cfg(unix)]
pub(super) fn termination() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Listens, from now on, for Ctrl-C. The future ends when it has come.
///
/// # Errors
/// When the process may not listen for it.
#[cfg(not(unix))]
pub(super) fn termination() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
