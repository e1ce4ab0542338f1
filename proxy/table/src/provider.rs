//! A provider's own verdict: when most of it fails, all of it is masked at once.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    cell::MAX_CREDENTIALS,
    identity::{ModelId, ProviderId},
    moment::Moment,
    standing::{Standing, Verdict},
};

/// One provider's live facts; the ledger is the single writer.
#[derive(Debug)]
#[repr(align(128))]
pub struct ProviderCell {
    standing: AtomicU64,
    refused_credentials: AtomicU64,
    provider: ProviderId,
}

// === impl ProviderCell ===

impl ProviderCell {
    pub(crate) fn new(provider: ProviderId) -> Self {
        Self {
            standing: AtomicU64::new(Standing::NEW.pack()),
            refused_credentials: AtomicU64::new(0),
            provider,
        }
    }

    /// Makes one step known; for the ledger alone.
    pub(crate) fn publish(&self, verdict: Verdict, switched: bool, refused_credentials: u64) {
        self.refused_credentials.store(refused_credentials, Ordering::Release);
        self.standing.store(Standing { verdict, switched, ..Standing::NEW }.pack(), Ordering::Release);
    }

    /// Whose cell this is.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// Healthy; degraded: several of its models fail, so all are watched closely; open: all its models are
    /// masked; disabled by a switch.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Standing::unpack(self.standing.load(Ordering::Acquire)).verdict
    }

    /// Whether the provider refuses this credential; use another one while there is one.
    #[must_use]
    pub fn is_credential_refused(&self, credential: u32) -> bool {
        let refused = self.refused_credentials.load(Ordering::Acquire);
        (credential as usize) < MAX_CREDENTIALS && refused & (1 << credential) != 0
    }
}

/// Two models in trouble this close together make their provider suspect, and for so long at least.
const TOGETHER: Duration = Duration::from_secs(60);
/// From this part of its traffic on, open models make their provider suspect, or open.
const SUSPECT_PART: f64 = 0.5;
const OPEN_PART: f64 = 0.6;
/// Failures of transport or credentials in a row, over two models at least, that open a provider.
const TRANSPORT_IN_A_ROW: u32 = 5;
/// Different probes that must pass where no model of the provider was open.
const PASSES: u32 = 3;

/// What a provider's verdict rests on, for one of its models.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// Its part of the traffic, of no particular unit.
    pub(crate) weight: f64,
    pub(crate) verdict: Verdict,
    /// When it last became worse than healthy.
    pub(crate) troubled_at: Option<Moment>,
}

/// Why a provider's verdict changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProviderTransition {
    pub(crate) from: Verdict,
    pub(crate) to: Verdict,
    pub(crate) why: String,
}

/// All that is known of one provider, beside its models.
#[derive(Clone, Debug)]
pub(crate) struct ProviderHealth {
    verdict: Verdict,
    since: Moment,
    why: String,
    suspect_until: Moment,
    failures: u32,
    failing: Vec<ModelId>,
    passed: u32,
    last_pass: Option<Moment>,
}

// === impl ProviderHealth ===

impl ProviderHealth {
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            verdict: Verdict::Healthy,
            since: now,
            why: "nothing is known against it".to_owned(),
            suspect_until: now,
            failures: 0,
            failing: Vec::new(),
            passed: 0,
            last_pass: None,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub(crate) fn since(&self) -> Moment {
        self.since
    }

    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    pub(crate) fn is_open(&self) -> bool {
        self.verdict == Verdict::Open
    }

    /// Its models fall together: less evidence against each of them is needed.
    pub(crate) fn is_suspect(&self) -> bool {
        self.verdict == Verdict::Degraded
    }

    /// When time alone may next change something.
    pub(crate) fn due(&self) -> Option<Moment> {
        (self.verdict == Verdict::Degraded).then_some(self.suspect_until)
    }

    /// Five failures of transport or credentials in a row, over two models, open it.
    pub(crate) fn failed(&mut self, model: &ModelId, now: Moment) -> Option<ProviderTransition> {
        self.failures += 1;
        self.passed = 0;
        if !self.failing.contains(model) {
            self.failing.push(model.clone());
        }
        let enough = self.failures >= TRANSPORT_IN_A_ROW && self.failing.len() > 1;
        let why = || format!("{} connections or credentials failed in a row", self.failures);
        if enough && !self.is_open() { Some(self.enter(Verdict::Open, why(), now)) } else { None }
    }

    /// Somebody there answered, be it with an error: the way and the credential work.
    pub(crate) fn reached(&mut self) {
        self.failures = 0;
        self.failing.clear();
    }

    /// A probe passed while it is open though none of its models is: three of them, spaced, end that.
    pub(crate) fn probe_passed(&mut self, gap: Duration, now: Moment) -> Option<ProviderTransition> {
        if !self.is_open() || self.last_pass.is_some_and(|at| now.saturating_since(at) < gap) {
            return None;
        }
        self.passed += 1;
        self.last_pass = Some(now);
        (self.passed >= PASSES).then(|| self.enter(Verdict::Healthy, "3 probes passed".to_owned(), now))
    }

    /// One of its models passed its probes.
    pub(crate) fn model_recovered(&mut self, model: &ModelId, now: Moment) -> Option<ProviderTransition> {
        self.is_open().then(|| self.enter(Verdict::Healthy, format!("{model} passed its probes"), now))
    }

    /// Most of its traffic's models are open, now that one more has opened.
    pub(crate) fn model_opened(&mut self, members: &[Member], now: Moment) -> Option<ProviderTransition> {
        let (open, part) = (open_count(members), open_part(members));
        // A single model's trouble is its own, unless it is all there is.
        let enabled = members.iter().filter(|one| one.verdict != Verdict::Disabled).count();
        if self.is_open() || part < OPEN_PART || open < enabled.min(2) {
            return None;
        }
        let why =
            format!("{open} of {} models are open, {:.0} % of its traffic", members.len(), part * 100.0);
        Some(self.enter(Verdict::Open, why, now))
    }

    /// Suspect while models fall together, or half of the traffic's are open; for a minute at least.
    pub(crate) fn watch(&mut self, members: &[Member], now: Moment) -> Option<ProviderTransition> {
        let horizon = now.saturating_back(TOGETHER);
        let troubled = members.iter().filter(|one| one.is_troubled_since(horizon)).count();
        let suspect = members.len() > 1
            && (troubled > 1 || (open_count(members) > 0 && open_part(members) >= SUSPECT_PART));
        if suspect {
            self.suspect_until = now + TOGETHER;
        }
        match self.verdict {
            Verdict::Healthy if suspect => {
                let (all, part) = (members.len(), open_part(members) * 100.0);
                let why = format!(
                    "{troubled} of {all} models fell in a minute, {part:.0} % of its traffic is open"
                );
                Some(self.enter(Verdict::Degraded, why, now))
            }
            Verdict::Degraded if self.suspect_until <= now => {
                Some(self.enter(Verdict::Healthy, "its models no longer fall together".to_owned(), now))
            }
            _ => None,
        }
    }

    fn enter(&mut self, verdict: Verdict, why: String, now: Moment) -> ProviderTransition {
        let from = self.verdict;
        self.verdict = verdict;
        self.since = now;
        self.why.clone_from(&why);
        self.passed = 0;
        self.last_pass = None;
        self.reached();
        ProviderTransition { from, to: verdict, why }
    }
}

// === impl Member ===

impl Member {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.verdict, Verdict::Open | Verdict::HalfOpen)
    }

    fn is_troubled_since(&self, horizon: Moment) -> bool {
        let troubled = self.is_open() || self.verdict == Verdict::Degraded;
        troubled && self.troubled_at.is_some_and(|at| at >= horizon)
    }
}

fn open_count(members: &[Member]) -> usize {
    members.iter().filter(|one| one.is_open()).count()
}

fn open_part(members: &[Member]) -> f64 {
    let weight = |open: bool| {
        let counted =
            members.iter().filter(|one| one.verdict != Verdict::Disabled && (!open || one.is_open()));
        // Not `sum`: that of nothing is minus zero, and is printed so.
        counted.fold(0.0, |sum, one| sum + one.weight)
    };
    let all = weight(false);
    if all > 0.0 { weight(true) / all } else { 0.0 }
}
