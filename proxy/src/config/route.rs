//! A route as configured.

use std::time::Duration;

/// What the application asks for, and the targets that may answer it.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteConfig {
    /// An exact model name, or one with `*` for any run of characters.
    pub pattern: String,
    /// In order of preference; never empty.
    pub targets: Vec<TargetConfig>,
    /// Longest time from a call's arrival until its answer begins, over all attempts.
    pub deadline: Duration,
    /// Longest wait for the first meaningful event of a stream. A whole answer, which comes at once at its end, has half
    /// of the time that is left instead.
    pub first_token_timeout: Duration,
    /// Longest silence within an answer that has begun.
    pub stall_timeout: Duration,
    /// How long the caller of a stream waits before it gets a head and signs of life; zero for as long as it takes.
    pub hold: Duration,
    /// Most attempts for one call.
    pub max_attempts: usize,
    /// What retries may cost.
    pub retry_budget: RetryBudget,
    /// Longest `Retry-After` that is waited for in place; a longer one moves the call to the next target.
    pub retry_after_wait: Duration,
    /// Whether a target may be asked again after a failure that is likely to pass.
    pub retry: bool,
    /// Whether a second target is asked when the first is late.
    pub hedge: bool,
    /// How many requests may be hedged; each is paid for out of the retry budget as well.
    pub hedge_budget: RetryBudget,
    /// Whether another target goes on with a stream that breaks.
    pub rescue: bool,
    /// Whether the route is meant to stay with one provider.
    pub single_provider: bool,
    /// What happens to a hint that a target cannot honour.
    pub on_lossy: OnLossy,
}

/// One entry of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetConfig {
    /// Index into [`Config::models`](super::Config::models).
    pub model: usize,
    /// Share among the weighted targets of the route; `None` for one that only stands in, in list order.
    pub weight: Option<u32>,
}

/// How many attempts of a kind a route may make beyond the first, as a share of its requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    /// Attempts allowed for each request.
    pub ratio: f64,
    /// Attempts allowed each second whatever the number of requests.
    pub reserve_per_second: f64,
}

/// What happens to a hint that a target cannot honour. What changes an answer always skips the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLossy {
    /// The hint is dropped and named in `sidestep-degraded`.
    #[default]
    Drop,
    /// The target is skipped.
    Skip,
}
