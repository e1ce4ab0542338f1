//! Leave to make one attempt, given back when dropped.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use crate::{cell::Cell, identity::ModelId};

/// What an attempt is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PermitKind {
    /// An ordinary request.
    Live,
    /// A request to a ramping model, under the canary limit.
    Canary,
    /// Nothing better was left.
    LastResort,
    /// A synthetic prompt; not counted as in flight.
    Probe,
}

/// Whose request waits: batch work sees only 80 % of a limit, so that a person still gets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// A person waits.
    #[default]
    Interactive,
    /// Nobody waits.
    Batch,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// An operator's switch, or the provider does not know the model.
    #[error("the model is disabled")]
    Disabled,
    /// The breaker is open, half open or masked by its provider's.
    #[error("the model takes no requests until it has recovered")]
    Closed,
    /// Too many requests are under way.
    #[error("{in_flight} requests are under way, the limit is {limit}")]
    Full {
        /// Requests under way of the kind that is limited.
        in_flight: u32,
        /// The limit for this priority.
        limit: u32,
    },
}

/// Leave to make one attempt at one model. Dropping it frees the place, whatever became of the attempt.
pub struct Permit {
    cell: Arc<Cell>,
    kind: PermitKind,
    epoch: u32,
}

// === impl Priority ===

impl Priority {
    /// The part of a limit that this priority may fill; at least one, lest a small limit shut batch out.
    pub(crate) const fn part_of(self, limit: u32) -> u32 {
        match self {
            Self::Interactive => limit,
            Self::Batch => {
                let part = (limit as u64 * 4 / 5) as u32;
                if part == 0 && limit > 0 { 1 } else { part }
            }
        }
    }
}

// === impl Permit ===

impl Permit {
    pub(crate) fn new(cell: Arc<Cell>, kind: PermitKind, epoch: u32) -> Self {
        Self { cell, kind, epoch }
    }

    /// What the attempt is for; an ordinary request to a ramping model becomes a canary.
    #[must_use]
    pub fn kind(&self) -> PermitKind {
        self.kind
    }

    /// The model's epoch when the permit was taken.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The model it is for.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        self.cell.model()
    }

    /// The cell it was taken from.
    #[must_use]
    pub fn cell(&self) -> &Arc<Cell> {
        &self.cell
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("model", self.model())
            .field("kind", &self.kind)
            .field("epoch", &self.epoch)
            .finish()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.kind == PermitKind::Canary {
            self.cell.canaries.fetch_sub(1, Ordering::AcqRel);
        }
        if self.kind != PermitKind::Probe {
            self.cell.in_flight.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
