//! Operators' overrides: they beat every verdict, in the last-resort case too.

use serde::Serialize;

use crate::{
    identity::{ModelId, ProviderId},
    moment::Moment,
};

/// Whom a switch or a decision is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A provider, and with it all its models.
    Provider(ProviderId),
    /// One model.
    Model(ModelId),
}

/// What a switch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchKind {
    /// Takes it out of service. Wins over a pin.
    Disable,
    /// Keeps it in full service whatever evidence says.
    Pin,
}

/// One operator's override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// Whom it is about.
    pub subject: Subject,
    /// What it does.
    pub kind: SwitchKind,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who set it.
    pub actor: String,
    /// When it lapses by itself; `None` for never.
    pub until: Option<Moment>,
    /// When it was set.
    pub set_at: Moment,
}

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchOrder {
    /// Set a switch, in place of the subject's present one.
    Set(Switch),
    /// Lift the subject's switch.
    Clear {
        /// Whose switch.
        subject: Subject,
        /// Who lifts it.
        actor: String,
    },
}

/// A switch was asked for something that the configuration does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {0}")]
pub struct UnknownSubject(pub Subject);

/// All switches in force, at most one for each subject.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    set: Vec<Switch>,
}

// === impl Subject ===

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Provider(id) => write!(f, "provider `{id}`"),
            Self::Model(id) => write!(f, "model `{id}`"),
        }
    }
}

// === impl Switches ===

impl Switches {
    pub(crate) fn all(&self) -> &[Switch] {
        &self.set
    }

    pub(crate) fn of(&self, subject: &Subject) -> Option<&Switch> {
        self.set.iter().find(|switch| &switch.subject == subject)
    }

    /// The switch that decides for a model: a disable of the model or its provider before any pin.
    pub(crate) fn deciding(&self, model: &ModelId, provider: &ProviderId) -> Option<&Switch> {
        let concerned = |switch: &&Switch| match &switch.subject {
            Subject::Model(id) => id == model,
            Subject::Provider(id) => id == provider,
        };
        let mut pin = None;
        for switch in self.set.iter().filter(concerned) {
            if switch.kind == SwitchKind::Disable {
                return Some(switch);
            }
            pin = Some(switch);
        }
        pin
    }

    pub(crate) fn set(&mut self, switch: Switch) {
        self.clear(&switch.subject);
        self.set.push(switch);
    }

    pub(crate) fn clear(&mut self, subject: &Subject) -> Option<Switch> {
        let index = self.set.iter().position(|switch| &switch.subject == subject)?;
        Some(self.set.remove(index))
    }

    /// Takes out what has lapsed.
    pub(crate) fn lapse(&mut self, now: Moment) -> Vec<Switch> {
        let lapsed = |switch: &mut Switch| switch.until.is_some_and(|until| until <= now);
        self.set.extract_if(.., lapsed).collect()
    }

    pub(crate) fn next_lapse(&self) -> Option<Moment> {
        self.set.iter().filter_map(|switch| switch.until).min()
    }
}
