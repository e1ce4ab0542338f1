//! Support of the end-to-end suites: simulated providers, Sidestep in front of them, and an application.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails, in its support, too")]

mod application;
mod line;
mod patience;
mod provider;
mod rig;
mod scrape;

pub use application::{Application, Heard};
pub use line::Line;
pub use patience::eventually;
pub use provider::Provider;
pub use rig::{Rig, RigBuilder};
pub use scrape::Scrape;
