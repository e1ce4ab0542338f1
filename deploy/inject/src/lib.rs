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
mod decision;
mod events;
mod injection;
mod injector;
pub mod lease;
mod metrics;
pub mod names;
mod overrides;
mod patch;
mod pod;
mod quantity;
mod reason;
mod reply;
mod resources;
mod review;
mod serve;
mod settings;
mod sidecar;
mod sight;
mod variables;

pub use self::injector::{Injector, StartError};
pub use self::metrics::Metrics;
pub use self::quantity::{NotAQuantity, Quantity};
pub use self::reason::Reason;
pub use self::reply::{Notice, Outcome, Reply, Subject};
pub use self::resources::{Figures, Resources};
pub use self::review::{ConfigRef, MAX_BODY_BYTES, OptIn, Presence, Refusal, Review};
pub use self::settings::{
    Certificate, Drain, Log, LogFormat, OwnCertificate, PullPolicy, Settings, SettingsError, SidecarSettings,
};
