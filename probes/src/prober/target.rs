//! Whom the prober may ask.

use std::collections::HashMap;
use std::sync::Arc;

use sidestep_table::{Cell, ModelId, ProviderId, Standing, Verdict};

use super::Settings;
use crate::budget::Price;
use crate::schedule::Sight;
use crate::signals::Signals;

/// One upstream model.
pub struct Target<S> {
    /// Its id in the table.
    pub model: ModelId,
    /// The provider that it fails together with.
    pub provider: ProviderId,
    /// What it speaks, what it is called there, and what it can do.
    pub upstream: sidestep_dialect::Target,
    /// What it costs, if known.
    pub price: Option<Price>,
    /// Its live facts.
    pub cell: Arc<Cell>,
    /// The road to it. Requests have a path without host, such as `/v1/messages`, and no credentials: the
    /// service joins the base URL and signs.
    pub service: S,
}

/// The targets and settings of this moment.
pub trait Targets {
    /// The road to a target.
    type Service;
    /// All models to be probed. Called at every look, so it should hand out what is already built.
    fn current(&self) -> Arc<[Target<Self::Service>]>;
    /// How to behave from now on.
    fn settings(&self) -> Settings;
}

/// What the schedule needs to know of `targets`.
pub(super) fn sights<S>(targets: &[Target<S>], signals: &Signals) -> Vec<Sight> {
    let standings: Vec<Standing> = targets.iter().map(|target| target.cell.standing()).collect();
    let mut providers: HashMap<&ProviderId, (usize, usize)> = HashMap::new();
    for (target, standing) in targets.iter().zip(&standings) {
        let (ill, all) = providers.entry(&target.provider).or_default();
        *ill += usize::from(is_ill(standing.verdict));
        *all += usize::from(standing.verdict != Verdict::Disabled);
    }
    let sight = |(target, standing): (&Target<S>, &Standing)| {
        let (ill, all) = providers.get(&target.provider).copied().unwrap_or_default();
        let pulse = signals.pulse(&target.model);
        Sight {
            model: target.model.clone(),
            verdict: standing.verdict,
            // Two models in trouble, or half of them: more than one model's own affair.
            switched: standing.switched,
            suspect: standing.masked
                || target.cell.wants_attention()
                || ill >= 2
                || (ill > 0 && ill * 2 >= all),
            mending: target.cell.is_mending(),
            limited_until: target.cell.limited_until(),
            last_success: pulse.success,
            last_traffic: pulse.traffic,
        }
    };
    targets.iter().zip(&standings).map(sight).collect()
}

/// A ramping model is on its way back; it does not speak against its siblings.
pub(super) fn is_ill(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Degraded | Verdict::Open | Verdict::HalfOpen)
}
