//! Puts what Sidestep's own parts say into words: incidents, routes without a target, entries of the journal.

use sidestep_table::{RouteEntry, TargetEntry, Topology};

use super::notice::{Labels, Notice, Phase, shortened, spelled};
use crate::config::NotifyEvent;
use crate::incidents::{Incident, ModelPart, Scope};
use crate::journal::{Entry, Kind, OVER};
use crate::metrics::ReloadResult;

/// Models and routes that a message names.
const NAMED: usize = 8;
/// Longest reason, in characters.
const REASON: usize = 500;
/// The subject of routes without a target: all of them are one message.
pub(super) const NO_TARGET: &str = "routes";

/// The notice that `incident` is; `None` if it is not for a message: operators know what they switch off.
pub(super) fn incident(incident: &Incident) -> Option<Notice> {
    let event = match incident.scope {
        Scope::Operator | Scope::Route => return None,
        Scope::Credential => NotifyEvent::CredentialRefused,
        Scope::Model | Scope::Provider => NotifyEvent::Opened,
    };
    let alert = if event == NotifyEvent::Opened { "SidestepIncident" } else { "SidestepKeyRefused" };
    let providers = incident.providers.iter().cloned().collect::<Vec<_>>().join(",");
    let over = incident.ended.is_some();
    let mut facts: Vec<_> = incident.models.iter().take(NAMED).map(|part| ("Model", told(part))).collect();
    let unnamed = incident.models.len().saturating_sub(NAMED) as u64 + incident.models_omitted;
    facts.extend((unnamed > 0).then(|| ("More models", unnamed.to_string())));
    facts.push(("Calls", calls(incident)));
    facts.extend(extra(incident).map(|extra| ("Extra cost", extra)));
    Some(Notice {
        event,
        phase: if over { Phase::Over } else { Phase::Began },
        subject: format!("incident/{providers}"),
        incident: Some(incident.id.clone()),
        title: incident.title.clone(),
        summary: summary(incident, event),
        facts,
        numbers: numbers(incident),
        alerts: vec![labels(alert, [("provider", providers)])],
        began: incident.started,
        ended: incident.ended,
        rehearsal: incident.rehearsal,
        extent: extent(incident),
    })
}

fn labels<const N: usize>(alert: &str, more: [(&'static str, String); N]) -> Labels {
    [("alertname", alert.to_owned())].into_iter().chain(more).collect()
}

/// What of an incident is worth a message of its own when it changes.
fn extent(incident: &Incident) -> String {
    let sick = incident.models.iter().filter(|part| part.worst != "disabled");
    let models: Vec<_> = sick.map(|part| &*part.id).collect();
    format!("{:?} {}", incident.scope, models.join(" "))
}

fn summary(incident: &Incident, event: NotifyEvent) -> String {
    let calls = incident.calls;
    let Some(ended) = incident.ended else {
        return match event {
            NotifyEvent::CredentialRefused => {
                "The provider refuses our key. Its calls go to others until it takes one again; look at the key."
            }
            _ => "Its calls go to the other targets of their routes until probes have proven the trouble over.",
        }
        .to_owned();
    };
    let lasted = spelled(ended - incident.started);
    let kept = calls.rerouted + calls.rescued;
    let noticed = match calls.noticed() {
        0 => "no caller saw an error".to_owned(),
        1 => "1 caller saw an error".to_owned(),
        noticed => format!("{noticed} callers saw an error"),
    };
    format!("Back at full share after {lasted}. {kept} calls were answered by others, {noticed}.")
}

/// `opus: open, 53 % of the last minute failed, 120 of 400 calls (overload 118, hard 2): score 9.4`.
fn told(part: &ModelPart) -> String {
    let evidence = &part.evidence;
    let mut text = format!("{}: {}", part.id, part.worst);
    if part.verdict != part.worst {
        text.push_str(&format!(", now {}", part.verdict));
    }
    if evidence.failures > 0 {
        let classes = evidence.classes.iter().map(|(class, count)| format!("{class} {count}"));
        let classes = classes.collect::<Vec<_>>().join(", ");
        text.push_str(&format!(", {} of {} calls failed ({classes})", evidence.failures, evidence.calls));
    }
    if let Some(ratio) = evidence.failure_ratio {
        text.push_str(&format!(", at worst {:.0} % in a minute", ratio * 100.0));
    }
    if !part.why.is_empty() {
        text.push_str(&format!("; {}", part.why));
    }
    shortened(&text, REASON)
}

fn calls(incident: &Incident) -> String {
    let calls = incident.calls;
    format!(
        "{} rerouted, {} rescued; {} refused, {} failed, {} cut",
        calls.rerouted, calls.rescued, calls.refused, calls.failed, calls.cut
    )
}

fn extra(incident: &Incident) -> Option<String> {
    let extra = incident.extra;
    let usd = extra.usd.map_or_else(String::new, |usd| format!(", {usd:.4} USD"));
    (extra.tokens > 0 || extra.usd.is_some()).then(|| format!("{} tokens{usd}", extra.tokens))
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls and tokens are far below 2^52")]
fn numbers(incident: &Incident) -> Vec<(&'static str, f64)> {
    let calls = incident.calls;
    let counted = [
        ("models", incident.models.len() as u64 + incident.models_omitted),
        ("rerouted", calls.rerouted),
        ("rescued", calls.rescued),
        ("refused", calls.refused),
        ("failed", calls.failed),
        ("cut", calls.cut),
        ("extra_tokens", incident.extra.tokens),
    ];
    let counted = counted.into_iter().map(|(name, count)| (name, count as f64));
    counted.chain(incident.extra.usd.map(|usd| ("extra_usd", usd))).collect()
}

/// The notice that routes of `topology` have no target left, or that all have one again. `since` is when that began.
pub(super) fn routes(topology: &Topology, since: f64, now: f64) -> Notice {
    let eligible = |target: &TargetEntry| topology[target.model].cell.standing().is_eligible();
    let dry: Vec<_> = topology.routes.iter().filter(|route| !route.targets.iter().any(eligible)).collect();
    let patterns: Vec<String> = dry.iter().map(|route| route.pattern.to_string()).collect();
    let unnamed = patterns.len().saturating_sub(NAMED);
    let told = dry.iter().take(NAMED).map(|route| ("Route", without_target(route, topology)));
    let facts = told.chain((unnamed > 0).then(|| ("More routes", unnamed.to_string()))).collect();
    let (phase, title, summary) = match &patterns[..] {
        [] => (
            Phase::Over,
            "No target was left for some routes".to_owned(),
            format!("Every route has a target again, after {}.", spelled(now - since)),
        ),
        [first, more @ ..] => {
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            let summary =
                "At most a tenth of the calls is tried at the least bad target, the rest is refused at once.";
            (Phase::Began, format!("No target is left for {first}{more}"), summary.to_owned())
        }
    };
    let alert = |pattern: &String| labels("SidestepNothingEligible", [("route", pattern.clone())]);
    Notice {
        event: NotifyEvent::NothingEligible,
        phase,
        subject: NO_TARGET.to_owned(),
        incident: None,
        title,
        summary,
        facts,
        numbers: Vec::new(),
        alerts: patterns.iter().map(alert).collect(),
        began: since,
        ended: (phase == Phase::Over).then_some(now),
        rehearsal: false,
        extent: patterns.join(" "),
    }
}

/// `claude-*: opus open, gpt disabled`.
fn without_target(route: &RouteEntry, topology: &Topology) -> String {
    let target = |target: &TargetEntry| {
        let model = &topology[target.model];
        let standing = model.cell.standing();
        let verdict = if standing.masked { "provider open" } else { standing.verdict.as_str() };
        format!("{} {verdict}", model.id)
    };
    let targets = route.targets.iter().map(target).collect::<Vec<_>>().join(", ");
    shortened(&format!("{}: {targets}", route.pattern), REASON)
}

/// The notice that an entry of the journal is, if it is one that no incident tells.
pub(super) fn entry(entry: &Entry) -> Option<Notice> {
    let over = entry.to.as_deref().is_some_and(|to| [OVER, ReloadResult::Applied.as_str()].contains(&to));
    let (event, subject, title) = match entry.kind {
        Kind::Config => (NotifyEvent::ConfigRefused, "config", "A changed configuration was refused"),
        Kind::Probes => (NotifyEvent::ProbeBudgetSpent, "probes", "The probe budget is spent"),
        Kind::Rehearsal => (NotifyEvent::Rehearsal, "rehearsal", "Faults are injected on purpose"),
        _ => return None,
    };
    let alert = match entry.kind {
        Kind::Config => labels("SidestepReloadRefused", []),
        Kind::Probes => labels("SidestepProbeBudgetSpent", []),
        _ => labels("SidestepRehearsal", [("subject", entry.subject.clone())]),
    };
    let why = shortened(&entry.why, REASON);
    let by = entry.actor.iter().map(|actor| ("By", shortened(actor, REASON)));
    Some(Notice {
        event,
        phase: if over { Phase::Over } else { Phase::Began },
        subject: if entry.kind == Kind::Rehearsal {
            format!("{subject}/{}", entry.subject)
        } else {
            subject.to_owned()
        },
        incident: None,
        title: if entry.kind == Kind::Rehearsal {
            format!("{title}: {}", entry.subject)
        } else {
            title.to_owned()
        },
        facts: [("Concerns", shortened(&entry.subject, REASON))].into_iter().chain(by).collect(),
        numbers: Vec::new(),
        alerts: vec![alert],
        began: entry.at,
        ended: over.then_some(entry.at),
        rehearsal: entry.kind == Kind::Rehearsal,
        extent: why.clone(),
        summary: why,
    })
}
