use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sidestep_table::{
    BudgetPolicy, Class, Decision, DecisionKind, Fault, ModelShape, Moment, Policy, Priority, ProbeKind,
    ProviderShape, RouteShape, Shape, Subject, TargetShape, Topology, Verdict,
};

use super::*;

#[test]
fn every_value_of_a_foreign_label_is_in_its_list() {
    fn known<L: Label>(values: impl IntoIterator<Item = L>) {
        let seen: BTreeSet<_> = values.into_iter().map(Label::name).collect();
        let listed: BTreeSet<_> = L::NAMES.iter().copied().collect();
        assert_eq!(seen, listed);
        assert_eq!(listed.len(), L::NAMES.len());
    }
    known(Verdict::ALL);
    known([ProbeKind::Echo, ProbeKind::Tool, ProbeKind::Context]);
    known([Priority::Interactive, Priority::Batch]);
    known([
        Class::Ok,
        Class::Slow,
        Class::Hard(Fault::Connect),
        Class::Overload,
        Class::Rate,
        Class::Quota,
        Class::Auth,
        Class::ModelMissing,
        Class::Client,
        Class::Cancel,
        Class::Local,
    ]);
}

#[test]
fn counts_land_in_the_series_that_they_name() {
    let metrics = Metrics::new().unwrap();
    let model = metrics.model("anthropic", "opus");
    model.attempt(Class::Hard(Fault::Connect), Duration::from_millis(300));
    model.tokens(TokenKind::Cached, 17);
    model.probed(ProbeKind::Tool, ProbeOutcome::Wrong);
    model.probe_spent(0.25, 40);
    model.probe_spent(f64::NAN, 2);
    let route = metrics.route("claude-*");
    route.rerouted("hard", Duration::from_millis(700));
    route.rerouted("solar flare", Duration::ZERO);
    route.shed(Priority::Batch, "over_limit");
    let call =
        Finished { dialect: None, outcome: Outcome::Cut, streamed: true, took: Duration::from_secs(1) };
    metrics.unrouted().finished(call);

    let series = series(&metrics.scrape().unwrap());
    let ids = "model=opus provider=anthropic";
    assert_eq!(series[&format!("sidestep_attempts_total class=hard {ids}")], 1.0);
    assert_eq!(series[&format!("sidestep_attempts_total class=ok {ids}")], 0.0);
    assert_eq!(series[&format!("sidestep_tokens_total kind=cached {ids}")], 17.0);
    assert_eq!(series["sidestep_probes_total kind=tool model=opus outcome=wrong provider=anthropic"], 1.0);
    assert_eq!(series[&format!("sidestep_probe_spend_usd_total {ids}")], 0.25);
    assert_eq!(series[&format!("sidestep_probe_tokens_total {ids}")], 42.0);
    assert_eq!(series["sidestep_rerouted_total reason=hard route=claude-*"], 1.0);
    assert_eq!(series["sidestep_rerouted_total reason=other route=claude-*"], 1.0);
    assert_eq!(series["sidestep_reroute_delay_seconds_count route=claude-*"], 2.0);
    assert_eq!(series["sidestep_shed_total priority=batch reason=over_limit route=claude-*"], 1.0);
    assert_eq!(series["sidestep_requests_total dialect=none outcome=cut route=none streamed=true"], 1.0);
}

#[test]
fn exactly_one_verdict_is_in_force() {
    let metrics = Metrics::new().unwrap();
    let model = metrics.model("p", "m");
    for verdict in Verdict::ALL {
        model.read(ModelReading { verdict, share: 0.25, score: 1.5, in_flight: 3, limit: 8 });
        let series = series(&metrics.scrape().unwrap());
        for other in Verdict::ALL {
            let name = format!("sidestep_model_verdict model=m provider=p verdict={}", other.as_str());
            assert_eq!(series[&name], f64::from(u8::from(other == verdict)));
        }
        assert_eq!(series["sidestep_traffic_share_ratio model=m provider=p"], 0.25);
        assert_eq!(series["sidestep_in_flight model=m provider=p"], 3.0);
    }
}

#[test]
fn field_labels_are_bounded() {
    let metrics = Metrics::new().unwrap();
    for number in 0..1000 {
        metrics.degraded(&format!("field_{number}"));
    }
    metrics.degraded("field_1");
    let series = series(&metrics.scrape().unwrap());
    assert_eq!(series["sidestep_degraded_fields_total field=field_1"], 2.0);
    assert_eq!(series["sidestep_degraded_fields_total field=other"], 936.0);
}

/// Every sample of a scrape by its name and its sorted labels.
fn series(scrape: &str) -> BTreeMap<String, f64> {
    let samples = scrape.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            let mut labels: Vec<_> =
                labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).collect();
            labels.sort_unstable();
            let key =
                std::iter::once(name.to_owned()).chain(labels.iter().map(|label| label.replace('"', "")));
            (key.collect::<Vec<_>>().join(" "), value.parse().unwrap())
        })
        .collect()
}

/// What the README or a scrape says of one family.
#[derive(Debug, PartialEq)]
struct Family {
    kind: String,
    labels: BTreeSet<String>,
}

#[test]
fn the_readme_lists_every_metric_and_no_other() {
    let metrics = Metrics::new().unwrap();
    metrics.model("anthropic", "opus");
    metrics.provider("anthropic");
    metrics.route("claude-*");
    metrics.target("oncall");
    let mut documented = documented(include_str!("../../../README.md"));
    if !cfg!(target_os = "linux") {
        documented.retain(|name, _| !name.starts_with("process_"));
    }
    let scraped = scraped(&metrics.scrape().unwrap());
    for (name, family) in &scraped {
        assert_eq!(documented.get(name), Some(family), "{name} in the README");
    }
    for name in documented.keys() {
        assert!(scraped.contains_key(name), "{name} is in the README but not in a scrape");
    }
}

#[test]
fn what_leaves_the_configuration_is_scraped_no_more_and_may_come_back() {
    let metrics = Metrics::new().unwrap();
    for (provider, model) in [("anthropic", "opus"), ("anthropic", "haiku"), ("openai", "gpt")] {
        metrics.provider(provider);
        metrics.model(provider, model).retried();
    }
    metrics.route("claude-*").budget_exhausted();
    metrics.route("gpt-*").budget_exhausted();
    let before = metrics.model("anthropic", "opus");
    let before_reload = topology(&[("anthropic", "opus"), ("anthropic", "haiku")], "claude-*");
    let mut after_reload = topology(&[("anthropic", "opus")], "claude-*");
    after_reload.generation = 2;
    metrics.read(&before_reload);
    metrics.retire_missing(&after_reload);
    // As when a scrape began before the reload and ends after it.
    metrics.read(&before_reload);
    let scrape = metrics.scrape().unwrap();
    for gone in ["haiku", "provider=\"openai\"", "\"gpt"] {
        assert!(!scrape.contains(gone), "{gone} is still there");
    }
    assert!(Arc::ptr_eq(&before, &metrics.model("anthropic", "opus")), "what stays keeps its counts");
    metrics.model("openai", "gpt").retried();
    let series = series(&metrics.scrape().unwrap());
    assert_eq!(series["sidestep_retries_total model=gpt provider=openai"], 1.0, "begins anew");
    assert_eq!(series["sidestep_retries_total model=opus provider=anthropic"], 1.0);
}

#[test]
fn decisions_count_openings_of_models_and_providers() {
    let metrics = Metrics::new().unwrap();
    let topology = topology(&[("anthropic", "opus")], "claude-*");
    let decision = |subject, from, to| Decision {
        at: Moment::from_millis(0),
        subject,
        from,
        to,
        why: String::new(),
        actor: None,
        share: 0,
        kind: DecisionKind::Verdict,
    };
    let (model, provider) = (Subject::Model("opus".into()), Subject::Provider("anthropic".into()));
    for (subject, from, to) in [
        (model.clone(), Verdict::Degraded, Verdict::Open),
        (model.clone(), Verdict::HalfOpen, Verdict::Open),
        (model.clone(), Verdict::Open, Verdict::Open),
        (model, Verdict::Open, Verdict::HalfOpen),
        (provider, Verdict::Healthy, Verdict::Open),
        (Subject::Model("unknown".into()), Verdict::Healthy, Verdict::Open),
    ] {
        metrics.decided(&decision(subject, from, to), &topology);
    }
    let series = series(&metrics.scrape().unwrap());
    assert_eq!(series["sidestep_opened_total model=opus provider=anthropic"], 2.0);
    assert_eq!(series["sidestep_provider_opened_total provider=anthropic"], 1.0);
}

fn topology(models: &[(&str, &str)], route: &str) -> Topology {
    let mut providers: Vec<_> = models.iter().map(|(provider, _)| *provider).collect();
    providers.dedup();
    let providers = providers.into_iter().map(|id| ProviderShape { id: id.into(), credentials: 1 }).collect();
    let targets = models.iter().map(|(_, id)| TargetShape { model: (*id).into(), weight: None }).collect();
    let models = models.iter().map(|(provider, id)| ModelShape {
        id: (*id).into(),
        provider: (*provider).into(),
        policy: Arc::new(Policy::default()),
        max_concurrency: 4,
    });
    let budget = BudgetPolicy { ratio: 0.1, reserve_per_second: 1.0 };
    let routes = vec![RouteShape { pattern: route.into(), targets, budget }];
    Topology::build(Shape { providers, models: models.collect(), routes }, None).unwrap()
}

/// The rows of the README's table.
fn documented(readme: &str) -> BTreeMap<String, Family> {
    let table = readme.split_once("<!-- metrics:begin -->").unwrap().1;
    let table = table.split_once("<!-- metrics:end -->").unwrap().0;
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("four cells: {row}") };
        assert!(meaning.ends_with('.'), "{name} has a meaning");
        let labels = labels.split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (name.trim_matches('`').to_owned(), Family { kind: kind.to_owned(), labels })
    })
    .collect()
}

/// The families of a scrape, with the labels that all their samples have.
fn scraped(scrape: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    for line in scrape.lines() {
        if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, kind) = of.split_once(' ').unwrap();
            families.insert(name.to_owned(), Family { kind: kind.to_owned(), labels: BTreeSet::new() });
        }
    }
    for sample in series(scrape).keys() {
        let mut words = sample.split(' ');
        let name = words.next().unwrap();
        let parts = ["", "_bucket", "_sum", "_count"];
        let mut names = parts.iter().filter_map(|part| name.strip_suffix(part));
        let name = names.find(|name| families.contains_key(*name)).unwrap();
        let family = families.get_mut(name).unwrap();
        let labels = words.map(|label| label.split_once('=').unwrap().0).filter(|label| *label != "le");
        let labels: BTreeSet<_> = labels.map(str::to_owned).collect();
        assert!(family.labels.is_empty() || family.labels == labels, "one set of labels for {name}");
        family.labels = labels;
    }
    families
}
