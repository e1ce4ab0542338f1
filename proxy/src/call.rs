//! What travels through the stack: `http::Request` → [`Call`] → [`Plan`] → [`Attempt`].

use std::ops::Deref;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use rand::Rng;
use sidestep_dialect::{AnswerContext, Ask, Tier};
use sidestep_table::{Admission, Budget, Candidate, ModelIndex, Permit, Priority, RouteIndex};
use tokio::time::Instant;

use crate::catalog::{Catalog, ModelPlan, RoutePlan};
use crate::dice::Dice;
use crate::story::Story;
use crate::telemetry::Trace;

/// Most attempts at the rest of an answer: the caller waits for it in the middle of a sentence.
const REST_ATTEMPTS: usize = 2;

/// One request of the application, understood.
#[derive(Clone)]
pub struct Call {
    /// What it asks for.
    pub ask: Ask,
    /// The application's bytes, whole.
    pub body: Bytes,
    /// The application's headers.
    pub headers: HeaderMap,
    /// Which route serves it.
    pub route: RouteIndex,
    /// The generation of configuration that it arrived in, and keeps.
    pub catalog: Arc<Catalog>,
    /// When its first byte was understood.
    pub arrived: Instant,
    /// Until when the answer must have begun.
    pub deadline: Instant,
    /// Batch work is shed first.
    pub priority: Priority,
    /// Names the call in logs, headers and errors.
    pub id: Arc<str>,
    /// What happened to it, for metrics, headers and the log.
    pub story: Arc<Story>,
    /// Its trace, if it has one.
    pub trace: Trace,
    /// How it asks for the rest of an answer that broke off, if it does.
    pub rest: Option<Tier>,
    /// Where its draws come from.
    pub dice: Dice,
}

/// A call with the order in which targets are to be asked.
pub struct Plan {
    /// The call, shared by its attempts.
    pub call: Arc<Call>,
    /// Best first. Never empty.
    pub candidates: Vec<Candidate>,
}

/// One exchange with one target.
pub struct Attempt {
    /// What it is for.
    pub call: Arc<Call>,
    /// Whom to ask.
    pub target: ModelIndex,
    /// On which terms the target takes it.
    pub admission: Admission,
    /// True when the same target refused the history's thinking blocks a moment ago: send it without them.
    pub repaired: bool,
    /// Whom to ask as well when the target is late.
    pub standby: Option<Candidate>,
}

/// An attempt that its target has room for.
pub struct Admitted {
    /// The attempt.
    pub attempt: Attempt,
    /// Holds the target's place until the answer has ended; carries the epoch.
    pub permit: Permit,
}

impl Call {
    /// The settings of the route that serves this call.
    #[must_use]
    pub fn route_plan(&self) -> &RoutePlan {
        self.catalog.route(self.route)
    }

    /// What the route may spend on further attempts.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.catalog.topology.routes[self.route.get()].budget
    }

    /// Most attempts that may be made for it.
    #[must_use]
    pub fn max_attempts(&self) -> usize {
        let most = self.route_plan().max_attempts;
        if self.rest.is_some() { most.min(REST_ATTEMPTS) } else { most }
    }

    /// What an answer in another dialect than the upstream's needs to know of the call. `model` is named where the
    /// upstream names none.
    #[must_use]
    pub fn answer_context(&self, model: String) -> AnswerContext {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        AnswerContext {
            id_seed: self.dice.throw().random(),
            created: since.map_or(0, |since| since.as_secs()),
            include_usage: self.ask.include_usage,
            served_model: model,
            request_id: self.id.to_string(),
        }
    }

    /// Tokens that `model` reads at most of this call, when known.
    #[must_use]
    pub fn window(&self, model: ModelIndex) -> Option<u64> {
        let target = self.catalog.model(model).target(self.ask.dialect, &self.ask.model);
        target.capabilities.max_input_tokens
    }
}

impl Attempt {
    /// The model that is asked.
    #[must_use]
    pub fn model(&self) -> &ModelPlan {
        self.call.catalog.model(self.target)
    }
}

impl Deref for Admitted {
    type Target = Attempt;

    fn deref(&self) -> &Attempt {
        &self.attempt
    }
}
