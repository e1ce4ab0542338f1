//! Who answers for a group, in which order: its own deployments, then those of the groups that stand in for it.

use std::collections::BTreeSet;

use super::{
    deployment::Deployment,
    settings::{Fallback, Settings},
    vendor::Vendor,
    wildcard::matches,
};

/// How far LiteLLM goes from one fallback to the next, if nothing else is said.
const MAX_FALLBACKS: f64 = 5.0;
/// Most groups that stand in for one; far more than a call asks.
const MOST_GROUPS: usize = 32;

/// Groups and what stands in for them.
pub(super) struct Groups<'a> {
    pub(super) deployments: &'a [Deployment],
    pub(super) settings: &'a Settings,
}

/// A walk from group to group.
struct Walk {
    most: f64,
    been: BTreeSet<String>,
    way: Vec<String>,
}

// === impl Groups ===

impl<'a> Groups<'a> {
    /// The deployments that answer for `name`: those of the group, or of the one that it is another name of, or of the
    /// longest pattern that stands for it.
    pub(super) fn members(&self, name: &str) -> Vec<&'a Deployment> {
        let alias = self.settings.aliases.iter().find(|(alias, ..)| alias == name);
        let name = alias.map_or(name, |(_, group, _)| group);
        let patterns = self.deployments.iter().map(|one| one.group.as_str());
        let exact = patterns.clone().find(|group| *group == name);
        let group = exact.or_else(|| {
            let fitting = patterns.filter(|group| group.contains('*') && matches(group, name));
            fitting.max_by_key(|group| group.len())
        });
        self.deployments.iter().filter(|one| Some(one.group.as_str()) == group).collect()
    }

    /// The members of a group by rank: those that are asked first, then those of each later `order`, then those without.
    pub(super) fn ranks(&self, name: &str) -> Vec<Vec<&'a Deployment>> {
        let mut ranks: Vec<(Option<i64>, Vec<&Deployment>)> = Vec::new();
        for one in self.members(name) {
            match ranks.iter_mut().find(|(order, _)| *order == one.order) {
                Some((_, rank)) => rank.push(one),
                None => ranks.push((one.order, vec![one])),
            }
        }
        ranks.sort_by_key(|(order, _)| (order.is_none(), *order));
        ranks.into_iter().map(|(_, rank)| rank).collect()
    }

    /// The groups that stand in for `group`, in the order in which LiteLLM asks them: each with its own before the next.
    pub(super) fn fallbacks(&self, group: &str) -> Vec<String> {
        let most = self.settings.max_fallbacks.unwrap_or(MAX_FALLBACKS);
        let mut walk = Walk { most, been: BTreeSet::new(), way: Vec::new() };
        self.walk(group, group, 0.0, &mut walk);
        walk.way
    }

    /// The entry of `fallbacks:` that names a group itself.
    fn own(&self, group: &str) -> Option<&'a Fallback> {
        let all = &self.settings.fallbacks;
        let bare =
            group.split_once('/').filter(|(prefix, _)| Vendor::named(prefix).is_some()).map(|(_, bare)| bare);
        let exact = all.iter().find(|one| one.of == group);
        exact.or_else(|| all.iter().rev().find(|one| Some(one.of.as_str()) == bare))
    }

    /// Goes on from `group`: along its own fallbacks, else along those of the group that the call was for.
    fn walk(&self, group: &str, asked: &str, mut depth: f64, walk: &mut Walk) {
        let general = || self.settings.fallbacks.iter().rev().find(|one| one.of == "*");
        let fallback = self.own(group).or_else(|| self.own(asked)).or_else(general);
        let Some(fallback) = fallback.filter(|_| depth < walk.most) else { return };
        walk.been.insert(group.to_owned());
        for (next, _) in &fallback.to {
            if next == group || walk.way.len() >= MOST_GROUPS || !walk.been.insert(next.clone()) {
                continue;
            }
            depth += 1.0;
            walk.way.push(next.clone());
            self.walk(next, asked, depth, walk);
        }
    }
}

/// The weights of deployments that share calls, `None` for one that gets none of them.
pub(super) fn weights(rank: &[&Deployment]) -> Vec<Option<u32>> {
    const HIGHEST: f64 = 1_000_000.0;
    let share = (0..3).find(|at| rank.iter().any(|one| one.shares[*at].is_some_and(|share| share > 0.0)));
    let Some(share) = share else { return vec![Some(1); rank.len()] };
    let shares: Vec<f64> = rank.iter().map(|one| one.shares[share].unwrap_or(0.0).max(0.0)).collect();
    let most = shares.iter().copied().fold(0.0, f64::max);
    let plain = shares.iter().all(|share| share.fract() == 0.0) && most <= HIGHEST;
    let factor = if plain { 1.0 } else { 1000.0 / most };
    let scaled = shares.iter().map(|share| (*share > 0.0).then(|| (share * factor).round().max(1.0)));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a million")]
    scaled.map(|share| share.map(|share| share as u32)).collect()
}
