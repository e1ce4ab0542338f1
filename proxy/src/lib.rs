//! The data plane of Sidestep.
pub mod clock;
pub mod config;
pub mod journal;
pub mod judge;
pub mod metrics;
pub mod switches;
pub mod tasks;
