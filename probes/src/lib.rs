//! Asks every upstream model a question that it can check.
//!
//! One [`Prober`] runs beside the traffic. It looks at the [`Targets`] several times a second, lets the
//! [`schedule`] say whom to ask, the [`budget`] whether that may cost something, and the [`prompt`] what to
//! ask; [`send()`](send::send) takes the same road as traffic, [`score`](score::score) turns the answer into
//! evidence for the table. [`conversion`] is the bridge between what wires say and what the table weighs, for
//! probes and for traffic.
//!
//! No prompt, answer or credential is ever logged, counted or shown.

pub mod budget;
pub mod conversion;
pub mod prober;
pub mod prompt;
pub mod schedule;
pub mod score;
pub mod send;
pub mod signals;

pub use budget::{Allowance, Errand, Price, Tokens};
pub use conversion::{Blame, class_of, class_of_stream};
pub use prober::{Observer, Prober, Report, Settings, Target, Targets};
pub use schedule::Cadence;
pub use send::Patience;
pub use signals::Signals;
