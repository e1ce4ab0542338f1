//! Who is healthy: the shared state table of Sidestep.
//!
//! Pure: no clock, no runtime, no network. Callers bring every [`Moment`] and every claim
//! ([`Evidence`]); one [`Ledger`] judges them and writes the [`Cell`]s that requests read.
//!
//! Classes, formulas and figures follow the project's health model: a decayed log-likelihood score
//! (CUSUM, Page 1954), a Wilson lower bound on the failure ratio (Wilson 1927), counts of failures in a
//! row, equal-jitter cooldowns (as Finagle's failure accrual), and a staged ramp under an AIMD limit.

pub mod budget;
pub mod cell;
pub mod choice;
mod credential;
pub mod decision;
pub mod evidence;
pub mod first_token;
pub mod identity;
pub mod ledger;
mod limiter;
mod local;
pub mod moment;
mod pattern;
pub mod permit;
pub mod policy;
pub mod provider;
mod quality;
mod ramp;
mod score;
pub mod shape;
pub mod standing;
mod surge;
pub mod switches;
pub mod topology;
mod verdict;
pub mod view;

pub use budget::{Budget, BudgetPolicy};
pub use cell::{Cell, MAX_CREDENTIALS};
pub use choice::{Admission, Candidate, Unavailable, rank};
pub use decision::{Decision, DecisionKind};
pub use evidence::{Class, Evidence, Fault, ProbeKind, Quality, Source};
pub use first_token::{FirstTokenHistory, FirstTokenMark};
pub use identity::{ModelId, ModelIndex, ProviderId, ProviderIndex, RouteIndex};
pub use ledger::Ledger;
pub use moment::Moment;
pub use permit::{Busy, Permit, PermitKind, Priority};
pub use policy::{Knobs, Policy, PolicyError};
pub use provider::ProviderCell;
pub use shape::{ModelShape, ProviderShape, RouteShape, Shape, ShapeError, TargetShape};
pub use standing::{FULL_SHARE, Standing, Verdict};
pub use switches::{Subject, Switch, SwitchKind, SwitchOrder, UnknownSubject};
pub use topology::{ModelEntry, ProviderEntry, RouteEntry, TargetEntry, Topology};
pub use view::{ModelView, ProviderView, View};
