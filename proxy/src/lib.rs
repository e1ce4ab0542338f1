//! The data plane of Sidestep.
pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
mod escape;
pub mod journal;
pub mod judge;
pub mod metrics;
pub mod switches;
pub mod tasks;
