//! The admission webhook that puts Sidestep into pods. All knowledge of Kubernetes is in this crate.
//!
//! What becomes of a pod is decided without any IO: [`Review::parse`] reads what the API server sends,
//! [`Review::wanted_config`] says what has to be looked up for it, and [`Review::answer`] says what to answer.
//! No pod is ever denied here: one that cannot have the sidecar goes on without, and the answer says why. A cluster
//! that wants such pods refused says so by a policy, which also holds while the webhook is away.

pub mod names;
mod reply;
mod review;
mod settings;

pub use self::reply::{Notice, Outcome, Reply, Subject};
pub use self::review::{ConfigRef, MAX_BODY_BYTES, OptIn, Presence, Refusal, Review};
pub use self::settings::{Certificate, Resources, Settings, SettingsError, SidecarSettings};
