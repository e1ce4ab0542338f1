//! Whether an incident may be rehearsed with faults of Sidestep's own making, and how hard.

use std::time::Duration;

/// What rehearsals may do. Nothing, unless it is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultsConfig {
    /// Whether faults may be set at all.
    pub allow: bool,
    /// The largest part of attempts that a fault may hit, 0 to 1.
    pub max_rate: f64,
    /// The longest time that a fault may last.
    pub max_duration: Duration,
}

impl FaultsConfig {
    /// No configuration allows a rehearsal to last longer than this: one that is forgotten must not outlast a shift.
    pub const LONGEST: Duration = Duration::from_secs(3600);
}

impl Default for FaultsConfig {
    fn default() -> Self {
        Self { allow: false, max_rate: 0.5, max_duration: Duration::from_secs(15 * 60) }
    }
}
