//! The admission webhook that puts Sidestep into pods. All knowledge of Kubernetes is in this crate.
//!
//! What becomes of a pod is decided without any IO: [`Review::parse`] reads what the API server sends,
//! [`Review::wanted_config`] says what has to be looked up for it, and [`Review::answer`] says what to answer.
//! No pod is ever denied here: one that cannot have the sidecar goes on without, and the answer says why. A cluster
//! that wants such pods refused says so by a policy, which also holds while the webhook is away.

//!
//! [`Injector`] puts that behind HTTPS: [`cluster`] speaks with the API server, [`certificate`] and [`lease`] see to
//! whom it believes.

pub mod certificate;
pub mod cluster;
mod events;
mod injector;
pub mod lease;
mod metrics;
pub mod names;
mod reply;
mod review;
mod serve;
mod settings;
mod sight;

pub use self::injector::{Injector, StartError};
pub use self::metrics::Metrics;
pub use self::reply::{Notice, Outcome, Reply, Subject};
pub use self::review::{ConfigRef, MAX_BODY_BYTES, OptIn, Presence, Refusal, Review};
pub use self::settings::{
    Certificate, Drain, Log, LogFormat, OwnCertificate, Resources, Settings, SettingsError, SidecarSettings,
};
