//! `routes:`.

use std::time::Duration;

use super::Resolver;
use crate::config::{
    ModelConfig, OnLossy, RetryBudget, RouteConfig, TargetConfig,
    nearest::suggestion,
    place::Place,
    schema::{LossyWord, RetryBudgetSchema, RouteSchema, TargetSchema},
};

// As long as the official SDKs wait by default.
const DEADLINE: Duration = Duration::from_secs(600);
const FIRST_TOKEN_TIMEOUT: Duration = Duration::from_secs(60);
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Most answers begin earlier, and so do most failovers. The read timeouts that callers and load balancers are given
/// begin at 20 to 30 s.
const HOLD: Duration = Duration::from_secs(15);
const RETRY_AFTER_WAIT: Duration = Duration::from_secs(2);
const MAX_ATTEMPTS: usize = 4;
const MOST_ATTEMPTS: usize = 10;
const RETRIES: RetryBudget = RetryBudget { ratio: 0.1, reserve_per_second: 1.0 };
/// Twice the 95th percentile of a model's own history is passed by less than 5 % of what it answers, so that
/// this binds only when something is wrong.
const HEDGES: RetryBudget = RetryBudget { ratio: 0.05, reserve_per_second: 0.5 };
const HIGHEST_WEIGHT: u32 = 1_000_000;

/// Timers of a route.
struct Timers {
    deadline: Duration,
    first_token: Duration,
    stall: Duration,
    hold: Duration,
    retry_after: Duration,
}

impl Resolver<'_> {
    /// The routes that stand, in the order of the file.
    pub(super) fn routes(
        &mut self,
        schemas: &[RouteSchema],
        models: &[Option<ModelConfig>],
        names: &[&str],
    ) -> Vec<RouteConfig> {
        let place = Place::default().name("routes");
        if schemas.is_empty() {
            self.refuse(&place, "there is no route");
        }
        let mut routes = Vec::new();
        for (at, schema) in schemas.iter().enumerate() {
            let place = place.index(at);
            self.check_pattern(&schema.pattern, &place.name("match"));
            if let Some(earlier) = schemas[..at].iter().position(|earlier| earlier.pattern == schema.pattern)
            {
                let message =
                    format!("is never reached: routes[{earlier}] already matches `{}`", schema.pattern);
                self.refuse(&place.name("match"), message);
            }
            let targets = self.targets(&schema.targets, names, &place.name("targets"));
            self.check_failover(schema, &targets, models, &place);
            routes.push(self.route(schema, targets, &place));
        }
        routes
    }

    fn route(&mut self, schema: &RouteSchema, targets: Vec<TargetConfig>, place: &Place) -> RouteConfig {
        let timers = self.timers(schema, place);
        let max_attempts = schema.max_attempts.unwrap_or(MAX_ATTEMPTS);
        if !(1..=MOST_ATTEMPTS).contains(&max_attempts) {
            self.refuse(&place.name("max_attempts"), format!("has to be between 1 and {MOST_ATTEMPTS}"));
        }
        RouteConfig {
            pattern: schema.pattern.clone(),
            targets,
            deadline: timers.deadline,
            first_token_timeout: timers.first_token,
            stall_timeout: timers.stall,
            hold: timers.hold,
            max_attempts,
            retry_budget: self.allowance(schema.retry_budget, RETRIES, &place.name("retry_budget")),
            retry_after_wait: timers.retry_after,
            retry: schema.retry.unwrap_or(true),
            hedge: schema.hedge.unwrap_or(true),
            hedge_budget: self.allowance(schema.hedge_budget, HEDGES, &place.name("hedge_budget")),
            rescue: schema.rescue.unwrap_or(true),
            single_provider: schema.single_provider.unwrap_or(false),
            on_lossy: schema.on_lossy.map_or(OnLossy::Drop, OnLossy::from),
        }
    }

    fn check_pattern(&mut self, pattern: &str, place: &Place) {
        if pattern.is_empty() || pattern.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.refuse(place, "is not the name of a model, nor one with `*` for any characters");
        } else if pattern.contains("**") {
            self.refuse(place, "`**` means the same as `*`");
        } else if let Some(other) = pattern.chars().find(|c| "?[]{}()^$\\|".contains(*c)) {
            self.refuse(place, format!("`{other}` has no meaning in a pattern; only `*` has"));
        }
    }

    fn targets(&mut self, schemas: &[TargetSchema], names: &[&str], place: &Place) -> Vec<TargetConfig> {
        if schemas.is_empty() {
            self.refuse(place, "there is no target");
        }
        let mut targets: Vec<TargetConfig> = Vec::new();
        for (at, TargetSchema { model: name, weight }) in schemas.iter().enumerate() {
            let place = place.index(at);
            if weight.is_some_and(|weight| !(1..=HIGHEST_WEIGHT).contains(&weight)) {
                self.refuse(&place.name("weight"), format!("has to be between 1 and {HIGHEST_WEIGHT}"));
            }
            match names.iter().position(|known| known == name) {
                Some(model) if targets.iter().any(|target| target.model == model) => {
                    self.refuse(&place, format!("`{name}` is already a target"));
                }
                Some(model) => targets.push(TargetConfig { model, weight: *weight }),
                None => {
                    let hint = suggestion(name, names.iter().copied());
                    self.refuse(&place, format!("unknown model `{name}`{hint}"));
                }
            }
        }
        targets
    }

    /// A route either can fail over to another provider, or says that it will not.
    fn check_failover(
        &mut self,
        schema: &RouteSchema,
        targets: &[TargetConfig],
        models: &[Option<ModelConfig>],
        place: &Place,
    ) {
        let known: Option<Vec<usize>> =
            targets.iter().map(|target| models[target.model].as_ref().map(|model| model.provider)).collect();
        // What is refused already is not told a second time.
        let Some(providers) = known.filter(|known| !known.is_empty() && known.len() == schema.targets.len())
        else {
            return;
        };
        let several = providers.iter().any(|provider| *provider != providers[0]);
        match (schema.single_provider.unwrap_or(false), several) {
            (false, false) => self.refuse(
                &place.name("targets").key(),
                "cannot fail over, all targets are at one provider: add one at another, or say `single_provider: true`",
            ),
            (true, true) => {
                self.refuse(&place.name("single_provider"), "the targets are at more than one provider");
            }
            (false, true) if schema.max_attempts == Some(1) => self.refuse(
                &place.name("max_attempts"),
                "cannot fail over, one attempt leaves none for another target",
            ),
            _ => {}
        }
    }

    fn timers(&mut self, schema: &RouteSchema, place: &Place) -> Timers {
        let deadline = schema.deadline.map_or(DEADLINE, |period| period.0);
        if deadline.is_zero() {
            self.refuse(&place.name("deadline"), "leaves no time for an answer");
        }
        let first_token = schema.first_token_timeout.map(|period| period.0);
        if first_token.is_some_and(|time| time.is_zero() || time > deadline) {
            self.refuse(&place.name("first_token_timeout"), "has to be above 0 and not above the `deadline`");
        }
        let stall = schema.stall_timeout.map_or(STALL_TIMEOUT, |period| period.0);
        if stall.is_zero() {
            self.refuse(&place.name("stall_timeout"), "leaves no time between two events");
        }
        Timers {
            deadline,
            first_token: first_token.unwrap_or(FIRST_TOKEN_TIMEOUT.min(deadline)),
            stall,
            hold: schema.hold.map_or(HOLD, |period| period.0),
            retry_after: schema.retry_after_wait.map_or(RETRY_AFTER_WAIT, |period| period.0),
        }
    }

    fn allowance(
        &mut self,
        schema: Option<RetryBudgetSchema>,
        default: RetryBudget,
        place: &Place,
    ) -> RetryBudget {
        let ratio = schema.and_then(|schema| schema.ratio).unwrap_or(default.ratio);
        if !(0.0..=1.0).contains(&ratio) {
            self.refuse(&place.name("ratio"), "has to be between 0 and 1");
        }
        let reserve = schema.and_then(|schema| schema.reserve_per_second);
        let reserve_per_second = reserve.unwrap_or(default.reserve_per_second);
        if !(0.0..=1000.0).contains(&reserve_per_second) {
            self.refuse(&place.name("reserve_per_second"), "has to be between 0 and 1000");
        }
        RetryBudget { ratio, reserve_per_second }
    }
}

impl From<LossyWord> for OnLossy {
    fn from(word: LossyWord) -> Self {
        match word {
            LossyWord::Drop => Self::Drop,
            LossyWord::Skip => Self::Skip,
        }
    }
}
