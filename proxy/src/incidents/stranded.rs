//! Routes on which nobody takes calls though no incident at a provider says why: every target is rate limited, say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sidestep_table::{Moment, RouteEntry, RouteIndex, Topology};

use super::Update;
use super::case::Case;
use super::name::{self, shortened};
use super::record::{Calls, Incident, Scope};
use crate::catalog::Catalog;
use crate::clock::Reading;
use crate::metrics::DetourCounts;

/// A route without a target for a shorter time than this has met a rate limit, and no incident.
const LEAST: Duration = Duration::from_secs(10);
/// Longest title in characters.
const TITLE: usize = 200;

/// All routes that are, or were a moment ago, without a target.
#[derive(Default)]
pub(super) struct Strandings {
    routes: BTreeMap<Arc<str>, Stranding>,
    /// What had been counted of each when it last had a target.
    before: BTreeMap<Arc<str>, DetourCounts>,
}

struct Stranding {
    since: Moment,
    /// What had been counted when it last had a target.
    before: DetourCounts,
    /// Once it lasted, and calls were refused.
    case: Option<Case>,
}

// === impl Strandings ===

impl Strandings {
    /// Looks at all routes once. What an incident at a provider explains, by `explained`, is no other one.
    pub(super) fn look(
        &mut self,
        catalog: &Catalog,
        now: Reading,
        explained: impl Fn(&str) -> bool,
        taken: impl Fn(&str) -> bool,
    ) -> Vec<Update> {
        let topology = &catalog.topology;
        let expired = |case: &Case| case.until.is_some_and(|until| now.now() >= until);
        self.routes.retain(|_, one| !one.case.as_ref().is_some_and(expired));
        let mut updates = Vec::new();
        for (at, entry) in topology.routes.iter().enumerate() {
            let mut owners = entry.targets.iter().map(|target| &topology[topology[target.model].provider].id);
            let stranded = is_stranded(topology, entry, now.now()) && !owners.any(|owner| explained(owner));
            let counts = catalog.route(RouteIndex::new(at)).metrics.detours().counts();
            if !stranded {
                *self.before.entry(entry.pattern.clone()).or_default() = counts;
            } else if !self.routes.contains_key(&entry.pattern) {
                let before = self.before.get(&entry.pattern).copied().unwrap_or_default();
                let fresh = Stranding { since: now.now(), before, case: None };
                self.routes.insert(entry.pattern.clone(), fresh);
            }
            let Some(one) = self.routes.get_mut(&entry.pattern) else { continue };
            one.see(&entry.pattern, (stranded, counts), now, &taken);
            updates.extend(one.case.as_mut().and_then(|case| case.update(now)));
            if !stranded && one.case.is_none() {
                self.routes.remove(&entry.pattern);
            }
        }
        let is_there = |pattern: &str| topology.routes.iter().any(|entry| *entry.pattern == *pattern);
        self.before.retain(|pattern, _| is_there(pattern));
        for (_, gone) in self.routes.extract_if(.., |pattern, _| !is_there(pattern)) {
            let case = gone.case.filter(Case::is_open);
            updates.extend(case.and_then(|mut case| {
                case.end(now);
                case.update(now)
            }));
        }
        updates
    }
}

// === impl Stranding ===

impl Stranding {
    fn see(
        &mut self,
        pattern: &str,
        (stranded, counts): (bool, DetourCounts),
        now: Reading,
        taken: &impl Fn(&str) -> bool,
    ) {
        let refused = counts.refused.saturating_sub(self.before.refused);
        match &mut self.case {
            None => {
                let lasts = now.now().saturating_since(self.since) >= LEAST;
                if stranded && lasts && refused > 0 {
                    self.case = Some(begin(pattern, self.since, now, taken));
                }
            }
            Some(case) if case.is_open() && !stranded => case.end(now),
            Some(case) if !case.is_open() && stranded => case.relapse(),
            Some(_) => {}
        }
        if let Some(case) = &mut self.case {
            case.incident.calls = Calls { refused, ..Calls::default() };
        }
    }
}

fn begin(pattern: &str, since: Moment, now: Reading, taken: &impl Fn(&str) -> bool) -> Case {
    let mut incident = Incident::blank(now.unix(since));
    incident.id = name::id(incident.started, pattern, taken);
    incident.scope = Scope::Route;
    incident.title = shortened(&format!("{pattern}: no target takes calls, though none is given up"), TITLE);
    let mut case = Case::new(incident, now);
    case.begins();
    case
}

/// No target takes ordinary calls now.
fn is_stranded(topology: &Topology, route: &RouteEntry, now: Moment) -> bool {
    route.targets.iter().all(|target| {
        let cell = &topology[target.model].cell;
        !cell.standing().is_eligible() || cell.limited_until().is_some_and(|until| until > now)
    })
}
