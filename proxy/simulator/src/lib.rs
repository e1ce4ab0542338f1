//! Simulated model providers: they speak the vendors' wire forms so that the official SDKs are satisfied, and
//! fail on cue.
//!
//! This crate shares no code with the translators that are tried against it, so that a misreading of a wire
//! form cannot cancel itself out.

mod answer;
mod attempts;
mod complaint;
mod control;
mod delivery;
mod endpoint;
mod exchange;
mod fault;
mod faults;
mod gzip;
mod headers;
mod incident;
mod listing;
mod manner;
mod model;
mod planned;
mod prompt;
mod provider;
mod request;
mod sample;
mod script;
mod simulator;
mod stage;
mod vendor;
mod wire;
mod written;

pub use answer::full_answer;
pub use attempts::{Attempt, Attempts};
pub use complaint::error_body;
pub use fault::Fault;
pub use faults::{EVERY_MODEL, Faults};
pub use incident::{Beat, Incident, Who};
pub use manner::Manner;
pub use model::{Model, Traits};
pub use planned::{PlanError, Planned};
pub use provider::Provider;
pub use simulator::Simulator;
pub use stage::Stage;
pub use vendor::{Form, Maker, Pace, Vendor};
