//! The data plane of Sidestep.
pub mod config;
