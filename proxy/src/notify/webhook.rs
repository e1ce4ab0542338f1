//! The JSON object of Sidestep's own. deploy/docs/notifications.md lists its fields; they are added to, and never change.

use serde_json::{Map, Value, json};

use super::mailbox::Letter;
use super::notice::{Letterhead, Phase, stamp};

/// The object for `letter`.
pub(super) fn object(letter: &Letter, head: &Letterhead, now: f64) -> Value {
    let notice = &letter.notice;
    let state = match notice.phase {
        Phase::Over => "over",
        Phase::Grew => "grew",
        Phase::Began | Phase::Revised => "began",
    };
    let facts: Vec<Value> =
        notice.facts.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let numbers: Map<String, Value> =
        notice.numbers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "version": 1,
        "event": notice.event.as_str(),
        "state": state,
        "severity": notice.severity().as_str(),
        "rehearsal": notice.rehearsal,
        "subject": notice.subject,
        "incident": notice.incident,
        "title": notice.headline(),
        "summary": notice.summary,
        "began": stamp(notice.began),
        "ended": notice.ended.map(stamp),
        "lasted_seconds": notice.lasted(now),
        "facts": facts,
        "numbers": numbers,
        "labels": notice.alerts,
        "service": head.service,
        "instance": head.instance,
        "status_url": head.status_url,
        "runbook_url": head.runbook_url,
        "not_told": letter.more,
    })
}
