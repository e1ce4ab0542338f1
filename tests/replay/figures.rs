//! What a replay comes to, and what must hold in every one.

use std::ops::Range;
use std::time::Duration;

use serde::Serialize;
use sidestep::journal::{Entry, Kind};

use crate::hearing::Ending;
use crate::replay::{Heard, Seen};

/// The stretch over which a budget must hold.
const WINDOW: Duration = Duration::from_secs(10);

/// One line of the report. Durations are in seconds; `None` where there was nothing to measure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) incident: String,
    pub(crate) rate: f64,
    pub(crate) simulated_s: f64,
    pub(crate) requests: usize,
    pub(crate) failed_before_commit: usize,
    pub(crate) told_after_commit: usize,
    pub(crate) dishonest: usize,
    pub(crate) gave_up: usize,
    pub(crate) rerouted_share: f64,
    pub(crate) first_token_p50: Option<f64>,
    pub(crate) first_token_p99: Option<f64>,
    /// While the incident lasts.
    pub(crate) incident_p99: Option<f64>,
    /// From the onset to the first verdict that takes traffic away.
    pub(crate) react_s: Option<f64>,
    /// From the onset to the first open verdict.
    pub(crate) open_s: Option<f64>,
    /// Of the requests for a model that is ill and known to be, those that it was sent all the same.
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
    /// The most attempts per request in any 10 s with 10 requests at least.
    pub(crate) attempts_ratio_worst: f64,
    /// The most that a route's budget paid in any 10 s beyond a tenth of its requests; 10 may be.
    pub(crate) overdraft_worst: f64,
    pub(crate) hedges: f64,
    pub(crate) probe_tokens: u64,
    pub(crate) home: bool,
    /// Assertions that do not hold.
    pub(crate) broken: Vec<String>,
}

impl Figures {
    /// Measures what was seen.
    pub(crate) fn of(seen: &Seen) -> Figures {
        let count = |wanted: fn(&Ending) -> bool| seen.heard.iter().filter(|h| wanted(&h.ending)).count();
        let during = seen.during();
        let (worst, overdraft) = (seen.worst_ratio(), seen.worst_overdraft());
        let mut figures = Figures {
            incident: seen.incident.name.clone(),
            rate: seen.rate,
            simulated_s: seen.lasted.as_secs_f64(),
            requests: seen.heard.len(),
            failed_before_commit: count(|ending| matches!(ending, Ending::Failed(_))),
            told_after_commit: count(|ending| *ending == Ending::Told),
            dishonest: count(|ending| matches!(ending, Ending::Dishonest(_))),
            gave_up: count(|ending| *ending == Ending::GaveUp),
            rerouted_share: seen.rerouted_share(),
            first_token_p50: seen.first_token(0.5, &(Duration::ZERO..Duration::MAX)),
            first_token_p99: seen.first_token(0.99, &(Duration::ZERO..Duration::MAX)),
            incident_p99: seen.first_token(0.99, &during),
            react_s: seen.first_decision(&["degraded", "open"], &during),
            open_s: seen.first_decision(&["open"], &during),
            sent_ill_share: seen.sent_ill_share(),
            return_s: seen.returned(),
            opens: seen.opened().count(),
            opens_worst: seen.opens_worst(),
            trials_failed: seen.verdicts("open").count() - seen.opened().count(),
            closes: seen.verdicts("healthy").filter(|(_, entry)| came_from(entry, "ramping")).count(),
            attempts_ratio_worst: worst,
            overdraft_worst: overdraft,
            hedges: seen.scrape.sum("sidestep_hedges_total", &[]),
            probe_tokens: seen.probe_tokens,
            home: seen.home,
            broken: Vec::new(),
        };
        figures.broken = figures.check(seen);
        figures
    }

    /// What must hold whatever the incident.
    fn check(&self, seen: &Seen) -> Vec<String> {
        let sample = |wanted: fn(&Ending) -> bool| {
            let found = seen.heard.iter().find(|heard| wanted(&heard.ending));
            found.map_or_else(String::new, |heard| format!("{:?} after {:?}", heard.ending, heard.at))
        };
        let settled = seen.scrape.sum("sidestep_attempts_total", &[]);
        let begun: usize = seen.traffic().count();
        let tripped = || seen.decisions.iter().find(|(_, entry)| is_verdict(entry));
        let rules = [
            (self.requests == seen.sent.len(), format!("{} requests were sent", seen.sent.len())),
            (self.dishonest == 0, sample(|ending| matches!(ending, Ending::Dishonest(_)))),
            (self.failed_before_commit == 0, sample(|ending| matches!(ending, Ending::Failed(_)))),
            (!seen.incident.must_not_trip || tripped().is_none(), format!("it tripped: {:?}", tripped())),
            // With fewer requests, how soon is a matter of luck.
            (
                seen.incident.must_not_trip || self.rate < 2.0 || self.open_s.is_some(),
                "it went unnoticed".to_owned(),
            ),
            (self.overdraft_worst <= 10.0 + 1e-6, format!("a budget paid {} too many", self.overdraft_worst)),
            (seen.held == 0, format!("{} permits are still held", seen.held)),
            (seen.left == 0, format!("{} tasks or connections are left", seen.left)),
            (settled == begun as f64, format!("{begun} attempts begun, {settled} settled")),
            (seen.scrape.sum("sidestep_task_panics_total", &[]) == 0.0, "a task panicked".to_owned()),
            (seen.scrape.sum("sidestep_evidence_dropped_total", &[]) == 0.0, "evidence was lost".to_owned()),
            (self.home, "traffic did not return to its first choice".to_owned()),
        ];
        rules.into_iter().filter(|(holds, _)| !holds).map(|(_, broken)| broken).collect()
    }
}

impl Seen {
    /// While the incident lasted.
    fn during(&self) -> Range<Duration> {
        let end = self.steps.last().map_or(Duration::ZERO, |step| step.to);
        self.onset..self.onset + end
    }

    /// When the model of that size began to fail, and when it ended.
    fn illness(&self, size: usize) -> Option<Range<Duration>> {
        let ill = || self.steps.iter().filter(|step| step.fails[size] > 0.0);
        Some(self.onset + ill().next()?.from..self.onset + ill().next_back()?.to)
    }

    fn rerouted_share(&self) -> f64 {
        let home = |heard: &&Heard| heard.upstream == self.incident.models()[heard.size].0;
        let answered = self.heard.iter().filter(|heard| !heard.upstream.is_empty());
        let (all, at_home) = (answered.clone().count(), answered.filter(home).count());
        (all - at_home) as f64 / all.max(1) as f64
    }

    fn first_token(&self, quantile: f64, when: &Range<Duration>) -> Option<f64> {
        let streamed = self.heard.iter().filter(|heard| heard.stream && when.contains(&heard.at));
        let mut waits: Vec<Duration> = streamed.filter_map(|heard| heard.first).collect();
        waits.sort_unstable();
        let place = ((waits.len() as f64 * quantile).ceil() as usize).max(1) - 1;
        waits.get(place).map(Duration::as_secs_f64)
    }

    /// Verdicts of the ill provider and its models that became `to`.
    fn verdicts(&self, to: &str) -> impl DoubleEndedIterator<Item = &(Duration, Entry)> {
        let models = self.incident.models().map(|model| model.0);
        self.decisions.iter().filter(move |(_, entry)| {
            entry.kind == Kind::Verdict
                && models.contains(&&*entry.subject)
                && entry.to.as_deref() == Some(to)
                && entry.from != entry.to
        })
    }

    fn first_decision(&self, to: &[&str], during: &Range<Duration>) -> Option<f64> {
        let onset = (0..3).filter_map(|size| self.illness(size)).map(|illness| illness.start).min()?;
        let found = to.iter().flat_map(|to| self.verdicts(to)).map(|(at, _)| *at);
        let first = found.filter(|at| during.contains(at)).min()?;
        first.checked_sub(onset).map(|after| after.as_secs_f64())
    }

    /// Unbroken stretches in which a model of that size failed.
    fn stretches(&self, size: usize) -> Vec<Range<Duration>> {
        let mut stretches: Vec<Range<Duration>> = Vec::new();
        for step in self.steps.iter().filter(|step| step.fails[size] > 0.0) {
            let (from, to) = (self.onset + step.from, self.onset + step.to);
            match stretches.last_mut() {
                Some(last) if last.end == from => last.end = to,
                _ => stretches.push(from..to),
            }
        }
        stretches
    }

    /// Times that traffic was taken away, not those that a trial left it away.
    fn opened(&self) -> impl DoubleEndedIterator<Item = &(Duration, Entry)> {
        self.verdicts("open").filter(|(_, entry)| !came_from(entry, "half_open"))
    }

    fn opens_worst(&self) -> usize {
        let each =
            self.incident.models().into_iter().enumerate().flat_map(|(size, (id, _))| {
                self.stretches(size).into_iter().map(move |stretch| (id, stretch))
            });
        let opens = |(id, stretch): (&str, Range<Duration>)| {
            self.opened().filter(|(at, entry)| entry.subject == id && stretch.contains(at)).count()
        };
        each.map(opens).max().unwrap_or(0)
    }

    fn sent_ill_share(&self) -> Option<f64> {
        let (mut requests, mut sent) = (0, 0);
        for (size, (id, name)) in self.incident.models().into_iter().enumerate() {
            for stretch in self.stretches(size) {
                let known =
                    self.verdicts("open").find(|(at, open)| open.subject == id && stretch.contains(at));
                let Some((known, _)) = known else { continue };
                requests += self
                    .heard
                    .iter()
                    .filter(|heard| heard.size == size && heard.at > *known && heard.at < stretch.end)
                    .count();
                sent += self
                    .traffic()
                    .filter(|(at, attempt)| attempt.model.as_deref() == Some(name) && at > known)
                    .filter(|(at, _)| *at < stretch.end)
                    .count();
            }
        }
        (requests > 0).then(|| sent as f64 / requests as f64)
    }

    fn returned(&self) -> Option<f64> {
        let ids = self.incident.models().into_iter().enumerate();
        let returns = ids.filter_map(|(size, (id, _))| {
            let illness = self.illness(size)?;
            let last =
                self.verdicts("healthy").rfind(|(at, entry)| entry.subject == id && *at > illness.end)?;
            Some((last.0 - illness.end).as_secs_f64())
        });
        returns.max_by(f64::total_cmp)
    }

    /// Attempts of requests, not of probes, at any provider.
    fn traffic(&self) -> impl Iterator<Item = (Duration, &sidestep_simulator::Attempt)> {
        let attempts = self.attempts.iter().flatten().filter(|attempt| !attempt.probe);
        attempts.map(|attempt| (Duration::from_millis(attempt.at_ms), attempt))
    }

    fn worst_ratio(&self) -> f64 {
        let mut attempts: Vec<Duration> = self.traffic().map(|(at, _)| at).collect();
        attempts.sort_unstable();
        let within = |times: &[Duration], end: Duration| {
            let until = times.partition_point(|at| *at <= end);
            until - times[..until].partition_point(|at| *at + WINDOW <= end)
        };
        let ratios = attempts.iter().map(|&end| (within(&attempts, end), within(&self.sent, end)));
        let full = ratios.filter(|(_, requests)| *requests >= 10);
        full.map(|(attempts, requests)| attempts as f64 / requests as f64).fold(0.0, f64::max)
    }

    /// By how much a route's budget paid more than a tenth of its requests in any ten seconds that end with a payment.
    fn worst_overdraft(&self) -> f64 {
        let seconds = WINDOW.as_secs() as usize;
        let mut worst = 0.0_f64;
        for size in 0..3 {
            let route = 3 * self.incident.provider() + size;
            let mut asked: Vec<_> = self.heard.iter().filter(|h| h.size == size).map(|h| h.at).collect();
            asked.sort_unstable();
            for (place, spent) in self.spent.iter().enumerate().skip(seconds) {
                if spent[route] == self.spent[place - 1][route] {
                    // A payment is weighed against the ten seconds before it.
                    continue;
                }
                let paid = spent[route] - self.spent[place - seconds][route];
                let from = Duration::from_secs((place - seconds) as u64);
                let earlier = |end: Duration| asked.partition_point(|at| *at < end);
                let requests = earlier(from + WINDOW) - earlier(from);
                worst = worst.max(paid as f64 - 0.1 * requests as f64);
            }
        }
        worst
    }
}

fn came_from(entry: &Entry, verdict: &str) -> bool {
    entry.from.as_deref() == Some(verdict)
}

fn is_verdict(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Verdict | Kind::Provider | Kind::Credential | Kind::Freeze)
}
