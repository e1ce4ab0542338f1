//! What the table says of a model, small enough to be read in one atomic load.

use std::fmt;

use serde::{Serialize, Serializer};

/// The full share of a model's rightful traffic, in permille.
pub const FULL_SHARE: u16 = 1000;

/// What the table says of a model or a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// Takes all the traffic that is its own.
    Healthy = 0,
    /// Fails more than it should: its traffic is shifted away smoothly, not cut.
    Degraded = 1,
    /// Takes no traffic until its cooldown has passed.
    Open = 2,
    /// The cooldown has passed; probes decide, no user's request does.
    HalfOpen = 3,
    /// Passed its probes and takes a growing share.
    Ramping = 4,
    /// Switched off by an operator, or unknown to its provider.
    Disabled = 5,
}

/// One model's standing: read whole, so that verdict, share and epoch always belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The verdict in force, switches included.
    pub verdict: Verdict,
    /// Permille of its rightful traffic that it may take, 0..=1000.
    pub share: u16,
    /// Grows with every trip; an answer that began in an older epoch says nothing about this one.
    pub epoch: u32,
    /// Its provider is open, so it takes nothing whatever its own verdict.
    pub masked: bool,
    /// An operator's switch decides, not evidence.
    pub switched: bool,
}

// === impl Verdict ===

impl Verdict {
    /// Every verdict, in the order of the enum.
    pub const ALL: [Self; 6] =
        [Self::Healthy, Self::Degraded, Self::Open, Self::HalfOpen, Self::Ramping, Self::Disabled];

    /// The verdict's name in metrics, JSON and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Ramping => "ramping",
            Self::Disabled => "disabled",
        }
    }

    const fn from_bits(bits: u64) -> Self {
        Self::ALL[(bits % Self::ALL.len() as u64) as usize]
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

// === impl Standing ===

impl Standing {
    /// A model of which nothing is known yet.
    pub const NEW: Self =
        Self { verdict: Verdict::Healthy, share: FULL_SHARE, epoch: 0, masked: false, switched: false };

    /// Whether ordinary requests may go there at all.
    #[must_use]
    pub const fn is_eligible(self) -> bool {
        !self.masked
            && self.share > 0
            && matches!(self.verdict, Verdict::Healthy | Verdict::Degraded | Verdict::Ramping)
    }

    pub(crate) const fn pack(self) -> u64 {
        (self.epoch as u64) << 32
            | (self.share as u64) << 16
            | (self.verdict as u64) << 8
            | (self.switched as u64) << 1
            | self.masked as u64
    }

    pub(crate) const fn unpack(bits: u64) -> Self {
        Self {
            verdict: Verdict::from_bits((bits >> 8) & 0xff),
            share: (bits >> 16) as u16,
            epoch: (bits >> 32) as u32,
            masked: bits & 1 != 0,
            switched: bits & 2 != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_loses_nothing(verdict in 0_usize..6, share: u16, epoch: u32, flags: (bool, bool)) {
            let standing = Standing {
                verdict: Verdict::ALL[verdict], share, epoch, masked: flags.0, switched: flags.1,
            };
            prop_assert_eq!(Standing::unpack(standing.pack()), standing);
        }
    }
}
