//! Targets that answer as a script says, for tests of the layers before them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Response, StatusCode};
use sidestep_dialect::{Dialect, ErrorClass, Failure, peek};
use sidestep_probes::class_of;
use sidestep_table::{Admission, Candidate, Class, Fault, Priority};
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt};

use crate::body::full;
use crate::call::{Attempt, Call, Plan};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::{Config, Source, Variables};
use crate::dice::Dice;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::miss::{Failed, Miss, VendorAnswer};
use crate::refusal::Refusal;
use crate::relay::Answered;
use crate::story::Story;
use crate::telemetry::Trace;
use crate::upstream::{Carrier, dial};

/// Two models at `a`, one at `b`, one at `c`, all of one route.
const CONFIG: &str = r#"
providers:
  a: { dialect: anthropic, base_url: "http://a.test/v1", api_key: test }
  b: { dialect: openai, base_url: "http://b.test/v1", api_key: test }
  c: { dialect: openai, base_url: "http://c.test/v1", api_key: test }
models:
  a1: { provider: a, model: claude-opus-5-5, context_window: 200000 }
  a2: { provider: a, model: claude-haiku-5-5, context_window: 200000 }
  b1: { provider: b, model: some-model, context_window: 100000 }
  c1: { provider: c, model: some-model, context_window: 1000000 }
routes:
  - { match: "claude-*", targets: [a1, a2, b1, c1] {route} }
"#;

/// What a target does when it is asked.
pub(super) enum Turn {
    Answer,
    Fail(Failed),
    Full,
    Cannot,
}

/// By model: how long it takes, and what it does then.
type Turns = HashMap<String, VecDeque<(Duration, Turn)>>;

/// Answers attempts by the script: one turn per time that a model is asked.
#[derive(Clone)]
pub(super) struct Script {
    turns: Arc<Mutex<Turns>>,
}

/// A call, what became of it, and what it took.
pub(super) struct Told {
    pub(super) answered: Result<String, Refusal>,
    pub(super) asked: Vec<String>,
    pub(super) took: Duration,
    pub(super) fallback: Option<&'static str>,
}

pub(super) fn status(class: ErrorClass, retry_after: Option<u64>) -> Turn {
    let status = Some(500);
    let failure = Failure { class, status, retry_after: retry_after.map(Duration::from_secs), code: None };
    let class = class_of(&failure);
    let answer = (class == Class::Client).then(|| VendorAnswer {
        model: "a1".into(),
        class: failure.class,
        dialect: Dialect::Anthropic,
        status: StatusCode::BAD_REQUEST,
        body: Bytes::from_static(b"{}"),
    });
    Turn::Fail(Failed { class, failure: Some(failure), answer: answer.map(Box::new) })
}

pub(super) fn fault(fault: Fault) -> Turn {
    Turn::Fail(Failed::fault(fault))
}

impl Script {
    pub(super) fn new(turns: impl IntoIterator<Item = (&'static str, u64, Turn)>) -> Script {
        let mut script = Turns::new();
        for (model, after, turn) in turns {
            let turns = script.entry(model.to_owned()).or_default();
            turns.push_back((Duration::from_millis(after), turn));
        }
        Script { turns: Arc::new(Mutex::new(script)) }
    }

    /// Sends `call` through `layered`, with every target of its route as a candidate, in order.
    pub(super) async fn play<S>(layered: S, call: Call) -> Told
    where
        S: Service<Plan, Response = Answered, Error = Refusal>,
    {
        let call = Arc::new(call);
        let targets = &call.catalog.topology.routes[call.route.get()].targets;
        let candidate = |target: &sidestep_table::TargetEntry| Candidate {
            model: target.model,
            admission: Admission::Live,
        };
        let candidates = targets.iter().map(candidate).collect();
        let began = Instant::now();
        let answered = layered.oneshot(Plan { call: call.clone(), candidates }).await;
        let chapters = call.story.read();
        Told {
            answered: answered.map(|answer| by(&answer)),
            asked: chapters.attempts.iter().map(ToString::to_string).collect(),
            took: began.elapsed(),
            fallback: chapters.fallback,
        }
    }
}

impl Service<Attempt> for Script {
    type Response = Answered;
    type Error = Miss;
    type Future = BoxFuture<'static, Result<Answered, Miss>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Miss>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let model = attempt.model().id.clone();
        let turn = self.turns.lock().unwrap().get_mut(&*model).and_then(VecDeque::pop_front);
        let (after, turn) = turn.unwrap_or_else(|| panic!("{model} was not to be asked (again)"));
        Box::pin(async move {
            match turn {
                Turn::Full => return Err(Miss::Full),
                Turn::Cannot => return Err(Miss::Untranslatable("tools")),
                Turn::Answer | Turn::Fail(_) => attempt.call.story.asked(model.clone()),
            }
            sleep(after).await;
            match turn {
                Turn::Fail(failed) => Err(failed.into()),
                _ => {
                    let mut answer = Response::new(full("answer"));
                    answer.headers_mut().insert("by", model.parse().unwrap());
                    Ok(Answered::Whole(answer))
                }
            }
        })
    }
}

fn by(answered: &Answered) -> String {
    let Answered::Whole(answer) = answered else { panic!("no script streams") };
    answer.headers()["by"].to_str().unwrap().to_owned()
}

/// A call of the bench's route; `route` are further settings of the route, such as `, max_attempts: 2`.
pub(crate) fn call(route: &str, stream: bool) -> Call {
    call_counted(route, stream, &Metrics::new().unwrap())
}

/// The same, counted in `metrics`.
pub(crate) fn call_counted(route: &str, stream: bool, metrics: &Metrics) -> Call {
    let yaml = CONFIG.replace("{route}", route);
    let config = Config::parse(&yaml, &Source::Builtin("test"), &Variables::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let carrier: Carrier = Arc::new(dial);
    let clock = Clock::start();
    let noted = (Arc::new(Journal::new(clock)), Metrics::new().unwrap());
    let faults = Arc::new(Faults::new(config.faults, clock, Dice::seeded(1), noted));
    let catalog = Arc::new(Catalog::build(&config, metrics, None, (&carrier, &faults)).unwrap());
    let body = format!(r#"{{"model":"claude-opus-5-5","max_tokens":9,"stream":{stream},"messages":[]}}"#);
    let headers = HeaderMap::new();
    let ask = peek(Dialect::Anthropic, &headers, body.as_bytes()).unwrap();
    let route = catalog.topology.route_for(&ask.model).unwrap();
    let arrived = Instant::now();
    Call {
        deadline: arrived + catalog.route(route).deadline,
        priority: Priority::Interactive,
        id: "req_1".into(),
        story: Arc::new(Story::default()),
        rest: None,
        trace: Trace::default(),
        dice: Dice::seeded(1),
        body: body.into(),
        ask,
        headers,
        route,
        arrived,
        catalog,
    }
}

/// A clock and a budget that has nothing but its reserve of ten attempts, less `spent`.
pub(crate) fn purse(call: &Call, spent: usize) -> Clock {
    let clock = Clock::start();
    let budget = call.budget();
    for _ in 0..spent {
        assert!(budget.try_withdraw(clock.now()));
    }
    clock
}
