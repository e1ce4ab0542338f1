//! The operator's side, on a listener of its own: alive, ready, metrics, status, switches.
mod access;
mod config_state;
mod readiness;
mod reply;
