//! The tower layers, a file each, in the order in which a request meets them (see [`crate::stack`]).
//!
//! Layers are always ready and decide in `call`: a queue in `poll_ready` would let one slow target hold up
//! calls that could go elsewhere.

mod attempt;
#[cfg(test)]
pub(crate) mod bench;
mod blame;
mod breaker;
mod choose;
mod deadline;
mod fare;
mod forward;
mod hedge;
mod hold;
mod ingest;
mod observe;
mod outgoing;
mod rescue;
mod respond;
mod retry;
mod shed;

pub use attempt::AttemptService;
pub use breaker::BreakerLayer;
pub use choose::ChooseLayer;
pub use deadline::DeadlineLayer;
pub use forward::Forward;
pub use hedge::HedgeLayer;
pub use hold::HoldLayer;
pub use ingest::IngestLayer;
pub use observe::ObserveLayer;
pub use rescue::RescueLayer;
pub use respond::{RespondLayer, panicked};
pub use retry::RetryLayer;
pub use shed::ShedLayer;
