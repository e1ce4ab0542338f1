//! Asks every upstream model a question that it can check.

pub mod budget;
pub mod conversion;
pub mod schedule;

pub use budget::{Allowance, Errand, Price, Tokens};
pub use conversion::{Blame, class_of};
pub use schedule::Cadence;
