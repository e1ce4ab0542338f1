//! One model's live facts, as atomics that every request reads and only the ledger writes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

use crate::{
    first_token::FirstTokenHistory,
    identity::ModelId,
    moment::Moment,
    permit::{Busy, Permit, PermitKind, Priority},
    standing::{Standing, Verdict},
};

/// The most credentials that one provider may have.
pub const MAX_CREDENTIALS: usize = 8;

/// One model's live facts.
///
/// The ledger is the single writer of everything but the in-flight counts, which permits move. Padded
/// to two cache lines, for neighbouring lines are fetched in pairs: a busy model must not slow another.
#[derive(Debug)]
#[repr(align(128))]
pub struct Cell {
    standing: AtomicU64,
    held_until: AtomicU64,
    score: AtomicU64,
    pub(crate) in_flight: AtomicU32,
    pub(crate) canaries: AtomicU32,
    max_concurrency: AtomicU32,
    canary_limit: AtomicU32,
    credentials: AtomicU32,
    attention: AtomicBool,
    mending: AtomicBool,
    limits: [AtomicU64; MAX_CREDENTIALS],
    first_token: FirstTokenHistory,
    model: ModelId,
}

/// What the ledger makes known of one model at one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publication {
    pub(crate) standing: Standing,
    pub(crate) held_until: Option<Moment>,
    pub(crate) score: f64,
    pub(crate) canary_limit: u32,
    pub(crate) attention: bool,
    pub(crate) mending: bool,
}

// === impl Cell ===

impl Cell {
    pub(crate) fn new(model: ModelId, max_concurrency: u32, credentials: u32) -> Self {
        let cell = Self {
            standing: AtomicU64::new(Standing::NEW.pack()),
            held_until: AtomicU64::new(0),
            score: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            canaries: AtomicU32::new(0),
            max_concurrency: AtomicU32::new(0),
            canary_limit: AtomicU32::new(u32::MAX),
            credentials: AtomicU32::new(1),
            attention: AtomicBool::new(false),
            mending: AtomicBool::new(false),
            limits: [const { AtomicU64::new(0) }; MAX_CREDENTIALS],
            first_token: FirstTokenHistory::new(),
            model,
        };
        cell.configure(max_concurrency, credentials);
        cell
    }

    /// Whose cell this is.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// The model's standing, whole: one atomic load.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::unpack(self.standing.load(Ordering::Acquire))
    }

    /// Until when every credential of this model is rate limited or out of quota; may have passed.
    #[must_use]
    pub fn limited_until(&self) -> Option<Moment> {
        let credentials = self.credentials.load(Ordering::Acquire) as usize;
        self.limits[..credentials].iter().map(|limit| limit.load(Ordering::Acquire)).min().and_then(optional)
    }

    /// Until when this model is limited for one credential; may have passed.
    #[must_use]
    pub fn credential_limited_until(&self, credential: u32) -> Option<Moment> {
        self.limits.get(credential as usize).and_then(|limit| optional(limit.load(Ordering::Acquire)))
    }

    /// When the cooldown of an open model ends.
    #[must_use]
    pub fn held_until(&self) -> Option<Moment> {
        optional(self.held_until.load(Ordering::Acquire))
    }

    /// The decayed failure score as of the last step; 0 is spotless, 9.2 opens.
    #[must_use]
    pub fn score(&self) -> f64 {
        f64::from_bits(self.score.load(Ordering::Acquire))
    }

    /// Requests under way, probes not counted.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Acquire)
    }

    /// How many requests may be under way at once: the configured limit, and while ramping the canary's.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.max_concurrency().min(self.canary_limit())
    }

    /// Whether a call of `priority` would find a place now. Only a hint: [`Cell::admit`] decides.
    #[must_use]
    pub fn has_room(&self, priority: Priority) -> bool {
        self.in_flight() < priority.part_of(self.max_concurrency())
    }

    /// Something smells: probe soon, whatever the verdict.
    #[must_use]
    pub fn wants_attention(&self) -> bool {
        self.attention.load(Ordering::Acquire)
    }

    /// It is open and its probes have begun to pass: ask faster, a few dozen of them tell whether for good.
    #[must_use]
    pub fn is_mending(&self) -> bool {
        self.mending.load(Ordering::Acquire)
    }

    /// Times to the first token.
    #[must_use]
    pub fn first_token(&self) -> &FirstTokenHistory {
        &self.first_token
    }

    /// Takes a permit for one attempt. Whoever holds it counts as in flight until it is dropped.
    ///
    /// # Errors
    /// [`Busy`] when the model is disabled, takes no such request now, or has its hands full. Probes pass
    /// unless an operator switched the model off; a last resort passes whatever evidence says.
    pub fn admit(self: &Arc<Self>, kind: PermitKind, priority: Priority) -> Result<Permit, Busy> {
        let standing = self.standing();
        let kind = if kind == PermitKind::Live && standing.verdict == Verdict::Ramping {
            PermitKind::Canary
        } else {
            kind
        };
        match kind {
            PermitKind::Probe if standing.verdict == Verdict::Disabled && standing.switched => {
                Err(Busy::Disabled)
            }
            PermitKind::Probe => Ok(Permit::new(Arc::clone(self), kind, standing.epoch)),
            _ if standing.verdict == Verdict::Disabled => Err(Busy::Disabled),
            PermitKind::Live | PermitKind::Canary if !standing.is_eligible() => Err(Busy::Closed),
            _ => self.occupy(kind, priority, standing.epoch),
        }
    }

    fn occupy(self: &Arc<Self>, kind: PermitKind, priority: Priority, epoch: u32) -> Result<Permit, Busy> {
        let canary = kind == PermitKind::Canary;
        if canary {
            take_below(&self.canaries, priority.part_of(self.canary_limit()))?;
        }
        if let Err(busy) = take_below(&self.in_flight, priority.part_of(self.max_concurrency())) {
            if canary {
                self.canaries.fetch_sub(1, Ordering::AcqRel);
            }
            return Err(busy);
        }
        Ok(Permit::new(Arc::clone(self), kind, epoch))
    }

    fn max_concurrency(&self) -> u32 {
        self.max_concurrency.load(Ordering::Acquire)
    }

    fn canary_limit(&self) -> u32 {
        self.canary_limit.load(Ordering::Acquire)
    }

    /// Takes over what a configuration says; for the ledger alone.
    pub(crate) fn configure(&self, max_concurrency: u32, credentials: u32) {
        self.max_concurrency.store(max_concurrency.max(1), Ordering::Release);
        self.credentials.store(credentials.clamp(1, MAX_CREDENTIALS as u32), Ordering::Release);
    }

    /// Makes one step known; for the ledger alone. The standing goes last, so whoever sees a new epoch
    /// sees what belongs to it.
    pub(crate) fn publish(&self, now: &Publication) {
        self.held_until.store(now.held_until.map_or(0, stored), Ordering::Release);
        self.score.store(now.score.to_bits(), Ordering::Release);
        self.canary_limit.store(now.canary_limit, Ordering::Release);
        self.attention.store(now.attention, Ordering::Release);
        self.mending.store(now.mending, Ordering::Release);
        self.standing.store(now.standing.pack(), Ordering::Release);
    }

    /// Closes (or with `None` opens) the limiter of one credential; for the ledger alone.
    pub(crate) fn limit_credential(&self, credential: u32, until: Option<Moment>) {
        if let Some(limit) = self.limits.get(credential as usize) {
            limit.store(until.map_or(0, stored), Ordering::Release);
        }
    }
}

/// Adds one unless that would pass `limit`; one atomic step, so a crowd cannot overshoot.
fn take_below(count: &AtomicU32, limit: u32) -> Result<(), Busy> {
    count
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < limit).then_some(taken + 1))
        .map(drop)
        .map_err(|in_flight| Busy::Full { in_flight, limit })
}

/// Zero means "no moment", so real ones are kept one up.
fn stored(moment: Moment) -> u64 {
    moment.as_millis().saturating_add(1)
}

fn optional(bits: u64) -> Option<Moment> {
    bits.checked_sub(1).map(Moment::from_millis)
}
