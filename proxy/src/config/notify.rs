//! `notify:` as meant: whom to tell of incidents, and of what.

use std::path::PathBuf;

use http::HeaderName;

use super::{
    Credential,
    print::secret,
    schema::{EventWord, Named, NotifySchema, NotifyTargetSchema, OneOrMany, TargetKindWord},
};

/// Whom to tell, and what stands in every message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotifyConfig {
    /// Where people see the status page; messages link to it.
    pub status_url: Option<String>,
    /// Where people read what to do; messages link to it.
    pub runbook_url: Option<String>,
    /// Whose Sidestep this is. The same for all of its replicas.
    pub service: Option<String>,
    /// Which replica this is.
    pub instance: Option<String>,
    /// In the order of the file.
    pub targets: Vec<NotifyTarget>,
}

/// One place that messages go to.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifyTarget {
    /// Its name, which stands for it wherever its address would be shown.
    pub name: String,
    /// What it understands.
    pub kind: TargetKind,
    /// Where it is. A secret: chat services put their tokens into it.
    pub url: Credential,
    /// Bearer token.
    pub token: Option<Credential>,
    /// Headers added to every message.
    pub headers: Vec<(HeaderName, Credential)>,
    /// PEM file with certificate authorities to trust for it, beside the system's.
    pub ca_file: Option<PathBuf>,
    /// What it is told of.
    pub events: Vec<NotifyEvent>,
}

/// What a target understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// Slack's incoming webhooks, and those of others that take the same.
    Slack,
    /// A JSON object of Sidestep's own.
    Webhook,
    /// Alertmanager's API v2.
    Alertmanager,
}

/// What may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotifyEvent {
    /// A provider or some of its models are out of service.
    Opened,
    /// The end of whatever was told.
    Restored,
    /// A route has no target left.
    NothingEligible,
    /// A provider refuses our key.
    CredentialRefused,
    /// Probes are withheld, for their budget is spent.
    ProbeBudgetSpent,
    /// A changed configuration was refused.
    ConfigRefused,
    /// A fault was set on purpose, or is over.
    Rehearsal,
}

// === impl TargetKind ===

impl TargetKind {
    /// The kind as it stands in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Webhook => "webhook",
            Self::Alertmanager => "alertmanager",
        }
    }
}

impl From<TargetKindWord> for TargetKind {
    fn from(word: TargetKindWord) -> Self {
        match word {
            TargetKindWord::Slack => Self::Slack,
            TargetKindWord::Webhook => Self::Webhook,
            TargetKindWord::Alertmanager => Self::Alertmanager,
        }
    }
}

impl From<TargetKind> for TargetKindWord {
    fn from(kind: TargetKind) -> Self {
        match kind {
            TargetKind::Slack => Self::Slack,
            TargetKind::Webhook => Self::Webhook,
            TargetKind::Alertmanager => Self::Alertmanager,
        }
    }
}

// === impl NotifyEvent ===

impl NotifyEvent {
    /// All that may be told, which is what a target is told of unless it says otherwise.
    pub const ALL: [Self; 7] = [
        Self::Opened,
        Self::Restored,
        Self::NothingEligible,
        Self::CredentialRefused,
        Self::ProbeBudgetSpent,
        Self::ConfigRefused,
        Self::Rehearsal,
    ];

    /// The event as it stands in the configuration, in messages and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Restored => "restored",
            Self::NothingEligible => "nothing_eligible",
            Self::CredentialRefused => "credential_refused",
            Self::ProbeBudgetSpent => "probe_budget_spent",
            Self::ConfigRefused => "config_refused",
            Self::Rehearsal => "rehearsal",
        }
    }
}

impl From<EventWord> for NotifyEvent {
    fn from(word: EventWord) -> Self {
        match word {
            EventWord::Opened => Self::Opened,
            EventWord::Restored => Self::Restored,
            EventWord::NothingEligible => Self::NothingEligible,
            EventWord::CredentialRefused => Self::CredentialRefused,
            EventWord::ProbeBudgetSpent => Self::ProbeBudgetSpent,
            EventWord::ConfigRefused => Self::ConfigRefused,
            EventWord::Rehearsal => Self::Rehearsal,
        }
    }
}

impl From<NotifyEvent> for EventWord {
    fn from(event: NotifyEvent) -> Self {
        match event {
            NotifyEvent::Opened => Self::Opened,
            NotifyEvent::Restored => Self::Restored,
            NotifyEvent::NothingEligible => Self::NothingEligible,
            NotifyEvent::CredentialRefused => Self::CredentialRefused,
            NotifyEvent::ProbeBudgetSpent => Self::ProbeBudgetSpent,
            NotifyEvent::ConfigRefused => Self::ConfigRefused,
            NotifyEvent::Rehearsal => Self::Rehearsal,
        }
    }
}

// === impl NotifyConfig ===

impl NotifyConfig {
    /// As it would be written, with secrets by the place that they come from; `None` if nobody is told of anything.
    pub(super) fn schema(&self) -> Option<NotifySchema> {
        let targets = self.targets.iter().map(|target| (target.name.clone(), target.schema()));
        (!self.targets.is_empty()).then(|| NotifySchema {
            status_url: self.status_url.clone(),
            runbook_url: self.runbook_url.clone(),
            service: self.service.clone(),
            instance: self.instance.clone(),
            targets: Named(targets.collect()),
        })
    }
}

impl NotifyTarget {
    fn schema(&self) -> NotifyTargetSchema {
        let headers = self.headers.iter().map(|(name, value)| (name.to_string(), secret(value)));
        NotifyTargetSchema {
            kind: self.kind.into(),
            url: secret(&self.url),
            token: self.token.as_ref().map(secret),
            headers: Named(headers.collect()),
            ca_file: self.ca_file.clone(),
            events: Some(OneOrMany(self.events.iter().map(|event| EventWord::from(*event)).collect())),
        }
    }
}
