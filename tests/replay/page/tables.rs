//! The page's tables: targets, and figures.

use std::fmt::Write;

use crate::figures::Figures;
use crate::targets::{Outcome, TARGETS, Target, Unit, VISIBLE, outcomes, visible};

type Row = (&'static str, &'static str, fn(&Figures) -> String);

/// What is told of every replay: in words, on pointing at it, and the value.
const ROWS: [Row; 18] = [
    ("requests", "all, and while the incident lasted", |of| {
        format!("{} / {}", of.requests, of.requests_during)
    }),
    ("failed before commit", "no answer had begun", |of| of.failed_before_commit.to_string()),
    ("told of a break", "the answer ended in an error: all / in plain text", |of| {
        format!("{} / {}", of.told_after_commit, of.told_in_text)
    }),
    ("rescued", "another model told the rest", |of| of.rescued.to_string()),
    ("truncated / repeated", "must be none", |of| format!("{} / {}", of.truncated, of.repeated + of.foreign)),
    ("callers who left", "before an answer had begun", |of| of.gave_up.to_string()),
    ("answered by another", "than the first choice", |of| format!("{:.1} %", 100.0 * of.rerouted_share)),
    ("first token p50", "during the incident", |of| seconds(of.incident_p50, 2)),
    ("first token p99", "during the incident", |of| seconds(of.incident_p99, 2)),
    ("time to react", "first verdict that takes traffic away", |of| seconds(of.health.react_s, 0)),
    ("time to open", "first open verdict", |of| seconds(of.health.open_s, 0)),
    ("sent to the ill", "in all / known to be ill", |of| {
        let share =
            of.health.sent_ill_share.map_or(String::new(), |share| format!(" ({:.1} %)", 100.0 * share));
        format!("{} / {}{share}", of.health.sent_ill, of.health.sent_ill_known)
    }),
    ("full return", "from the true end", |of| seconds(of.health.return_s, 0)),
    ("opens / closes", "of all models", |of| format!("{} / {}", of.health.opens, of.health.closes)),
    ("failed trials", "still ill, by probes", |of| of.health.trials_failed.to_string()),
    ("hedges", "in all / when well", |of| {
        format!("{} / {:.1} %", of.spent.hedges, 100.0 * of.spent.hedged_when_well)
    }),
    ("probe tokens", "input and output", |of| of.spent.probe_tokens.to_string()),
    ("cancelled / broken tokens", "of answers nobody got whole", |of| {
        format!("{} / {}", of.spent.cancelled_tokens, of.spent.broken_tokens)
    }),
];

/// Each target, the replay that came off worst, and whether it is met.
pub(super) fn targets(all: &[Figures]) -> String {
    let mut table =
        "<section><h2>Targets</h2><div class=\"scroll\"><table class=\"targets\"><thead><tr><th>Target<th>\
         At most<th>Worst<th>In<th></thead><tbody>"
            .to_owned();
    let (failed, share) = visible(all);
    let verdict = mark(share <= VISIBLE, None);
    write!(
        table,
        "<tr><td>seen to fail<small>of all requests of the suite, before or after commit</small><td>0.05 %<td>{:.3} % \
         ({failed})<td>all together<td>{verdict}",
        100.0 * share
    )
    .unwrap();
    table.extend(TARGETS.iter().map(|target| row(target, all)));
    table + "</tbody></table></div></section>"
}

/// One target over all replays that have something to measure.
fn row(target: &Target, all: &[Figures]) -> String {
    let of_it = all.iter().filter_map(|figures| {
        let outcome = outcomes(figures).into_iter().find(|outcome| outcome.target == target.name)?;
        Some((figures, outcome))
    });
    let outcomes: Vec<(&Figures, Outcome)> = of_it.collect();
    let worst = outcomes.iter().max_by(|(_, one), (_, other)| one.value.total_cmp(&other.value));
    let Some((figures, worst)) = worst else { return String::new() };
    let beyond = outcomes.iter().filter(|(_, outcome)| outcome.value > outcome.target_bound).count();
    let place = match worst.value > 0.0 {
        true => format!("<a href=\"#{0}\">{0}</a> at {1}/s", figures.setting.incident, figures.setting.rate),
        false => format!("{} replays", outcomes.len()),
    };
    let held = (beyond > 0).then(|| {
        format!("in {beyond} of {}; held at {}", outcomes.len(), written(worst.unit, worst.held_bound))
    });
    let why = worst.why.filter(|_| beyond > 0).map_or(String::new(), |why| format!("<small>{why}</small>"));
    format!(
        "<tr><td>{}<small>{}</small><td>{}<td>{}<td>{place}<td>{}{why}",
        target.name,
        target.about,
        written(target.unit, target.bound),
        written(target.unit, worst.value),
        mark(beyond == 0, held.as_deref()),
    )
}

/// A column for each rate.
pub(super) fn figures(replays: &[&Figures]) -> String {
    let heads: String = replays.iter().map(|of| format!("<th>{}/s", of.setting.rate)).collect();
    let rows: String = ROWS
        .iter()
        .map(|(name, about, value)| {
            let cells: String = replays.iter().map(|of| format!("<td>{}", value(of))).collect();
            format!("<tr title=\"{about}\"><th>{name}{cells}")
        })
        .collect();
    format!("<div class=\"figures\"><table><thead><tr><th>{heads}</thead><tbody>{rows}</tbody></table></div>")
}

fn mark(met: bool, held: Option<&str>) -> String {
    match (met, held) {
        (true, _) => "<span class=\"met\">met</span>".to_owned(),
        (false, Some(held)) => format!("<span class=\"missed\">missed {held}</span>"),
        (false, None) => "<span class=\"missed\">missed</span>".to_owned(),
    }
}

fn written(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Count => format!("{value:.0}"),
        Unit::Share => format!("{:.1} %", 100.0 * value),
        Unit::Seconds if value < 20.0 => format!("{value:.2} s"),
        Unit::Seconds => format!("{value:.0} s"),
    }
}

fn seconds(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$} s"))
}
