use arc_swap::ArcSwap;
use serde_json::{Value, json};
use sidestep_table::{Class, Fault};

use super::*;
use crate::catalog::Catalog;
use crate::config::{Config, Source, Variables};
use crate::dice::Dice;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::metrics::Finished;
use crate::tasks::Tasks;
use crate::upstream::dial;

/// A process's history, and what it is sampled from.
struct Rig {
    history: Arc<History>,
    catalog: SharedCatalog,
    metrics: Arc<Metrics>,
    _tasks: Tasks,
}

impl Rig {
    async fn start() -> Self {
        let metrics = Metrics::new().unwrap();
        let catalog = Arc::new(ArcSwap::from_pointee(build(&metrics, "a: [x, y]", None)));
        let history = Arc::new(History::default());
        let sampler = Sampler::new(history.clone(), catalog.clone(), metrics.clone(), Clock::start());
        let tasks = Tasks::new(metrics.clone());
        tasks.spawn_until_stop("history", sampler.run());
        // Between two steps, so that it is clear which of them hold what follows.
        tokio::time::sleep(STEP / 2).await;
        Self { history, catalog, metrics, _tasks: tasks }
    }

    fn reload(&self, routes: &str) {
        let next = build(&self.metrics, routes, Some(&self.catalog.load()));
        self.metrics.retire_missing(&next.topology);
        self.catalog.store(Arc::new(next));
    }

    fn ended(&self, outcome: Outcome) {
        let finished = Finished { dialect: None, outcome, streamed: false, took: Duration::ZERO };
        self.metrics.route("a").finished(finished);
    }

    async fn steps(&self, count: u32) {
        tokio::time::sleep(STEP * count).await;
    }

    fn json(&self) -> Value {
        serde_json::to_value(&*self.history).unwrap()
    }
}

/// `routes` is `match: [models]`; models that no route names are left out.
fn build(metrics: &Metrics, routes: &str, previous: Option<&Catalog>) -> Catalog {
    let (pattern, targets) = routes.split_once(": ").unwrap();
    let models: String = ["x", "y", "z"]
        .iter()
        .filter(|name| targets.contains(**name))
        .map(|name| format!("  {name}: {{ provider: {name}, model: m }}\n"))
        .collect();
    let yaml = format!(
        "providers:\n  x: {{ preset: openai, base_url: \"http://127.0.0.1:9\", api_key: k }}\n  \
         y: {{ preset: openai, base_url: \"http://127.0.0.1:9\", api_key: k }}\n  \
         z: {{ preset: openai, base_url: \"http://127.0.0.1:9\", api_key: k }}\n\
         models:\n{models}routes:\n  - {{ match: \"{pattern}\", targets: {targets} }}\n"
    );
    let config = Config::parse(&yaml, &Source::Builtin("test"), &Variables::default());
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let noted = (Arc::new(Journal::new(Clock::start())), Metrics::new().unwrap());
    let faults = Arc::new(Faults::new(config.faults, Clock::start(), Dice::new(), noted));
    let carrier: crate::upstream::Carrier = Arc::new(dial);
    Catalog::build(&config, metrics, previous, (&carrier, &faults)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_step_tells_what_happened_within_it() {
    let rig = Rig::start().await;
    let x = rig.metrics.model("x", "x");
    for class in
        [Class::Ok, Class::Slow, Class::Hard(Fault::Status), Class::Overload, Class::Rate, Class::Cancel]
    {
        x.attempt(class, Duration::ZERO);
    }
    let first_token = rig.catalog.load().models()[0].cell.clone();
    first_token.first_token().record(Duration::from_millis(300));
    for outcome in [Outcome::Answered, Outcome::Rerouted, Outcome::Rerouted, Outcome::Cut] {
        rig.ended(outcome);
    }
    rig.steps(1).await;
    rig.ended(Outcome::Failed);
    rig.steps(1).await;
    let told = rig.json();
    assert_eq!(told["step_seconds"], 5);
    assert_eq!(told["at"].as_array().unwrap().len(), 2);
    let x = &told["models"]["x"];
    assert_eq!(x["calls"], json!([5, 0]), "a call that the application gave up says nothing");
    assert_eq!(x["failures"], json!([2, 0]));
    assert_eq!(x["share"], json!([1.0, 1.0]));
    let wait = x["first_token_p50_ms"][0].as_u64().unwrap();
    assert!((300..=324).contains(&wait), "{wait}");
    assert_eq!(x["first_token_p50_ms"][1], Value::Null);
    let calls = &told["calls"];
    assert_eq!((&calls["answered"], &calls["rerouted"]), (&json!([1, 0]), &json!([2, 0])));
    assert_eq!((&calls["cut"], &calls["failed"]), (&json!([1, 0]), &json!([0, 1])));
}

#[tokio::test(start_paused = true)]
async fn models_come_and_go_and_nothing_is_told_of_when_they_were_away() {
    let rig = Rig::start().await;
    rig.metrics.model("y", "y").attempt(Class::Ok, Duration::ZERO);
    rig.steps(1).await;
    rig.reload("a: [x, z]");
    rig.metrics.model("z", "z").attempt(Class::Ok, Duration::ZERO);
    rig.steps(1).await;
    rig.reload("a: [x, y]");
    rig.metrics.model("y", "y").attempt(Class::Ok, Duration::ZERO);
    rig.steps(1).await;
    let models = &rig.json()["models"];
    assert_eq!(models["y"]["calls"], json!([1, null, 1]), "its counters began anew");
    assert_eq!(models["z"]["calls"], json!([null, 1, null]));
    assert_eq!(models["x"]["calls"], json!([0, 0, 0]));
}

#[tokio::test(start_paused = true)]
async fn fifteen_minutes_are_kept_and_no_more() {
    let rig = Rig::start().await;
    rig.steps(1).await;
    let first = rig.json()["at"][0].clone();
    rig.steps(u32::try_from(STEPS).unwrap() + 20).await;
    let told = rig.json();
    assert_eq!(told["at"].as_array().unwrap().len(), STEPS);
    assert_eq!(told["models"]["x"]["share"].as_array().unwrap().len(), STEPS);
    assert_ne!(told["at"][0], first);
}
