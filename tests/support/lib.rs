//! Support of the end-to-end suites: simulated providers, Sidestep in front of them, and an application.

mod application;
mod rig;

pub use application::{Application, Heard};
pub use rig::{Rig, RigBuilder};
