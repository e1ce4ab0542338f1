//! Log lines on standard error, for people or as JSON.

mod access;
mod filter;
mod level;
mod pen;
mod ration;

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::reload::Handle;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, registry, reload};

pub use self::access::AccessLog;
pub(crate) use self::access::{AccessNote, Ended};
pub use self::filter::{FilterError, filter};
pub use self::level::{Apply, LevelError, LevelOrder, LevelReport, LogLevel};
pub use self::ration::{Ration, tell_left_out};

use self::pen::Pen;
use crate::config::{LogConfig, LogFormat};

/// Changes the filter of the log. A process has one log, wherever in it that is asked for.
static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// What writes the lines.
static PEN: OnceLock<Pen> = OnceLock::new();

/// Begins to log. A second call changes nothing: a process has one log.
///
/// # Errors
/// When the level is no filter.
pub fn start(config: &LogConfig) -> Result<(), FilterError> {
    let (filter, handle) = reload::Layer::new(filter(&config.level)?);
    let lines = match Pen::start(io::stderr()) {
        Ok(pen) => {
            let writer = pen.clone();
            PEN.set(pen).ok();
            fmt::layer().with_writer(BoxMakeWriter::new(move || writer.clone()))
        }
        // Without a thread for it, lines are at least written.
        Err(_) => fmt::layer().with_writer(BoxMakeWriter::new(io::stderr)),
    };
    let lines = match config.format {
        LogFormat::Text => lines.with_target(false).with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Otherwise begun already, by a test or by whoever embeds the library.
    if registry().with(filter).with(lines).try_init().is_ok() {
        FILTER.set(handle).ok();
    }
    Ok(())
}

/// Waits, for two seconds at most, until everything that was logged is written. To be called at the end of a process.
pub fn flush() {
    if let Some(pen) = PEN.get() {
        pen.flush();
    }
}

/// Puts `filter` in force from the next line on. False when the log is not ours: whoever embeds the library has one.
///
/// What a filter disables costs one load of an atomic number, before this as after it: callsites keep what the filter
/// said of them until it is replaced.
#[must_use]
pub fn refilter(filter: EnvFilter) -> bool {
    FILTER.get().is_some_and(|handle| handle.reload(filter).is_ok())
}
