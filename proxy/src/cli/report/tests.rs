use serde_json::json;

use super::*;
use crate::cli::incidents::{List, table};

fn told() -> serde_json::Value {
    json!({
        "id": "2026-11-20T14-03-09Z-anthropic", "title": "anthropic: trouble with opus\u{1b}[31m", "scope": "model",
        "started": 1_795_183_389.0, "ended": 1_795_184_114.0, "updated": 1_795_184_114.0,
        "providers": ["anthropic"], "something_new": true, "relapses": 1, "rehearsal": true,
        "models": [{
            "id": "opus", "provider": "anthropic", "worst": "open", "verdict": "healthy",
            "since": 1_795_183_389.0, "why": "12 | failures in a *row*",
            "evidence": {
                "failure_ratio": 0.93, "calls": 44, "failures": 41, "classes": {"overload": 38, "stalled": 3},
                "first_token_p95_before": 1.84, "first_token_p95_worst": 20.0,
            },
        }],
        "decisions": [
            {"seq": 7, "at": 1_795_183_389.0, "kind": "verdict", "subject": "opus", "from": "healthy", "to": "open",
             "why": "12 failures in a row"},
            {"seq": 9, "at": 1_795_183_401.0, "kind": "something_else", "subject": "opus", "from": "open",
             "to": "disabled", "why": "529s", "actor": "anna"},
            {"seq": 10, "at": 1_795_183_402.0, "kind": "traffic", "subject": "claude-*", "from": "opus", "to": "gpt",
             "why": "calls go to gpt instead of opus"},
        ],
        "omitted": 0,
        "calls": {"rerouted": 410, "rescued": 2, "refused": 1, "failed": 0, "cut": 3},
        "extra": {"tokens": 1234, "usd": 0.0125},
    })
}

fn incident() -> Incident {
    serde_json::from_value(told()).unwrap()
}

#[test]
fn a_report_says_what_since_when_why_and_at_what_cost() {
    let expected = "\
Incident 2026-11-20T14-03-09Z-anthropic
anthropic: trouble with opus [31m
A rehearsal: the faults were injected on purpose.
It came back once within a minute of its end.

  Began                     2026-11-20 14:03:09 UTC
  Ended                     2026-11-20 14:15:14 UTC, after 12m5s
  Reach                     model: one model
  Callers who saw an error  4 (1 refused at once, 0 failed, 3 cut off and told so)
  Callers who did not       412 (410 answered by another target, 2 begun by one and finished by another)
  Extra cost                1234 tokens beyond the usual; 0.0125 USD more than usual

What was ill
  opus (anthropic): open at worst, in the end healthy; since 2026-11-20 14:03:09 UTC
      41 of 44 attempts failed, 93 % of a minute's attempts and probes at worst: overload ×38, stalled ×3; first token within 1.8 s before, 20.0 s at worst (95 of 100)
      12 | failures in a *row*

What Sidestep and its operators did (UTC)
  14:03:09  opus healthy → open: 12 failures in a row
  14:03:21  opus open → disabled: 529s (by anna)
  14:03:22  claude-*: calls go to gpt instead of opus
";
    assert_eq!(report(&incident(), Dress::Plain), expected);
}

#[test]
fn markdown_is_safe_to_paste() {
    let text = report(&incident(), Dress::Markdown);
    assert!(text.starts_with("# Incident 2026-11-20T14-03-09Z-anthropic\n"), "{text}");
    assert!(text.contains("  - 12 \\| failures in a \\*row\\*\n"), "{text}");
    assert!(text.contains("| Callers who saw an error | 4 (1 refused"), "{text}");
    assert!(!text.contains('\u{1b}') && text.contains("## What was ill\n"), "{text}");
}

#[test]
fn the_list_is_a_line_for_each_and_says_where_they_are_kept() {
    let list = |on_disk: bool, incidents: Vec<serde_json::Value>| {
        let list = json!({"at": 1_795_183_399.0, "kept_on_disk": on_disk, "incidents": incidents});
        table(&serde_json::from_value::<List>(list).unwrap())
    };
    assert_eq!(list(true, Vec::new()), "No incident is on record.\n");
    let mut open = told();
    open["ended"] = json!(null);
    open["extra"]["usd"] = json!(null);
    let shown = list(false, vec![open]);
    let [headings, line, "", notice] = shown.lines().collect::<Vec<_>>()[..] else { panic!("{shown}") };
    assert_eq!(
        headings,
        "ID                              LASTED      REROUTED  RESCUED  NOTICED  EXTRA        WHAT"
    );
    assert_eq!(
        line,
        "2026-11-20T14-03-09Z-anthropic  10s so far  410       2        4        1234 tokens  \
         rehearsal: anthropic: trouble with opus [31m"
    );
    assert!(notice.contains("`state`"), "{notice}");
}
