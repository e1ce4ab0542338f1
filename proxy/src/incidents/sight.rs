//! What the judge says of one provider, as far as incidents go.

use sidestep_table::{FULL_SHARE, ModelView, ProviderView, SwitchKind, Verdict};

/// What the judge says of one provider at one moment.
pub(super) struct Sight<'a> {
    /// `None` when the configuration has it no longer.
    pub(super) provider: Option<&'a ProviderView>,
    /// Its models.
    pub(super) models: Vec<&'a ModelView>,
}

// === impl Sight ===

impl Sight<'_> {
    /// Something is ill, given up or taken out of service.
    pub(super) fn is_trouble(&self) -> bool {
        self.is_open()
            || self.refuses()
            || self.models.iter().any(|model| is_sick(model) || is_disabled(model))
    }

    /// All of it is given up.
    pub(super) fn is_open(&self) -> bool {
        self.provider.is_some_and(|provider| provider.verdict == Verdict::Open)
    }

    /// A credential of ours was given up.
    pub(super) fn refuses(&self) -> bool {
        self.provider.is_some_and(|provider| !provider.refused_credentials.is_empty())
    }
}

/// Given up, or not yet back. A model that is only degraded is not: it may give up a little of its traffic for hours.
pub(super) fn is_sick(model: &ModelView) -> bool {
    model.masked || !matches!(model.measured, Verdict::Healthy | Verdict::Degraded)
}

/// Out of service by an operator's switch.
pub(super) fn is_disabled(model: &ModelView) -> bool {
    model.switch.as_ref().is_some_and(|switch| switch.kind == SwitchKind::Disable)
}

/// It takes all of its traffic, and nothing speaks against it.
pub(super) fn is_well(model: &ModelView) -> bool {
    let full = model.share == FULL_SHARE && !model.masked;
    full && model.measured == Verdict::Healthy && !is_disabled(model)
}

/// What evidence says, under the provider's mask.
pub(super) fn measured(model: &ModelView) -> Verdict {
    if model.masked { Verdict::Open } else { model.measured }
}

/// The verdict that a person is shown.
pub(super) fn shown(model: &ModelView) -> String {
    let shown = if is_disabled(model) { Verdict::Disabled } else { measured(model) };
    shown.as_str().to_owned()
}
