//! Tells of each route when its calls begin to be rerouted, rescued or lost, and when that is over. It samples
//! counters; no call waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sidestep_table::{ModelIndex, Moment, RouteIndex};

use crate::catalog::Catalog;
use crate::journal::Journal;
use crate::metrics::DetourCounts;

/// An episode is over when no call was rerouted, rescued or lost for this long.
const QUIET: Duration = Duration::from_secs(30);
/// Episodes that are told of at once; with more of them a list of routes tells nobody anything.
const TOLD: usize = 32;

/// All routes.
#[derive(Default)]
pub(super) struct Episodes {
    routes: BTreeMap<Arc<str>, Route>,
}

#[derive(Default)]
struct Route {
    seen: DetourCounts,
    episode: Option<Episode>,
}

struct Episode {
    began: Moment,
    latest: Moment,
    /// What had been counted when it began.
    before: DetourCounts,
    /// Of what it has told: rerouted, rescued, lost.
    told: [bool; 3],
    /// The model that would have answered.
    from: Option<String>,
}

// === impl Episodes ===

impl Episodes {
    /// Looks at all routes once.
    pub(super) fn sample(&mut self, catalog: &Catalog, now: Moment, journal: &Journal) {
        let topology = &catalog.topology;
        self.routes.retain(|pattern, _| topology.routes.iter().any(|route| route.pattern == *pattern));
        let mut told = self.routes.values().filter(|route| route.episode.is_some()).count();
        for (at, entry) in topology.routes.iter().enumerate() {
            let detours = catalog.route(RouteIndex::new(at)).metrics.detours();
            let counts = detours.counts();
            let route = self.routes.entry(entry.pattern.clone()).or_default();
            if counts == route.seen {
                route.calm(&entry.pattern, now, journal);
                continue;
            }
            if route.episode.is_none() && told >= TOLD {
                route.seen = counts;
                continue;
            }
            told += usize::from(route.episode.is_none());
            let name = |model: ModelIndex| topology[model].id.to_string();
            let (from, to) = detours.latest(topology.generation);
            route.stir(counts, now).tell(&entry.pattern, counts, (from.map(name), to.map(name)), journal);
        }
    }
}

// === impl Route ===

impl Route {
    /// There were more since the last look.
    fn stir(&mut self, counts: DetourCounts, now: Moment) -> &mut Episode {
        let before = std::mem::replace(&mut self.seen, counts);
        let episode = self.episode.get_or_insert(Episode {
            began: now,
            latest: now,
            before,
            told: [false; 3],
            from: None,
        });
        episode.latest = now;
        episode
    }

    /// There were none since the last look.
    fn calm(&mut self, pattern: &str, now: Moment, journal: &Journal) {
        let over = |episode: &mut Episode| now.saturating_since(episode.latest) >= QUIET;
        let Some(episode) = self.episode.take_if(over) else { return };
        let [rerouted, rescued, lost] = episode.since(self.seen);
        let lasted = episode.latest.saturating_since(episode.began).as_secs();
        let why = format!(
            "over after {lasted} s: {rerouted} calls rerouted, {rescued} rescued, {lost} refused, failed or cut"
        );
        journal.traffic(pattern, episode.from.as_deref(), None, &why);
    }
}

// === impl Episode ===

impl Episode {
    /// Tells what happens for the first time in this episode.
    fn tell(
        &mut self,
        pattern: &str,
        counts: DetourCounts,
        (from, to): (Option<String>, Option<String>),
        journal: &Journal,
    ) {
        let first = from.as_deref().unwrap_or("the first choice");
        let other = to.as_deref().unwrap_or("another target");
        let news = [
            format!("calls go to {other} instead of {first}"),
            format!("answers that {first} breaks off are finished by {other}"),
            format!("calls that {first} would answer are refused, fail or are cut"),
        ];
        for (kind, count) in self.since(counts).into_iter().enumerate() {
            if count > 0 && !std::mem::replace(&mut self.told[kind], true) {
                let to = to.as_deref().filter(|_| kind < 2);
                journal.traffic(pattern, from.as_deref(), to, &news[kind]);
            }
        }
        self.from = from.or(self.from.take());
    }

    fn since(&self, now: DetourCounts) -> [u64; 3] {
        let before = self.before;
        [
            now.rerouted.saturating_sub(before.rerouted),
            now.rescued.saturating_sub(before.rescued),
            (now.refused + now.lost).saturating_sub(before.refused + before.lost),
        ]
    }
}
