//! What a call cost beyond what it would have cost had its first choice answered it.

use sidestep_dialect::Usage;

use crate::config::Price;

const NANOS_PER_USD: f64 = 1e9;

/// Tokens and money, as far as vendors tell tokens and the configuration knows prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surplus {
    /// Tokens of answers that were thrown away, and of prompts that were read again.
    pub tokens: u64,
    /// What it cost more, in billionths of a US dollar; below 0 where it was cheaper.
    pub nano_usd: i64,
    /// A price was missing, so that the money is not all of it.
    pub unpriced: bool,
}

// === impl Surplus ===

impl Surplus {
    /// An answer that was thrown away: all of it is surplus.
    #[must_use]
    pub fn thrown_away(usage: &Usage, price: Option<Price>) -> Surplus {
        let tokens = read(usage) + usage.output;
        Self::priced(tokens, tokens > 0, price.map(|price| cost(usage, price)))
    }

    /// The rest of an answer, told by a model at `by` in the place of one at `first`: the prompt was read twice, and
    /// what was written may have had another price.
    #[must_use]
    pub fn told_again(usage: &Usage, by: Option<Price>, first: Option<Price>) -> Surplus {
        let written = Usage { output: usage.output, ..Usage::default() };
        let more = by.zip(first).map(|(by, first)| cost(usage, by) - cost(&written, first));
        Self::priced(read(usage), *usage != Usage::default(), more)
    }

    /// A whole answer by a model at `by` in the place of one at `first`: no token more, but another price.
    #[must_use]
    pub fn elsewhere(usage: &Usage, by: Option<Price>, first: Option<Price>) -> Surplus {
        let more = by.zip(first).map(|(by, first)| cost(usage, by) - cost(usage, first));
        Self::priced(0, *usage != Usage::default(), more)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Surplus) -> Surplus {
        Surplus {
            tokens: self.tokens.saturating_add(other.tokens),
            nano_usd: self.nano_usd.saturating_add(other.nano_usd),
            unpriced: self.unpriced || other.unpriced,
        }
    }

    fn priced(tokens: u64, used: bool, usd: Option<f64>) -> Surplus {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, at nine billion dollars for one call"
        )]
        let nano_usd = (usd.unwrap_or(0.0) * NANOS_PER_USD).round() as i64;
        Surplus { tokens, nano_usd, unpriced: used && usd.is_none() }
    }
}

/// Input is priced alike whether a cache had it or not, for no other price of it is configured.
fn read(usage: &Usage) -> u64 {
    usage.input + usage.cache_read + usage.cache_write
}

#[expect(clippy::cast_precision_loss, reason = "tokens of one answer are far below 2^53")]
fn cost(usage: &Usage, price: Price) -> f64 {
    let input = read(usage) as f64 * price.input_usd_per_million;
    (input + usage.output as f64 * price.output_usd_per_million) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAR: Option<Price> = Some(Price { input_usd_per_million: 10.0, output_usd_per_million: 50.0 });
    const CHEAP: Option<Price> = Some(Price { input_usd_per_million: 1.0, output_usd_per_million: 5.0 });

    #[test]
    fn surplus_is_what_was_thrown_away_read_twice_or_dearer() {
        let usage = Usage { input: 600, cache_read: 300, cache_write: 100, output: 200, reasoning: 50 };
        let surplus = |tokens, nano_usd| Surplus { tokens, nano_usd, unpriced: false };
        assert_eq!(Surplus::thrown_away(&usage, DEAR), surplus(1200, 20_000_000));
        assert_eq!(Surplus::told_again(&usage, CHEAP, DEAR), surplus(1000, 2_000_000 - 10_000_000));
        assert_eq!(Surplus::elsewhere(&usage, DEAR, CHEAP), surplus(0, 18_000_000));
        assert_eq!(Surplus::elsewhere(&usage, CHEAP, DEAR), surplus(0, -18_000_000));
        assert!(Surplus::elsewhere(&usage, CHEAP, None).unpriced);
        assert_eq!(Surplus::thrown_away(&Usage::default(), None), Surplus::default());
    }
}
