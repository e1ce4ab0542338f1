//! What probes may cost, and a cap that holds in every state of every model, an outage included.
//!
//! A [`Purse`] is a token bucket in integers, one for all models. Its depth is half the day's allowance and
//! the other half flows back evenly over 24 hours, so that in *any* window of 24 hours no more than the
//! allowance is granted: there is no midnight at which two days' money could meet. What is left is spent by
//! need: calm probes leave half of the purse for trouble, alert ones leave a fifth for recovery, and only the
//! probes that decide whether a model may come back can empty it. A probe that broke off before its vendor told
//! what it cost counts as much as the dearest of its kind that was told.

use std::time::Duration;

use sidestep_table::{ModelId, Moment};

/// Milliseconds of the 24 hours over which half an allowance flows back.
const DAY_MS: u128 = 24 * 60 * 60 * 1000;
/// Nano-dollars in a dollar: the unit in which money is counted.
const NANOS_PER_USD: f64 = 1e9;

/// The most that all probes together may cost in any 24 hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    /// US dollars, by the models' prices.
    UsdPerDay(f64),
    /// Tokens, input and output together.
    TokensPerDay(u64),
}

/// List price of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// US dollars for a million input tokens.
    pub input_usd_per_million: f64,
    /// US dollars for a million output tokens, reasoning included.
    pub output_usd_per_million: f64,
}

/// Tokens that one probe used, or may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Input tokens, cached ones included: a discount is not counted on.
    pub input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
}

/// An amount in a purse's own unit: nano-dollars or tokens, as its [`Allowance`] has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub u64);

/// How much a probe matters, and so how deep into the purse it may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Errand {
    /// The model is well: half of the purse must stay.
    Calm,
    /// Something smells: a fifth of the purse must stay.
    Alert,
    /// The probe decides whether the model comes back: it may take the last of it.
    Recovery,
}

/// Money set aside for a probe in flight. Dropped without [`Purse::settle`], it stays set aside for good.
#[derive(Debug)]
#[must_use = "an unsettled hold stays set aside for good"]
pub struct Hold {
    amount: Amount,
    era: u32,
}

/// The money for all probes.
#[derive(Clone, Debug)]
pub struct Purse {
    allowance: Allowance,
    depth: u64,
    /// Counts changes of the unit: a hold in another one cannot be settled by difference.
    era: u32,
    /// Set aside and not settled yet. It keeps its place in the purse: were that filled again meanwhile, a
    /// refund could be spent on top of a full purse.
    held: u64,
    /// Negative after a probe that cost more than its estimate: the debt is worked off before the next.
    level: i128,
    /// What flowed back but does not fill a whole unit yet, in units × milliseconds.
    remainder: u128,
    credited: Moment,
    /// A calm probe that was refused: what it needs is saved up, or cheap models would starve a dear one.
    promised: Option<(ModelId, u64)>,
}

// === impl Allowance ===

impl Allowance {
    /// What `tokens` cost under this allowance, rounded up.
    ///
    /// Where money counts and the price is not known, [`Price::ASSUMED`] stands in: the cap holds all the same.
    #[must_use]
    pub fn amount(&self, tokens: Tokens, price: Option<Price>) -> Amount {
        match self {
            Self::TokensPerDay(_) => Amount(tokens.input.saturating_add(tokens.output)),
            Self::UsdPerDay(_) => {
                let usd = price.unwrap_or(Price::ASSUMED).usd(tokens);
                Amount(whole((usd * NANOS_PER_USD).ceil()))
            }
        }
    }

    fn per_day(&self) -> u64 {
        match self {
            Self::TokensPerDay(tokens) => *tokens,
            // Rounded down where a cost is rounded up: the cap is never exceeded by rounding.
            Self::UsdPerDay(usd) => whole(usd * NANOS_PER_USD),
        }
    }
}

// === impl Price ===

impl Price {
    /// That of the dearest models on the public price lists of late 2026.
    pub const ASSUMED: Self = Self { input_usd_per_million: 10.0, output_usd_per_million: 50.0 };

    /// What `tokens` cost in US dollars.
    #[must_use]
    pub fn usd(&self, tokens: Tokens) -> f64 {
        let cost = |count: u64, per_million: f64| count as f64 * per_million / 1e6;
        cost(tokens.input, self.input_usd_per_million) + cost(tokens.output, self.output_usd_per_million)
    }
}

// === impl Purse ===

impl Purse {
    /// A full purse: half of the day's allowance.
    #[must_use]
    pub fn new(allowance: Allowance, now: Moment) -> Self {
        let depth = allowance.per_day() / 2;
        Self {
            allowance,
            depth,
            era: 0,
            held: 0,
            level: i128::from(depth),
            remainder: 0,
            credited: now,
            promised: None,
        }
    }

    /// Takes a new allowance, as after a reload. What was spent stays spent: a purse is never filled by a reload.
    pub fn amend(&mut self, allowance: Allowance, now: Moment) {
        if allowance == self.allowance {
            return;
        }
        self.credit(now);
        let spent = i128::from(self.depth) - self.level;
        let same_unit = std::mem::discriminant(&allowance) == std::mem::discriminant(&self.allowance);
        let before = self.depth.max(1);
        self.allowance = allowance;
        self.depth = allowance.per_day() / 2;
        self.remainder = 0;
        self.promised = None;
        if !same_unit {
            self.era += 1;
            self.held = 0;
        }
        // Money and tokens do not compare, so across units the same *share* stays spent.
        let spent = if same_unit { spent } else { spent * i128::from(self.depth) / i128::from(before) };
        self.level = i128::from(self.depth) - spent;
    }

    /// The allowance in force.
    #[must_use]
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// Sets `estimate` aside, or refuses because less than the errand's floor would remain.
    pub fn withdraw(
        &mut self,
        model: &ModelId,
        estimate: Amount,
        errand: Errand,
        now: Moment,
    ) -> Option<Hold> {
        self.credit(now);
        self.promised.take_if(|(to, _)| to == model);
        let saved = self.promised.as_ref().map_or(0, |(_, amount)| *amount);
        let floor = match errand {
            Errand::Calm => i128::from(self.depth / 2) + i128::from(saved),
            Errand::Alert => i128::from(self.depth / 5),
            Errand::Recovery => 0,
        };
        let left = self.level - i128::from(estimate.0);
        if left >= floor {
            self.level = left;
            self.held = self.held.saturating_add(estimate.0);
            return Some(Hold { amount: estimate, era: self.era });
        }
        // Only what can be saved up at all is promised.
        if errand == Errand::Calm && self.promised.is_none() && estimate.0 <= self.depth - self.depth / 2 {
            self.promised = Some((model.clone(), estimate.0));
        }
        None
    }

    /// Whether a calm probe may be more than the cheapest: three quarters of the purse are left.
    #[must_use]
    pub fn is_ample(&mut self, now: Moment) -> bool {
        self.credit(now);
        self.level >= i128::from(self.depth / 4 * 3)
    }

    /// Whether open models have to be asked more seldom: two fifths of the purse are left at most. Calm probes
    /// alone never bring it there. An outage of many hours would else spend it all before its end, which nobody would
    /// find out then.
    #[must_use]
    pub fn is_scarce(&mut self, now: Moment) -> bool {
        self.credit(now);
        self.level < i128::from(self.depth / 5 * 2)
    }

    /// Forgets what is saved up for a model that is gone.
    pub fn keep(&mut self, known: impl Fn(&ModelId) -> bool) {
        self.promised.take_if(|(model, _)| !known(model));
    }

    /// Replaces a probe's estimate by what it did cost.
    pub fn settle(&mut self, hold: Hold, actual: Amount, now: Moment) {
        self.credit(now);
        // The share that was set aside in another unit stays spent.
        if hold.era == self.era {
            self.held = self.held.saturating_sub(hold.amount.0);
            self.level += i128::from(hold.amount.0) - i128::from(actual.0);
        }
    }

    /// What may be spent now by the most important errand, in the purse's unit.
    #[must_use]
    pub fn left(&self) -> Amount {
        Amount(u64::try_from(self.level.max(0)).unwrap_or(u64::MAX))
    }

    fn credit(&mut self, now: Moment) {
        let elapsed: Duration = now.saturating_since(self.credited);
        if elapsed.is_zero() {
            return;
        }
        self.credited = now;
        // The other half of the allowance: depth + one day's flow = the allowance.
        let flow = u128::from(self.allowance.per_day() - self.depth);
        let earned = flow * elapsed.as_millis() + self.remainder;
        self.remainder = earned % DAY_MS;
        let earned = i128::try_from(earned / DAY_MS).unwrap_or(i128::MAX);
        self.level = self.level.saturating_add(earned).min(i128::from(self.depth) - i128::from(self.held));
    }
}

/// The whole part; what is no number or negative is nothing.
fn whole(value: f64) -> u64 {
    if value.is_finite() && value > 0.0 { value as u64 } else { 0 }
}

#[cfg(test)]
mod tests;
