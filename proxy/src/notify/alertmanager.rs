//! What Alertmanager's API v2 takes (`POST /api/v2/alerts`): the alerts that last, again and again, each with the time at
//! which it is over unless it is sent again.
//!
//! Nobody sends "resolved" outright. Every replica of Sidestep tells of what it sees, with the same labels; of equal alerts
//! Alertmanager keeps the latest end that anybody gave. So the alert lasts until the last replica has stopped to tell of it,
//! while the first one to call it resolved would end it for all.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::notice::{Letterhead, Notice, Phase, stamp};

/// Between two tellings of an alert that lasts.
pub(super) const REFRESH: Duration = Duration::from_secs(20);
/// How long an alert lasts after it was told: two tellings may be lost.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// Troubles that are remembered at once. There are far fewer subjects than that.
const MOST: usize = 512;

/// The alerts in force, by subject.
#[derive(Default)]
pub(super) struct Board {
    entries: BTreeMap<String, Pinned>,
}

struct Pinned {
    notice: Notice,
    /// Something of it was not told yet.
    news: bool,
    /// Seconds since 1970 at which it ends at the other side, as far as it was told.
    until: f64,
}

/// What became of what was pinned, once it was told or could not be.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Settled {
    pub(super) sent: Vec<Notice>,
    pub(super) failed: Vec<Notice>,
}

impl Board {
    /// Takes in the newest state of a trouble.
    pub(super) fn pin(&mut self, notice: Notice) {
        let known = self.entries.get(&notice.subject);
        // The end of what was never told is no news here.
        if notice.phase == Phase::Over && known.is_none() || known.is_none() && self.entries.len() >= MOST {
            return;
        }
        let until = known.map_or(0.0, |pinned| pinned.until);
        // Figures wait for the next telling.
        let news = notice.phase != Phase::Revised || known.is_none_or(|pinned| pinned.news);
        self.entries.insert(notice.subject.clone(), Pinned { notice, news, until });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether something waits to be told for the first time.
    pub(super) fn has_news(&self) -> bool {
        self.entries.values().any(|pinned| pinned.news)
    }

    /// All alerts, as they are told at `now`.
    pub(super) fn alerts(&self, head: &Letterhead, now: f64) -> Value {
        let alerts = self.entries.values().flat_map(|pinned| {
            let until = pinned.end(now);
            pinned.notice.alerts.iter().map(move |labels| alert(&pinned.notice, labels, head, until))
        });
        alerts.collect()
    }

    /// What was told at `now` has arrived. What is over is forgotten.
    pub(super) fn told(&mut self, now: f64) -> Settled {
        let mut settled = Settled::default();
        for pinned in self.entries.values_mut() {
            pinned.until = pinned.end(now);
            if std::mem::take(&mut pinned.news) {
                settled.sent.push(pinned.notice.clone());
            }
        }
        self.entries.retain(|_, pinned| pinned.notice.phase != Phase::Over);
        settled
    }

    /// What was to be told at `now` has not arrived. What is over and ends by itself meanwhile is forgotten.
    pub(super) fn missed(&mut self, now: f64) -> Settled {
        let gone = |pinned: &Pinned| pinned.notice.phase == Phase::Over && pinned.until <= now;
        let failed = self.entries.values().filter(|pinned| gone(pinned)).map(|pinned| pinned.notice.clone());
        let failed = failed.collect();
        self.entries.retain(|_, pinned| !gone(pinned));
        Settled { sent: Vec::new(), failed }
    }
}

impl Pinned {
    /// When it ends at the other side if it is told at `now`. What is over is not made to last any longer.
    fn end(&self, now: f64) -> f64 {
        if self.notice.phase == Phase::Over { self.until } else { now + WINDOW.as_secs_f64() }
    }
}

/// One alert, as the API wants it.
pub(super) fn alert(
    notice: &Notice,
    labels: &BTreeMap<&str, String>,
    head: &Letterhead,
    until: f64,
) -> Value {
    let mut labels: BTreeMap<&str, &str> = labels.iter().map(|(name, value)| (*name, &**value)).collect();
    labels.insert("severity", notice.severity().as_str());
    labels.extend(head.service.as_deref().map(|service| ("service", service)));
    labels.extend(notice.rehearsal.then_some(("rehearsal", "true")));
    let facts = notice.facts.iter().map(|(name, value)| format!("{name}: {value}"));
    let description: Vec<String> = [notice.summary.clone()].into_iter().chain(facts).collect();
    let mut annotations: BTreeMap<&str, String> =
        [("summary", notice.headline()), ("description", description.join("\n"))].into();
    let links = [
        ("status_url", &head.status_url),
        ("runbook_url", &head.runbook_url),
        ("told_by", &head.instance),
        ("incident", &notice.incident),
    ];
    annotations.extend(links.iter().filter_map(|(name, text)| Some((*name, (*text).clone()?))));
    // An end at or before the beginning is refused.
    let (began, until) = (stamp(notice.began), stamp(until.max(notice.began + 1.0)));
    let mut alert =
        json!({ "labels": labels, "annotations": annotations, "startsAt": began, "endsAt": until });
    if let Some(url) = &head.status_url {
        alert["generatorURL"] = url.as_str().into();
    }
    alert
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NotifyEvent;

    fn notice(phase: Phase) -> Notice {
        let alerts =
            vec![[("alertname", "SidestepIncident".to_owned()), ("provider", "p".to_owned())].into()];
        Notice { event: NotifyEvent::Opened, phase, alerts, rehearsal: false, ..Notice::test(1000.0) }
    }

    fn ends(board: &Board, now: f64) -> Vec<String> {
        let alerts = board.alerts(&Letterhead::default(), now);
        alerts.as_array().unwrap().iter().map(|alert| alert["endsAt"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_alert_lasts_while_it_is_told_and_its_end_is_never_put_off() {
        let mut board = Board::default();
        board.pin(notice(Phase::Over));
        assert!(board.is_empty(), "what was never told needs no end");
        board.pin(notice(Phase::Began));
        assert_eq!(ends(&board, 1000.0), [stamp(1060.0)]);
        assert_eq!(board.told(1000.0).sent.len(), 1);
        assert!(!board.has_news());
        assert_eq!(ends(&board, 1020.0), [stamp(1080.0)]);
        assert_eq!(board.told(1020.0), Settled::default());
        // Told a last time, with the figures of the whole, and the end that is known already.
        board.pin(notice(Phase::Over));
        assert_eq!(ends(&board, 1030.0), [stamp(1080.0)]);
        assert_eq!(board.missed(1031.0), Settled::default());
        assert_eq!(board.told(1032.0).sent.len(), 1);
        assert!(board.is_empty());
    }

    #[test]
    fn an_end_that_cannot_be_told_comes_by_itself() {
        let mut board = Board::default();
        board.pin(notice(Phase::Began));
        board.told(1000.0);
        board.pin(notice(Phase::Over));
        assert_eq!(board.missed(1059.0), Settled::default());
        assert_eq!(board.missed(1060.0).failed.len(), 1);
        assert!(board.is_empty());
    }

    #[test]
    fn labels_tell_the_trouble_and_annotations_who_told_it() {
        let head = |instance: &str| Letterhead {
            service: Some("shop".to_owned()),
            instance: Some(instance.to_owned()),
            status_url: Some("https://status.example.com".to_owned()),
            ..Letterhead::default()
        };
        let notice = notice(Phase::Began);
        let [one, other] =
            ["pod-a", "pod-b"].map(|pod| alert(&notice, &notice.alerts[0], &head(pod), 2000.0));
        assert_eq!(one["labels"], other["labels"]);
        assert_eq!(
            one["labels"],
            json!({ "alertname": "SidestepIncident", "provider": "p", "severity": "warning", "service": "shop" })
        );
        assert_eq!(one["annotations"]["told_by"], "pod-a");
        assert_eq!(one["generatorURL"], "https://status.example.com");
    }
}
