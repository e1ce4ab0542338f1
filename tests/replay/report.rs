//! The report, for people and for scripts.

use std::path::Path;

use crate::figures::Figures;

/// Column heads; [`row`] has the figures in the same order. `lies` are answers that look finished and are not, `left`
/// callers who gave up, `other` answers of another model than the first choice, `to ill` the share of requests that a
/// model got while it was ill and known to be, `opens` the most in one illness and all, `a/r` attempts per request and
/// `budget` the most that a route paid beyond a tenth of its requests, both in the worst ten seconds.
const HEADS: [&str; 21] = [
    "incident", "req/s", "calls", "failed", "told", "lies", "left", "other%", "p50", "p99", "p99 ill",
    "react", "open", "to ill%", "return", "opens", "trials", "a/r", "budget", "hedges", "tokens",
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

fn line(cells: [String; 21]) -> String {
    let [name, rest @ ..] = cells;
    rest.iter().fold(format!("{name:<22}"), |line, cell| format!("{line} {cell:>7}"))
}

#[rustfmt::skip]
fn row(of: &Figures) -> [String; 21] {
    let maybe = |value: Option<f64>, digits| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
    let percent = |share: f64| share * 100.0;
    [
        of.incident.clone(), of.rate.to_string(), of.requests.to_string(), of.failed_before_commit.to_string(),
        of.told_after_commit.to_string(), of.dishonest.to_string(), of.gave_up.to_string(),
        format!("{:.1}", percent(of.rerouted_share)),
        maybe(of.first_token_p50, 2), maybe(of.first_token_p99, 2), maybe(of.incident_p99, 2),
        maybe(of.react_s, 1), maybe(of.open_s, 1), maybe(of.sent_ill_share.map(percent), 1), maybe(of.return_s, 0),
        format!("{}/{}", of.opens_worst, of.opens), of.trials_failed.to_string(),
        format!("{:.2}", of.attempts_ratio_worst), format!("{:.1}", of.overdraft_worst),
        of.hedges.to_string(), of.probe_tokens.to_string(),
    ]
}

/// As JSON beside what cargo builds.
pub(crate) fn write(figures: &[Figures]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let text = serde_json::to_string_pretty(figures).unwrap();
    std::fs::write(folder.join("replay-report.json"), text).unwrap();
}
