//! What is read, and what is printed of it.

use std::{path::PathBuf, time::Duration};

use sidestep_dialect::Dialect;

use super::{EXAMPLE, parse, variables};
use crate::config::{
    Config, HttpVersion, NotifyEvent, OnLossy, ProbeBudget, SecretSource, TargetKind, UpstreamName,
};

pub(super) const FULL: &str = include_str!("full.yaml");

#[test]
fn every_key_arrives_where_it_belongs() {
    let config = parse(FULL).unwrap();
    assert_eq!(config.listen.port(), 7180);
    assert_eq!(config.admin.token.as_ref().unwrap().source(), &SecretSource::Env("ADMIN_TOKEN".into()));
    assert_eq!((config.limits.body_bytes, config.limits.header_timeout), (16 << 20, Duration::from_secs(5)));
    let inhouse = &config.providers[1];
    assert_eq!(inhouse.base_url, "https://llm.example.com/v1");
    assert_eq!(inhouse.dialects, [Dialect::OpenAi, Dialect::Responses]);
    assert_eq!(inhouse.headers[0].1.secret().unwrap().expose(), "team-llm.example.com");
    assert_eq!(config.providers[0].http, HttpVersion::Http2);
    assert_eq!(config.providers[0].base_url, "https://api.anthropic.com/v1");
    let [opus, llama] = &config.models[..] else { panic!() };
    assert_eq!(opus.capabilities.max_input_tokens, Some(Some(100_000)));
    assert_eq!((opus.policy.consecutive_failures(), llama.policy.consecutive_failures()), (7, 6));
    assert_eq!(llama.policy.probe_gap(), Duration::from_secs(4));
    assert_eq!(llama.model, UpstreamName::AsAsked { probe: "llama-small".into(), prefix: "own/".into() });
    let route = &config.routes[0];
    assert_eq!((route.targets[0].weight, route.targets[1].weight), (Some(3), None));
    assert_eq!((route.max_attempts, route.on_lossy), (2, OnLossy::Skip));
    assert_eq!((route.retry, route.hedge, route.rescue, route.hold.as_secs()), (false, false, false, 20));
    assert_eq!((route.hedge_budget.ratio, route.hedge_budget.reserve_per_second), (0.01, 0.1));
    let usual = &config.routes[1];
    assert_eq!((usual.retry, usual.hedge, usual.rescue, usual.hold.as_secs()), (true, true, true, 15));
    assert_eq!(config.probes.budget, ProbeBudget::UsdPerDay(2.5));
    let faults = config.faults;
    assert_eq!((faults.allow, faults.max_rate, faults.max_duration.as_secs()), (true, 0.25, 300));
    assert_eq!(config.state, Some(PathBuf::from("state")));
    let [token, lonely, probes] = &config.warnings[..] else { panic!("{:?}", config.warnings) };
    assert_eq!(token, "admin.token is missing: ADMIN_TOKEN is not set");
    assert!(
        lonely.starts_with("probes: ") || probes.contains("nothing to fail over"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn whom_to_tell_arrives_where_it_belongs() {
    let notify = parse(FULL).unwrap().notify;
    assert_eq!(notify.status_url.as_deref(), Some("https://status.llm.example.com/"));
    assert_eq!((notify.instance.as_deref(), notify.targets.len()), (Some("web-llm.example.com"), 2));
    let [oncall, alerts] = &notify.targets[..] else { panic!() };
    assert_eq!((oncall.kind, oncall.events.len()), (TargetKind::Slack, 3));
    assert_eq!((alerts.kind, alerts.events.len()), (TargetKind::Alertmanager, NotifyEvent::ALL.len()));
    assert!(alerts.url.secret().unwrap().expose().ends_with("hush-hook"));
}

#[test]
fn what_is_printed_means_the_same_when_read_again() {
    for text in [FULL, EXAMPLE] {
        let config = parse(text).unwrap();
        let printed = config.to_yaml();
        let again = parse(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(again.to_yaml(), printed);
        // Only what is written in the file itself cannot be printed.
        let without_headers = |mut config: Config| {
            config.providers.iter_mut().for_each(|provider| provider.headers.clear());
            config.telemetry.iter_mut().for_each(|telemetry| telemetry.headers.clear());
            config
        };
        assert_eq!(without_headers(again), without_headers(config));
    }
}

#[test]
fn nothing_that_is_shown_holds_a_secret() {
    let inline = EXAMPLE.replacen("{ env: OPENAI_API_KEY }", "hush-hush", 1);
    let hook = "notify: { targets: { chat: { kind: slack, url: 'http://chat.example.com/hush-hook' } } }";
    let config = parse(&format!("{inline}{hook}")).unwrap();
    assert!(
        config.warnings[0].starts_with("notify.targets.chat.url: is plain http"),
        "{:?}",
        config.warnings
    );
    assert_eq!(config.providers[1].api_key.as_ref().unwrap().secret().unwrap().expose(), "hush-hush");
    let shown = format!("{config:?}\n{}\n{:?}", config.to_yaml(), variables());
    assert!(!shown.contains("hush"), "{shown}");
}
