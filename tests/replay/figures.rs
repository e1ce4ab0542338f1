//! What a replay comes to.

use std::time::Duration;

use serde::Serialize;

use crate::caller::Heard;
use crate::course::Course;
use crate::hearing::{Ending, Lie};
use crate::invariants::broken;
use crate::measures::quantile;
use crate::replay::{Job, Seen};

/// One line of the report. Durations are in seconds; `None` where there was nothing to measure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    #[serde(flatten)]
    pub(crate) setting: Setting,
    pub(crate) requests: usize,
    pub(crate) requests_during: usize,
    pub(crate) failed_before_commit: usize,
    pub(crate) told_after_commit: usize,
    /// Of those, the ones in plain text, which another model might have gone on with.
    pub(crate) told_in_text: usize,
    pub(crate) truncated: usize,
    pub(crate) repeated: usize,
    /// Answers that hold what no model said.
    pub(crate) foreign: usize,
    pub(crate) gave_up: usize,
    /// Whole answers that another model went on with after the first had broken off.
    pub(crate) rescued: usize,
    pub(crate) rerouted_share: f64,
    pub(crate) first_token_p50: Option<f64>,
    pub(crate) first_token_p99: Option<f64>,
    /// While the incident lasts.
    pub(crate) incident_p50: Option<f64>,
    /// While the incident lasts.
    pub(crate) incident_p99: Option<f64>,
    #[serde(flatten)]
    pub(crate) health: Health,
    #[serde(flatten)]
    pub(crate) spent: Spent,
    /// Assertions that do not hold.
    pub(crate) broken: Vec<String>,
    /// For the picture.
    pub(crate) course: Course,
}

/// What was played.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) incident: String,
    pub(crate) about: String,
    pub(crate) assumed: String,
    pub(crate) rate: f64,
    pub(crate) seed: u64,
    /// Played shorter than it was.
    pub(crate) shortened: bool,
    pub(crate) must_not_trip: bool,
    pub(crate) simulated_s: f64,
    pub(crate) incident_s: f64,
}

/// How well Sidestep saw what was going on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Health {
    /// From the onset to the first verdict that takes traffic away.
    pub(crate) react_s: Option<f64>,
    /// From the onset to the first open verdict.
    pub(crate) open_s: Option<f64>,
    /// Requests that reached models while they were ill.
    pub(crate) sent_ill: usize,
    /// Of those, the ones after they were known to be ill.
    pub(crate) sent_ill_known: usize,
    /// The same, of the requests for them since then.
    pub(crate) sent_ill_share: Option<f64>,
    /// From the true end until the last of its models was healthy for good.
    pub(crate) return_s: Option<f64>,
    /// Times that one of its models lost traffic that it had.
    pub(crate) opens: usize,
    /// The most of them for one model in one unbroken stretch of failures.
    pub(crate) opens_worst: usize,
    /// Times that probes found one still ill, and it stayed without traffic.
    pub(crate) trials_failed: usize,
    pub(crate) closes: usize,
    /// Whether all was well and traffic back with its first choice at the end.
    pub(crate) home: bool,
}

/// What it cost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Spent {
    /// The most attempts per request in any 10 s with 10 requests at least.
    pub(crate) attempts_ratio_worst: f64,
    /// The most that a route's budget paid in any 10 s beyond a tenth of its requests; 10 may be.
    pub(crate) overdraft_worst: f64,
    /// The most that the ill provider got in any 10 s beyond what it would have got when well.
    pub(crate) excess_worst: f64,
    pub(crate) hedges: f64,
    /// Hedges per request while nobody is ill.
    pub(crate) hedged_when_well: f64,
    pub(crate) probe_tokens: u64,
    /// Spent on answers that were cancelled: losers of hedges, and callers who left.
    pub(crate) cancelled_tokens: u64,
    /// Spent on answers that broke off.
    pub(crate) broken_tokens: u64,
}

impl Figures {
    /// Measures what was seen.
    pub(crate) fn of(seen: &Seen) -> Figures {
        let lies = |lie: Lie| seen.count(|ending| matches!(ending, Ending::Dishonest(of, _) if *of == lie));
        let all = seen.first_tokens(&(Duration::ZERO..Duration::MAX));
        let ill = seen.first_tokens(&seen.played.during);
        let rescued = |heard: &&Heard| heard.ending == Ending::Good && heard.rescued_by.is_some();
        let in_text = |heard: &&Heard| heard.ending == Ending::Told && !heard.tools;
        Figures {
            setting: Setting::of(seen),
            requests: seen.heard.len(),
            requests_during: seen.asked_during(),
            failed_before_commit: seen.count(|ending| matches!(ending, Ending::Failed(_))),
            told_after_commit: seen.count(|ending| *ending == Ending::Told),
            told_in_text: seen.heard.iter().filter(in_text).count(),
            truncated: lies(Lie::Truncated),
            repeated: lies(Lie::Repeated),
            foreign: lies(Lie::Foreign),
            gave_up: seen.count(|ending| *ending == Ending::GaveUp),
            rescued: seen.heard.iter().filter(rescued).count(),
            rerouted_share: seen.rerouted_share(),
            first_token_p50: quantile(&all, 0.5),
            first_token_p99: quantile(&all, 0.99),
            incident_p50: quantile(&ill, 0.5),
            incident_p99: quantile(&ill, 0.99),
            health: Health::of(seen),
            spent: Spent::of(seen),
            broken: broken(seen),
            course: Course::of(seen),
        }
    }

    /// Requests that the application had to see fail.
    pub(crate) fn visible(&self) -> usize {
        self.failed_before_commit + self.told_after_commit
    }
}

impl Setting {
    fn of(seen: &Seen) -> Setting {
        let Job { incident, rate, seed, shortened } = seen.played.job.clone();
        let during = &seen.played.during;
        Setting {
            incident: incident.name,
            about: incident.about,
            assumed: incident.assumed,
            rate,
            seed,
            shortened,
            must_not_trip: incident.must_not_trip,
            simulated_s: seen.played.until.as_secs_f64(),
            incident_s: (during.end - during.start).as_secs_f64(),
        }
    }
}

impl Health {
    fn of(seen: &Seen) -> Health {
        let [sent_ill, sent_ill_known, asked_known] = seen.sent_ill();
        Health {
            react_s: seen.first_decision(&["degraded", "open"]),
            open_s: seen.first_decision(&["open"]),
            sent_ill,
            sent_ill_known,
            sent_ill_share: (asked_known > 0).then(|| sent_ill_known as f64 / asked_known as f64),
            return_s: seen.returned(),
            opens: seen.opened().count(),
            opens_worst: seen.opens_worst(),
            trials_failed: seen.verdicts("open").count() - seen.opened().count(),
            closes: seen.closed(),
            home: seen.played.home,
        }
    }
}

impl Spent {
    fn of(seen: &Seen) -> Spent {
        let waste = seen.waste();
        Spent {
            attempts_ratio_worst: seen.worst_ratio(),
            overdraft_worst: seen.worst_overdraft(),
            excess_worst: seen.worst_excess(),
            hedges: seen.scrapes[1].sum("sidestep_hedges_total", &[]),
            hedged_when_well: seen.hedged_when_well(),
            probe_tokens: seen.probe_tokens,
            cancelled_tokens: waste.cancelled,
            broken_tokens: waste.broken,
        }
    }
}
