//! One line for a call that has ended: who asked for what, who answered, how long it took. Nothing of what was said.

use std::time::Duration;

use rand::Rng;
use sidestep_dialect::{Degraded, Dialect};

use crate::config::AccessConfig;
use crate::dice::Dice;
use crate::metrics::Outcome;
use crate::story::Chapters;

/// Longest piece of the model name that was asked for, in characters: the application may write what it wants there.
const NAME_SHOWN: usize = 80;

/// Which calls get a line.
#[derive(Clone, Copy, Debug)]
pub struct AccessLog {
    sample: f64,
    errors: bool,
}

/// What is kept from the beginning of a call for its line. Exists only while there is an access log.
pub(crate) struct AccessNote {
    requested: Box<str>,
    sampled: bool,
    errors: bool,
}

/// A call that has ended, as its line tells it.
pub(crate) struct Ended<'a> {
    pub(crate) id: &'a str,
    /// Its route's pattern; `none` for a request that never became a call.
    pub(crate) route: &'a str,
    pub(crate) dialect: Option<Dialect>,
    pub(crate) outcome: Outcome,
    /// What the application was sent; nothing if it left before.
    pub(crate) status: Option<u16>,
    pub(crate) streamed: bool,
    pub(crate) took: Duration,
    pub(crate) chapters: &'a Chapters,
}

// === impl AccessLog ===

impl AccessLog {
    /// As `config` says.
    #[must_use]
    pub const fn new(config: &AccessConfig) -> Self {
        Self { sample: config.sample, errors: config.errors }
    }

    /// What is to be kept of a call for `requested`.
    pub(crate) fn note(&self, requested: &str, dice: &Dice) -> Box<AccessNote> {
        let requested = requested.chars().take(NAME_SHOWN).collect();
        Box::new(AccessNote { requested, sampled: self.draws(dice), errors: self.errors })
    }

    fn draws(&self, dice: &Dice) -> bool {
        // At the ends nothing is left to chance, nor drawn.
        self.sample >= 1.0 || (self.sample > 0.0 && dice.throw().random::<f64>() < self.sample)
    }
}

// === impl AccessNote ===

impl AccessNote {
    /// Writes the line, if the call gets one.
    pub(crate) fn write(&self, call: &Ended<'_>) {
        if self.wants(call.outcome) {
            write(call, &self.requested);
        }
    }

    fn wants(&self, outcome: Outcome) -> bool {
        self.sampled || (self.errors && outcome != Outcome::Answered)
    }
}

fn write(call: &Ended<'_>, requested: &str) {
    let chapters = call.chapters;
    let usage = &chapters.usage;
    let input = usage.input + usage.cache_read + usage.cache_write;
    tracing::info!(
        target: "sidestep::access",
        request_id = call.id,
        route = call.route,
        dialect = call.dialect.map(|dialect| dialect.as_str()),
        requested_model = Some(requested).filter(|name| !name.is_empty()),
        upstream = chapters.served_by.as_deref(),
        attempts = chapters.attempts.len(),
        fallback_reason = chapters.fallback,
        rescued_by = chapters.rescued_by.as_deref(),
        refusal = chapters.refusal,
        degraded = degraded(&chapters.degraded).as_deref(),
        outcome = call.outcome.as_str(),
        status = call.status,
        streamed = call.streamed,
        first_token_ms = chapters.first_word_after.map(millis),
        duration_ms = millis(call.took),
        input_tokens = Some(input).filter(|tokens| *tokens > 0),
        output_tokens = Some(usage.output).filter(|tokens| *tokens > 0),
        "access"
    );
}

/// The names of the fields alone: their reasons are in the answer's header.
fn degraded(lost: &[Degraded]) -> Option<String> {
    let names: Vec<_> = lost.iter().map(|lost| &*lost.field).collect();
    (!names.is_empty()).then(|| names.join(","))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(config: AccessConfig, outcome: Outcome, dice: &Dice) -> usize {
        let log = AccessLog::new(&config);
        (0..10_000).filter(|_| log.note("gpt", dice).wants(outcome)).count()
    }

    #[test]
    fn a_share_of_the_good_calls_is_written_and_all_others() {
        let dice = Dice::seeded(7);
        let share = |sample| AccessConfig { sample, errors: true };
        assert_eq!(written(share(0.0), Outcome::Answered, &dice), 0);
        assert_eq!(written(share(1.0), Outcome::Answered, &dice), 10_000);
        // Five standard deviations to either side; the dice fall the same way each time.
        assert!((400..600).contains(&written(share(0.05), Outcome::Answered, &dice)));
        for outcome in [Outcome::Rerouted, Outcome::Rescued, Outcome::Cut, Outcome::Failed, Outcome::Refused]
        {
            assert_eq!(written(share(0.0), outcome, &dice), 10_000);
            let config = AccessConfig { sample: 0.0, errors: false };
            assert_eq!(written(config, outcome, &dice), 0);
        }
    }

    #[test]
    fn a_long_name_is_cut() {
        let log = AccessLog::new(&AccessConfig { sample: 1.0, errors: true });
        assert_eq!(log.note(&"é".repeat(5000), &Dice::seeded(1)).requested.chars().count(), NAME_SHOWN);
    }
}
