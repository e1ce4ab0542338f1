//! What follows from what was seen.

use std::ops::Range;
use std::time::Duration;

use sidestep::journal::{Entry, Kind};
use sidestep_simulator::Attempt;

use crate::hearing::Ending;
use crate::incident::Incident;
use crate::replay::Seen;

/// The stretch over which a budget must hold.
const WINDOW: Duration = Duration::from_secs(10);
/// Faults that strike when an answer has begun.
const IN_THE_MIDDLE: [&str; 4] = ["cut", "stall", "in_band_error", "missing_terminal"];

/// What a replay spent on answers that nobody got whole, in tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waste {
    /// On answers that were cancelled: losers of hedges, and callers who left.
    pub(crate) cancelled: u64,
    /// On answers that broke off.
    pub(crate) broken: u64,
}

impl Seen {
    pub(crate) fn incident(&self) -> &Incident {
        &self.played.job.incident
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Ending) -> bool) -> usize {
        self.heard.iter().filter(|heard| wanted(&heard.ending)).count()
    }

    /// Requests sent while the incident lasted.
    pub(crate) fn asked_during(&self) -> usize {
        self.sent.iter().filter(|at| self.played.during.contains(*at)).count()
    }

    /// When the model of that size began to fail, and when it ended.
    fn illness(&self, size: usize) -> Option<Range<Duration>> {
        let stretches = self.stretches(size);
        Some(stretches.first()?.start..stretches.last()?.end)
    }

    /// Unbroken stretches in which a model of that size failed.
    fn stretches(&self, size: usize) -> Vec<Range<Duration>> {
        let mut stretches: Vec<Range<Duration>> = Vec::new();
        let ill = self.incident().ill.place();
        for step in self.played.steps.iter().filter(|step| step.provider == ill && step.fails[size] > 0.0) {
            let (from, to) = (self.played.during.start + step.from, self.played.during.start + step.to);
            match stretches.last_mut() {
                Some(last) if last.end == from => last.end = to,
                _ => stretches.push(from..to),
            }
        }
        stretches
    }

    /// Of what was answered, the part that another model than the first choice answered.
    pub(crate) fn rerouted_share(&self) -> f64 {
        let answered = self.heard.iter().filter(|heard| !heard.upstream.is_empty());
        let home = |size: usize| self.incident().models()[size].0;
        let (all, away) = (answered.clone().count(), answered.filter(|h| h.upstream != home(h.size)).count());
        away as f64 / all.max(1) as f64
    }

    /// First tokens of streams, in seconds, ascending. A caller who left had waited so long at least.
    pub(crate) fn first_tokens(&self, when: &Range<Duration>) -> Vec<f64> {
        let streamed = self.heard.iter().filter(|heard| heard.stream && when.contains(&heard.at));
        let mut waits: Vec<f64> =
            streamed.filter_map(|heard| heard.first.map(|first| first.as_secs_f64())).collect();
        waits.sort_by(f64::total_cmp);
        waits
    }

    /// Verdicts of the ill provider's models that became `to`.
    pub(crate) fn verdicts(&self, to: &str) -> impl DoubleEndedIterator<Item = &(Duration, Entry)> {
        let models = self.incident().models().map(|model| model.0);
        self.decisions.iter().filter(move |(_, entry)| {
            entry.kind == Kind::Verdict
                && models.contains(&&*entry.subject)
                && entry.to.as_deref() == Some(to)
                && entry.from != entry.to
        })
    }

    /// Seconds from the first failures to the first such verdict.
    pub(crate) fn first_decision(&self, to: &[&str]) -> Option<f64> {
        let onset = (0..3).filter_map(|size| self.illness(size)).map(|illness| illness.start).min()?;
        let found = to.iter().flat_map(|to| self.verdicts(to)).map(|(at, _)| *at);
        let first = found.filter(|at| self.played.during.contains(at)).min()?;
        first.checked_sub(onset).map(|after| after.as_secs_f64())
    }

    /// Times that traffic was taken away, not those that a trial left it away.
    pub(crate) fn opened(&self) -> impl DoubleEndedIterator<Item = &(Duration, Entry)> {
        self.verdicts("open").filter(|(_, entry)| !came_from(entry, "half_open"))
    }

    pub(crate) fn closed(&self) -> usize {
        self.verdicts("healthy").filter(|(_, entry)| came_from(entry, "ramping")).count()
    }

    pub(crate) fn opens_worst(&self) -> usize {
        let each = self.incident().models().into_iter().enumerate();
        let each = each
            .flat_map(|(size, (id, _))| self.stretches(size).into_iter().map(move |stretch| (id, stretch)));
        let opens = |(id, stretch): (&str, Range<Duration>)| {
            self.opened().filter(|(at, entry)| entry.subject == id && stretch.contains(at)).count()
        };
        each.map(opens).max().unwrap_or(0)
    }

    /// What reached models while they were ill: in all, after they were known to be, and of how many requests for
    /// them since then.
    pub(crate) fn sent_ill(&self) -> [usize; 3] {
        let mut sums = [0; 3];
        for (size, (id, name)) in self.incident().models().into_iter().enumerate() {
            for stretch in self.stretches(size) {
                let sent = |from: Duration| {
                    let to_it = self.traffic().filter(|(_, it)| it.model.as_deref() == Some(name));
                    to_it.filter(|(at, _)| *at > from && *at < stretch.end).count()
                };
                sums[0] += sent(stretch.start);
                let known =
                    self.verdicts("open").find(|(at, open)| open.subject == id && stretch.contains(at));
                let Some((known, _)) = known else { continue };
                sums[1] += sent(*known);
                let asked = self.heard.iter().filter(|heard| heard.size == size);
                sums[2] += asked.filter(|heard| heard.at > *known && heard.at < stretch.end).count();
            }
        }
        sums
    }

    /// Seconds from the true end until the last of its models was healthy for good.
    pub(crate) fn returned(&self) -> Option<f64> {
        let ids = self.incident().models().into_iter().enumerate();
        let returns = ids.filter_map(|(size, (id, _))| {
            let illness = self.illness(size)?;
            let last =
                self.verdicts("healthy").rfind(|(at, entry)| entry.subject == id && *at > illness.end)?;
            Some((last.0 - illness.end).as_secs_f64())
        });
        returns.max_by(f64::total_cmp)
    }

    /// Attempts of requests, not of probes, at any provider.
    pub(crate) fn traffic(&self) -> impl Iterator<Item = (Duration, &Attempt)> {
        self.attempts.iter().flatten().filter(|attempt| !attempt.probe).map(timed)
    }

    /// The most attempts per request in any ten seconds with ten requests at least.
    pub(crate) fn worst_ratio(&self) -> f64 {
        let attempts = sorted(self.traffic());
        let counts = attempts.iter().map(|&end| (within(&attempts, end), within(&self.sent, end)));
        let full = counts.filter(|(_, requests)| *requests >= 10);
        full.map(|(attempts, requests)| attempts as f64 / requests as f64).fold(0.0, f64::max)
    }

    /// By how much the ill provider got more in any ten seconds than the requests that it would have got when well.
    pub(crate) fn worst_excess(&self) -> f64 {
        let ill = &self.attempts[self.incident().ill.place()];
        let attempts = sorted(ill.iter().filter(|attempt| !attempt.probe).map(timed));
        let excess =
            attempts.iter().map(|&end| within(&attempts, end) as f64 - within(&self.sent, end) as f64);
        excess.fold(0.0, f64::max)
    }

    /// By how much a route's budget paid more than a tenth of its requests in any ten seconds that end with a payment.
    pub(crate) fn worst_overdraft(&self) -> f64 {
        let seconds = WINDOW.as_secs() as usize;
        let mut worst = 0.0_f64;
        for size in 0..3 {
            let route = 3 * self.incident().ill.place() + size;
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

    /// Hedges per request while nobody was ill.
    pub(crate) fn hedged_when_well(&self) -> f64 {
        let family = |place: usize| self.scrapes[place].sum("sidestep_hedges_total", &[]);
        let (hedges, end) = match self.incident().must_not_trip {
            true => (family(1), Duration::MAX),
            false => (family(0), self.played.during.start),
        };
        hedges / self.sent.partition_point(|at| *at < end).max(1) as f64
    }

    pub(crate) fn waste(&self) -> Waste {
        let mut waste = Waste::default();
        // Whoever had not answered yet may have worked on it.
        for (_, attempt) in self.traffic().filter(|(_, it)| it.status.is_none_or(|status| status == 200)) {
            let tokens = attempt.input_tokens + attempt.pieces;
            if attempt.faults.iter().any(|fault| IN_THE_MIDDLE.contains(fault)) {
                waste.broken += tokens;
            } else if attempt.left_early {
                waste.cancelled += tokens;
            }
        }
        waste
    }
}

/// The value that so many of them do not exceed; `None` of nothing.
pub(crate) fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    ascending.get(((ascending.len() as f64 * share).ceil() as usize).max(1) - 1).copied()
}

fn timed(attempt: &Attempt) -> (Duration, &Attempt) {
    (Duration::from_millis(attempt.at_ms), attempt)
}

fn sorted<'a>(attempts: impl Iterator<Item = (Duration, &'a Attempt)>) -> Vec<Duration> {
    let mut times: Vec<Duration> = attempts.map(|(at, _)| at).collect();
    times.sort_unstable();
    times
}

/// How many of these times lie in the ten seconds up to `end`.
fn within(times: &[Duration], end: Duration) -> usize {
    let until = times.partition_point(|at| *at <= end);
    until - times[..until].partition_point(|at| *at + WINDOW <= end)
}

fn came_from(entry: &Entry, verdict: &str) -> bool {
    entry.from.as_deref() == Some(verdict)
}
