use base64::{Engine, engine::general_purpose::STANDARD};
use clap::CommandFactory;
use serde::Deserialize;
use serde_json::json;

use super::status::Report;
use super::table::render;
use super::terminal::Paint;
use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_every_option_explains_itself() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name} says what it does");
        assert!(command.get_after_help().is_some(), "{name} shows examples");
        for option in command.get_arguments().filter(|option| option.get_id() != "help") {
            assert!(option.get_help().is_some(), "{name}: {}", option.get_id());
        }
    }
}

#[test]
fn the_examples_in_the_help_parse() {
    let mut texts = vec![EXAMPLES.to_owned()];
    for command in Cli::command().get_subcommands() {
        texts.extend(command.get_after_help().map(ToString::to_string));
    }
    let mut tried = 0;
    for line in texts.iter().flat_map(|text| text.lines()) {
        let Some(start) = line.find("sidestep ").filter(|start| line[..*start].trim().is_empty()) else {
            continue;
        };
        // What follows two blanks is the explanation; what follows a pipe or an arrow is the shell's.
        let typed = line[start..].split("  ").next().unwrap().split(['|', '>']).next().unwrap();
        let words = typed.split('"').enumerate().flat_map(|(part, text)| match part % 2 {
            0 => text.split_whitespace().map(str::to_owned).collect(),
            _ => vec![text.to_owned()],
        });
        let words: Vec<_> = words.collect();
        if Cli::command().get_subcommands().any(|command| command.get_name() == words[1]) {
            Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
            tried += 1;
        }
    }
    assert!(tried >= 10, "only {tried} examples were found");
}

/// What the injector has a container start, for a pod of its settings.
fn injected_args(sidecar: &str) -> Vec<String> {
    let settings = format!(
        "{{ namespace: n, certificate: {{ mode: files, folder: /t }}, sidecar: {{ image: i, {sidecar} }} }}"
    );
    let settings = sidestep_inject::Settings::parse(&settings).unwrap();
    let pod = json!({
        "metadata": { "labels": { "sidestep.dev/inject": "enabled" }, "annotations": { "sidestep.dev/log-level": "debug" } },
        "spec": { "containers": [{ "name": "app" }] },
    });
    let review = json!({ "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "1", "operation": "CREATE", "object": pod,
        "resource": { "group": "", "version": "v1", "resource": "pods" },
    } });
    let review = sidestep_inject::Review::parse(review.to_string().as_bytes()).unwrap();
    let reply = review.answer(sidestep_inject::OptIn::Pod, &settings, sidestep_inject::Presence::Present);
    let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let patch = STANDARD.decode(answer["response"]["patch"].as_str().unwrap()).unwrap();
    let patch: Vec<serde_json::Value> = serde_json::from_slice(&patch).unwrap();
    let values = patch.iter().map(|addition| &addition["value"]);
    // A list where there was none, or the container itself.
    let mut args = values.filter_map(|value| value.get(0).unwrap_or(value).get("args"));
    serde_json::from_value(args.next().unwrap().clone()).unwrap()
}

#[test]
fn what_the_injector_has_a_container_start_is_understood() {
    for sidecar in
        ["config: c, keys_secret: k", "keys_secret: k, admin_host: '::'", "config: c, native: false"]
    {
        let args = injected_args(sidecar);
        let words = std::iter::once("sidestep").chain(args.iter().map(String::as_str));
        let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{args:?}: {error}"));
        let Command::Run(_) = cli.command else { panic!("{args:?}") };
    }
}

#[test]
fn tokens_are_not_shown() {
    let typed = ["sidestep", "disable", "x", "--token", "hush-hush"];
    let cli = Cli::try_parse_from(typed).unwrap();
    assert!(!format!("{cli:?}").contains("hush"), "{cli:?}");
}

fn report() -> Report {
    let switch = json!({
        "subject": "opus", "level": "model", "kind": "disable", "reason": "529s \u{1b}[31m since 14:02",
        "actor": "ada@bastion", "set_at": 999_400.0, "until": 1_001_200.0, "left_seconds": 1200.0,
    });
    let model = |id: &str, provider: &str, verdict: &str, share: f64| {
        json!({
            "id": id, "provider": provider, "verdict": verdict, "share": share, "masked": false,
            "failure_ratio": null, "first_token_p50_seconds": null, "since": 996_400.0, "why": "new", "switch": null,
            "a_field_of_a_later_version": 1,
        })
    };
    let mut opus = model("opus", "anthropic", "disabled", 0.0);
    opus["switch"] = switch.clone();
    let mut haiku = model("haiku", "anthropic", "degraded", 0.0);
    haiku["masked"] = true.into();
    let mut gpt = model("gpt", "openai", "ramping", 0.25);
    gpt["failure_ratio"] = 0.0123.into();
    gpt["first_token_p50_seconds"] = 0.456.into();
    gpt["why"] = "3 different probes passed".into();
    let order = json!([
        { "model": "gpt", "weight": 3, "eligible": true },
        { "model": "opus", "weight": null, "eligible": false },
    ]);
    let report = json!({
        "version": "0.1.0", "at": 1_000_000.0, "uptime_seconds": 93_784.0, "ready": true, "readiness": "ready",
        "config": {
            "source": "/etc/sidestep.yaml", "generation": 3, "applied_at": 1.0,
            "last_reload": { "at": 999_990.0, "result": "rejected", "error": "3:7: no such model `opsu`\n  | opus?" },
        },
        "frozen_until": 1_000_010.0,
        "providers": [
            { "id": "anthropic", "verdict": "open", "why": "2 of 2 models are open" },
            { "id": "openai", "verdict": "healthy", "why": "" },
        ],
        "models": [opus, haiku, gpt],
        "routes": [{ "match": "claude-*", "order": order }],
        "switches": [switch],
        "events": events(),
    });
    Report::deserialize(report).unwrap()
}

fn events() -> serde_json::Value {
    json!([
        { "at": 999_940.0, "kind": "verdict", "subject": "gpt", "from": "half_open", "to": "ramping", "why": "passed" },
        { "at": 999_400.0, "kind": "switch", "subject": "opus", "from": "open", "to": "open", "why": "disabled", "actor": "ada" },
    ])
}

#[test]
fn the_status_is_a_table_for_people() {
    let expected = "\
MODEL  PROVIDER   VERDICT   SHARE  ERRORS  FIRST TOKEN  SINCE  WHY
opus   anthropic  disabled  0 %    -       -            10m    disabled by ada@bastion: 529s  [31m since 14:02
haiku  anthropic  degraded  0 %    -       -            1h     all of anthropic is open
gpt    openai     ramping   25 %   1.2 %   0.46 s       1h     3 different probes passed

provider anthropic is open: 2 of 2 models are open

Switches
  model opus disabled 10m ago by ada@bastion, 20m left: 529s  [31m since 14:02

Routes, in the order of the moment
  claude-* → gpt×3, (opus)

Lately
  1m ago  gpt half_open → ramping: passed
  10m ago  opus: disabled (by ada)

sidestep 0.1.0, up 1d2h, ready; configuration /etc/sidestep.yaml (generation 3)
A changed configuration was refused 10s ago, the old one stays:
  3:7: no such model `opsu`
    | opus?
This host is suspected itself: for 10s failures are not held against models.
";
    assert_eq!(render(&report(), Paint::Plain), expected);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let coloured = render(&report(), Paint::Colour);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain += before;
        rest = after.split_once('m').unwrap().1;
    }
    assert_eq!(plain + rest, render(&report(), Paint::Plain));
    assert!(coloured.contains("\u{1b}[31mopen"));
}
