//! Simulated model providers: they speak the vendors' wire forms so that the official SDKs are satisfied, and
//! fail on cue.
//!
//! This crate shares no code with the translators that are tried against it, so that a misreading of a wire
//! form cannot cancel itself out.

mod attempts;
mod complaint;
mod control;
mod delivery;
mod exchange;
mod fault;
mod faults;
mod model;
mod provider;
mod simulator;
mod stage;
mod vendor;
mod wire;

pub use attempts::{Attempt, Attempts};
pub use fault::Fault;
pub use faults::{EVERY_MODEL, Faults, PlanError, Planned};
pub use model::{Model, Traits};
pub use provider::Provider;
pub use simulator::Simulator;
pub use stage::Stage;
pub use vendor::{Form, Maker, Pace, Vendor};
