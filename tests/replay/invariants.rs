//! What must hold in every replay, whatever the incident.

use std::time::Duration;

use sidestep::journal::{Entry, Kind};

use crate::hearing::Ending;
use crate::record;
use crate::replay::Seen;

/// What a budget may pay in ten seconds beyond its share of the requests: a second's reserve in each.
const RESERVE: f64 = 10.0;

/// What does not hold, in words. Nothing, if all is right.
pub(crate) fn broken(seen: &Seen) -> Vec<String> {
    let settled = seen.scrapes[1].sum("sidestep_attempts_total", &[]);
    let begun = seen.traffic().count() as f64;
    let overdraft = seen.worst_overdraft();
    let trips = tripped(seen);
    let none = |family: &str| seen.scrapes[1].sum(family, &[]) == 0.0;
    let rules = [
        (
            seen.heard.len() == seen.sent.len(),
            format!("{} of {} requests ended", seen.heard.len(), seen.sent.len()),
        ),
        (seen.count(is_dishonest) == 0, first(seen, is_dishonest)),
        // All replays leave one provider well.
        (seen.count(is_failure) == 0, first(seen, is_failure)),
        (!seen.incident().must_not_trip || trips.is_none(), format!("it tripped: {trips:?}")),
        (overdraft <= RESERVE + 1e-6, format!("a budget paid {overdraft:.1} too many")),
        (seen.held == 0, format!("{} permits are still held", seen.held)),
        (seen.left == 0, format!("{} tasks or connections are left", seen.left)),
        // An attempt whose caller leaves at once may reach nobody.
        (
            settled >= begun && settled <= begun + seen.count(|ending| *ending == Ending::GaveUp) as f64,
            format!("{begun} attempts begun, {settled} settled"),
        ),
        (none("sidestep_task_panics_total"), "a task panicked".to_owned()),
        (none("sidestep_evidence_dropped_total"), "evidence was lost".to_owned()),
        (record::fits(seen), record::summary(seen)),
        (seen.played.home, "traffic did not return to its first choice".to_owned()),
    ];
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect()
}

fn is_dishonest(ending: &Ending) -> bool {
    matches!(ending, Ending::Dishonest(..))
}

fn is_failure(ending: &Ending) -> bool {
    matches!(ending, Ending::Failed(_))
}

fn first(seen: &Seen, wanted: fn(&Ending) -> bool) -> String {
    let found = seen.heard.iter().find(|heard| wanted(&heard.ending));
    let all = seen.count(wanted);
    found.map_or_else(String::new, |heard| {
        let who = (heard.stream, heard.tools, &heard.upstream, &heard.rescued_by);
        format!(
            "{all} times, first {:?} after {:?}; (stream, tools, by, rescued) {who:?}",
            heard.ending, heard.at
        )
    })
}

fn tripped(seen: &Seen) -> Option<&(Duration, Entry)> {
    let is_verdict =
        |kind: Kind| matches!(kind, Kind::Verdict | Kind::Provider | Kind::Credential | Kind::Freeze);
    seen.decisions.iter().find(|(_, entry)| is_verdict(entry.kind))
}
