//! How a replay went over time: what its picture shows.

use std::time::Duration;

use serde::Serialize;
use sidestep::journal::Kind;

use crate::hearing::Ending;
use crate::replay::Seen;
use crate::scene::MODELS;

/// Stretches that shares of traffic are counted over: no more of them than there is to be counted.
const BINS: std::ops::RangeInclusive<usize> = 12..=160;
/// Requests of a stretch.
const ENOUGH: usize = 8;
/// As configured.
const PROVIDERS: [&str; 2] = ["anthropic", "openai"];

/// Seconds from the replay's begin throughout.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Course {
    pub(crate) until: f64,
    /// When the incident began and ended.
    pub(crate) during: (f64, f64),
    pub(crate) put_in: Vec<PutIn>,
    pub(crate) lanes: Vec<Lane>,
    /// Over stretches of equal length, from the begin to the end.
    pub(crate) shares: Vec<Shares>,
    /// Requests that the application saw fail.
    pub(crate) failures: Vec<Failure>,
}

/// What the simulator was told: the share of requests that fail.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PutIn {
    pub(crate) provider: &'static str,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Of the big, the middle and the small model.
    pub(crate) fails: [f64; 3],
}

/// The verdicts on one model, or on a provider.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Lane {
    pub(crate) subject: String,
    pub(crate) bands: Vec<Band>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Band {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) verdict: String,
}

/// Who answered the requests of one stretch.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Shares {
    pub(crate) first_choice: usize,
    pub(crate) second_choice: usize,
    pub(crate) third_choice: usize,
    /// Begun by one and ended by another.
    pub(crate) rescued: usize,
    /// Invalid, and told so; or the caller left.
    pub(crate) not_answered: usize,
    pub(crate) failed: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) at: f64,
    pub(crate) what: &'static str,
}

impl Course {
    /// Counts what was seen.
    pub(crate) fn of(seen: &Seen) -> Course {
        let until = seen.played.until.as_secs_f64();
        let during = &seen.played.during;
        let onset = during.start.as_secs_f64();
        let put_in = seen.played.steps.iter().map(|step| PutIn {
            provider: PROVIDERS[step.provider],
            from: onset + step.from.as_secs_f64(),
            to: onset + step.to.as_secs_f64(),
            fails: step.fails,
        });
        let failures = seen.heard.iter().filter_map(|heard| {
            let what = match &heard.ending {
                Ending::Failed(_) => "failed",
                Ending::Told => "cut, and told so",
                Ending::Dishonest(..) => "dishonest",
                Ending::Good | Ending::GaveUp | Ending::Refused => return None,
            };
            Some(Failure { at: heard.at.as_secs_f64(), what })
        });
        Course {
            until,
            during: (onset, during.end.as_secs_f64()),
            put_in: put_in.collect(),
            lanes: lanes(seen, until),
            shares: shares(seen),
            failures: failures.collect(),
        }
    }
}

/// The ill provider and its models first, then those of the other that were ever doubted.
fn lanes(seen: &Seen, until: f64) -> Vec<Lane> {
    let ill = seen.incident().ill.place();
    let of = |provider: usize| {
        let models = MODELS[provider].map(|model| (Kind::Verdict, model.0));
        std::iter::once((Kind::Provider, PROVIDERS[provider])).chain(models)
    };
    let all = of(ill).map(|lane| (lane, true)).chain(of(1 - ill).map(|lane| (lane, false)));
    let lanes = all.map(|((kind, subject), always)| (lane(seen, (kind, subject), until), always));
    lanes.filter(|(lane, always)| *always || lane.bands.len() > 1).map(|(lane, _)| lane).collect()
}

fn lane(seen: &Seen, (kind, subject): (Kind, &str), until: f64) -> Lane {
    let (mut bands, mut from, mut verdict) = (Vec::new(), 0.0, "healthy".to_owned());
    for (at, entry) in &seen.decisions {
        let Some(to) = entry.to.as_ref().filter(|_| entry.kind == kind && entry.subject == subject) else {
            continue;
        };
        let at = at.as_secs_f64().min(until);
        if *to != verdict {
            bands.push(Band { from, to: at, verdict: std::mem::replace(&mut verdict, to.clone()) });
            from = at;
        }
    }
    bands.push(Band { from, to: until, verdict });
    Lane { subject: subject.to_owned(), bands }
}

fn shares(seen: &Seen) -> Vec<Shares> {
    let bins = (seen.heard.len() / ENOUGH).clamp(*BINS.start(), *BINS.end());
    let mut shares = vec![Shares::default(); bins];
    let width = seen.played.until / u32::try_from(bins).unwrap_or(1);
    for heard in &seen.heard {
        let place = (heard.at.as_nanos() / width.max(Duration::from_nanos(1)).as_nanos()) as usize;
        let bin = &mut shares[place.min(bins - 1)];
        let first = seen.incident().models()[heard.size].0;
        *match &heard.ending {
            Ending::Failed(_) | Ending::Told | Ending::Dishonest(..) => &mut bin.failed,
            Ending::GaveUp | Ending::Refused => &mut bin.not_answered,
            Ending::Good if heard.rescued_by.is_some() => &mut bin.rescued,
            Ending::Good if heard.upstream == first => &mut bin.first_choice,
            Ending::Good if heard.upstream == "grok" => &mut bin.third_choice,
            Ending::Good => &mut bin.second_choice,
        } += 1;
    }
    shares
}
