//! The report, for people and for scripts.

use std::path::Path;

use serde::Serialize;

use crate::figures::Figures;
use crate::page::page;
use crate::targets::{Outcome, outcomes};

/// A replay in the report for scripts.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    figures: &'a Figures,
    targets: Vec<Outcome>,
}

/// Column heads; [`row`] has the figures in the same order. `lies` are answers that look finished and are not, `left`
/// callers who gave up, `other` answers of another model than the first choice, `to ill` the share of requests that a
/// model got while it was ill and known to be, `opens` the most in one illness and all, `a/r` attempts per request and
/// `budget` the most that a route paid beyond a tenth of its requests, both in the worst ten seconds.
const HEADS: [&str; 22] = [
    "incident", "req/s", "calls", "failed", "told", "rescued", "lies", "left", "other%", "p50", "p99",
    "p99 ill", "react", "open", "to ill%", "return", "opens", "trials", "a/r", "budget", "hedges", "tokens",
];

/// One line per replay.
pub(crate) fn print(figures: &[Figures]) {
    println!("{}", line(HEADS.map(str::to_owned)));
    for replay in figures {
        println!("{}", line(row(replay)));
    }
}

/// The line of a replay that has just ended, for those who wait.
pub(crate) fn print_one(replay: &Figures) {
    println!("{}", line(row(replay)));
}

fn line(cells: [String; 22]) -> String {
    let [name, rest @ ..] = cells;
    rest.iter().fold(format!("{name:<22}"), |line, cell| format!("{line} {cell:>7}"))
}

#[rustfmt::skip]
fn row(of: &Figures) -> [String; 22] {
    let maybe = |value: Option<f64>, digits| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
    let percent = |share: f64| share * 100.0;
    [
        of.setting.incident.clone(), of.setting.rate.to_string(), of.requests.to_string(), of.failed_before_commit.to_string(),
        of.told_after_commit.to_string(), of.rescued.to_string(), (of.truncated + of.repeated + of.foreign).to_string(), of.gave_up.to_string(),
        format!("{:.1}", percent(of.rerouted_share)),
        maybe(of.first_token_p50, 2), maybe(of.first_token_p99, 2), maybe(of.incident_p99, 2),
        maybe(of.health.react_s, 1), maybe(of.health.open_s, 1), maybe(of.health.sent_ill_share.map(percent), 1), maybe(of.health.return_s, 0),
        format!("{}/{}", of.health.opens_worst, of.health.opens), of.health.trials_failed.to_string(),
        format!("{:.2}", of.spent.attempts_ratio_worst), format!("{:.1}", of.spent.overdraft_worst),
        of.spent.hedges.to_string(), of.spent.probe_tokens.to_string(),
    ]
}

/// As JSON and as a page, beside what cargo builds.
pub(crate) fn write(figures: &[Figures]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let lines = figures.iter().map(|of| Line { figures: of, targets: outcomes(of) }).collect::<Vec<_>>();
    let text = serde_json::to_string_pretty(&lines).unwrap();
    std::fs::write(folder.join("replay-report.json"), text).unwrap();
    std::fs::write(folder.join("replay-report.html"), page(figures)).unwrap();
}
