//! One thing worth telling, before it is put into any target's words.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use crate::config::{NotifyConfig, NotifyEvent};

/// Labels by which receivers tell one trouble from another. The same from every replica, for as long as it lasts.
pub(super) type Labels = BTreeMap<&'static str, String>;

/// What is told of one trouble: that it began, what became of it, or that it is over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Notice {
    pub(super) event: NotifyEvent,
    pub(super) phase: Phase,
    /// Which trouble; notices of one subject replace each other.
    pub(super) subject: String,
    /// The id in the incident record, where it is there.
    pub(super) incident: Option<String>,
    /// One line: what, without a verb that could be outdated when it is read.
    pub(super) title: String,
    /// A sentence or two.
    pub(super) summary: String,
    /// Name and value, in the order in which they are shown.
    pub(super) facts: Vec<(&'static str, String)>,
    /// The same for machines.
    pub(super) numbers: Vec<(&'static str, f64)>,
    /// One set for each alert; most notices are one alert.
    pub(super) alerts: Vec<Labels>,
    /// Seconds since 1970.
    pub(super) began: f64,
    /// Seconds since 1970; `None` while it lasts.
    pub(super) ended: Option<f64>,
    /// It was made on purpose.
    pub(super) rehearsal: bool,
    /// When this changes, people are told that it did.
    pub(super) extent: String,
}

/// Where a trouble stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It was not told before.
    Began,
    /// It was told, and is more than was told.
    Grew,
    /// It lasts; only figures are new. People are not bothered with it.
    Revised,
    /// It is over.
    Over,
}

/// How urgent a trouble is. It depends on the kind of trouble alone, so that it is the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Critical,
    Warning,
    Info,
}

/// What stands in every message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Letterhead {
    pub(super) status_url: Option<String>,
    pub(super) runbook_url: Option<String>,
    pub(super) service: Option<String>,
    pub(super) instance: Option<String>,
}

// === impl Notice ===

impl Notice {
    /// A message that says only that messages arrive.
    pub(super) fn test(now: f64) -> Notice {
        Notice {
            event: NotifyEvent::Rehearsal,
            phase: Phase::Began,
            subject: "test".to_owned(),
            incident: None,
            title: "Test message from Sidestep".to_owned(),
            summary: "Somebody asked for this message with `sidestep notify test`. Nothing is wrong."
                .to_owned(),
            facts: Vec::new(),
            numbers: Vec::new(),
            alerts: vec![[("alertname", "SidestepTest".to_owned())].into()],
            began: now,
            ended: None,
            rehearsal: true,
            extent: String::new(),
        }
    }

    /// How urgent it is.
    pub(super) fn severity(&self) -> Severity {
        match self.event {
            _ if self.rehearsal => Severity::Info,
            NotifyEvent::NothingEligible | NotifyEvent::CredentialRefused => Severity::Critical,
            NotifyEvent::Rehearsal => Severity::Info,
            _ => Severity::Warning,
        }
    }

    /// The title with what has to be seen first.
    pub(super) fn headline(&self) -> String {
        let rehearsal = if self.rehearsal { "REHEARSAL: " } else { "" };
        let over = match (self.phase, self.event) {
            (Phase::Over, NotifyEvent::Opened) => "Restored: ",
            (Phase::Over, _) => "Over: ",
            _ => "",
        };
        format!("{rehearsal}{over}{}", self.title)
    }

    /// How long it lasted by `now`, or lasted.
    pub(super) fn lasted(&self, now: f64) -> f64 {
        (self.ended.unwrap_or(now) - self.began).max(0.0)
    }
}

// === impl Severity ===

impl Severity {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

// === impl Letterhead ===

impl From<&NotifyConfig> for Letterhead {
    fn from(config: &NotifyConfig) -> Self {
        Self {
            status_url: config.status_url.clone(),
            runbook_url: config.runbook_url.clone(),
            service: config.service.clone(),
            instance: config.instance.clone(),
        }
    }
}

/// Seconds as people say them: `12 s`, `3 min 20 s`, `2 h 5 min`.
pub(super) fn spelled(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.round().max(0.0)).unwrap_or_default().as_secs();
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `unix` seconds since 1970 as RFC 3339 in UTC.
pub(super) fn stamp(unix: f64) -> String {
    let since = Duration::try_from_secs_f64(unix.clamp(0.0, 4e9)).unwrap_or_default();
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// At most `most` characters of `text`.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_as_people_say_them() {
        for (seconds, said) in [
            (0.2, "0 s"),
            (59.6, "1 min"),
            (200.0, "3 min 20 s"),
            (7500.0, "2 h 5 min"),
            (3600.0, "1 h"),
            (-1.0, "0 s"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(spelled(seconds), said);
        }
        assert_eq!(stamp(1_795_183_389.5), "2026-11-20T14:03:09.500Z");
        assert_eq!(shortened("abcdé", 5), "abcdé");
        assert_eq!(shortened("abcdéf", 5), "abcd…");
    }
}
