use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sidestep_table::{Class, Fault, Priority, ProbeKind, Verdict};

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
