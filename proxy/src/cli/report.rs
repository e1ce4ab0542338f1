//! One incident as a report: what, since when, what speaks for it, what Sidestep did, and what it cost.

use super::incidents::{Decision, Incident, Model, when};
use super::span;
use super::terminal::tame;

/// Characters that mean something in Markdown.
const MARKS: &str = "\\`*_[]<>|#~";

/// So many decisions stand before those that are not kept.
const FIRST: usize = 20;

/// What the report is dressed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dress {
    /// For a terminal.
    Plain,
    /// For a postmortem.
    Markdown,
}

/// The whole report.
pub(super) fn report(incident: &Incident, dress: Dress) -> String {
    let mut out = dress.title(&format!("Incident {}", incident.id));
    out += &dress.paragraph(&incident.title);
    for remark in remarks(incident) {
        out += &dress.paragraph(&remark);
    }
    out += &dress.facts(&[
        ("Began", when(incident.started)),
        ("Ended", ended(incident)),
        ("Reach", format!("{}: {}", incident.scope, reach(&incident.scope))),
        ("Callers who saw an error", noticed(incident)),
        ("Callers who did not", unnoticed(incident)),
        ("Extra cost", cost(incident)),
    ]);
    out += &dress.heading("What was ill");
    out.extend(incident.models.iter().map(|model| dress.item(&[ill(model), proof(model), reason(model)])));
    if incident.models_omitted > 0 {
        out += &dress.item(&[format!("and {} more models", incident.models_omitted)]);
    }
    out += &dress.heading("What Sidestep and its operators did (UTC)");
    let (first, latest) = incident.decisions.split_at(incident.decisions.len().min(FIRST));
    out.extend(first.iter().map(|decision| dress.item(&[step(decision)])));
    if incident.omitted > 0 {
        out += &dress.item(&[format!("… {} more, which are not kept", incident.omitted)]);
    }
    out.extend(latest.iter().map(|decision| dress.item(&[step(decision)])));
    out
}

fn remarks(incident: &Incident) -> Vec<String> {
    let mut remarks = Vec::new();
    if incident.rehearsal {
        remarks.push("A rehearsal: the faults were injected on purpose.".to_owned());
    }
    if incident.relapses > 0 {
        let times = if incident.relapses == 1 { "once" } else { "several times" };
        remarks.push(format!("It came back {times} within a minute of its end."));
    }
    if incident.interrupted {
        remarks.push(
            "Sidestep was restarted while it lasted, so times and counts around the restart are lower bounds."
                .to_owned(),
        );
    }
    remarks
}

fn ended(incident: &Incident) -> String {
    let lasted = |end: f64| span::show(end - incident.started);
    match incident.ended {
        Some(end) => format!("{}, after {}", when(end), lasted(end)),
        None => format!("still under way, for {} at {}", lasted(incident.updated), when(incident.updated)),
    }
}

fn reach(scope: &str) -> &'static str {
    match scope {
        "provider" => "several models of one provider, or all of it",
        "model" => "one model",
        "credential" => "the provider refuses a credential of ours",
        "route" => "no target of a route took calls",
        "operator" => "nothing failed; an operator took it out of service",
        _ => "see the documentation of this version",
    }
}

fn noticed(incident: &Incident) -> String {
    let calls = incident.calls;
    match calls.noticed() {
        0 => "none".to_owned(),
        all => format!(
            "{all} ({} refused at once, {} failed, {} cut off and told so)",
            calls.refused, calls.failed, calls.cut
        ),
    }
}

fn unnoticed(incident: &Incident) -> String {
    let calls = incident.calls;
    format!(
        "{} ({} answered by another target, {} begun by one and finished by another)",
        calls.rerouted + calls.rescued,
        calls.rerouted,
        calls.rescued
    )
}

fn cost(incident: &Incident) -> String {
    let extra = incident.extra;
    let usd = match extra.usd {
        Some(usd) if usd < 0.0 => format!("{:.4} USD less than usual, for others were cheaper", -usd),
        Some(usd) => format!("{usd:.4} USD more than usual"),
        None => "in money unknown, for a price is not configured".to_owned(),
    };
    format!("{} tokens beyond the usual; {usd}", extra.tokens)
}

fn ill(model: &Model) -> String {
    let now =
        if model.worst == model.verdict { String::new() } else { format!(", in the end {}", model.verdict) };
    format!("{} ({}): {} at worst{now}; since {}", model.id, model.provider, model.worst, when(model.since))
}

/// `41 of 44 attempts failed, 100 % of a minute's attempts and probes at worst: overload ×41, no first token in time ×3`.
fn proof(model: &Model) -> String {
    let evidence = &model.evidence;
    let mut said = match evidence.calls {
        0 => "no attempts".to_owned(),
        calls => format!("{} of {calls} attempts failed", evidence.failures),
    };
    if let Some(ratio) = evidence.failure_ratio {
        said += &format!(", {:.0} % of a minute's attempts and probes at worst", ratio * 100.0);
    }
    if !evidence.classes.is_empty() {
        let mut classes: Vec<_> = evidence.classes.iter().collect();
        classes.sort_by(|one, other| other.1.cmp(one.1));
        let classes: Vec<_> = classes.iter().map(|(class, count)| format!("{class} ×{count}")).collect();
        said += &format!(": {}", classes.join(", "));
    }
    if let (Some(before), Some(worst)) = (evidence.first_token_p95_before, evidence.first_token_p95_worst) {
        said += &format!("; first token within {before:.1} s before, {worst:.1} s at worst (95 of 100)");
    }
    said
}

fn reason(model: &Model) -> String {
    if model.why.is_empty() { "no reason is known".to_owned() } else { model.why.clone() }
}

fn step(decision: &Decision) -> String {
    let states = match (&decision.from, &decision.to) {
        // Of traffic the words say both.
        (Some(from), Some(to)) if from != to && decision.kind != "traffic" => format!(" {from} → {to}"),
        _ => String::new(),
    };
    let unnamed = decision.actor.as_ref().filter(|actor| !decision.why.contains(*actor));
    let actor = unnamed.map(|actor| format!(" (by {actor})")).unwrap_or_default();
    let time = when(decision.at);
    let time = time.split(' ').nth(1).unwrap_or_default();
    format!("{time}  {}{states}: {}{actor}", decision.subject, decision.why)
}

// === impl Dress ===

impl Dress {
    /// Text from elsewhere, made harmless for where it goes.
    fn safe(self, text: &str) -> String {
        let tamed = tame(text);
        match self {
            Self::Plain => tamed,
            Self::Markdown => {
                let escaped =
                    |letter: char| MARKS.contains(letter).then_some('\\').into_iter().chain([letter]);
                tamed.chars().flat_map(escaped).collect()
            }
        }
    }

    fn title(self, text: &str) -> String {
        match self {
            Self::Plain => format!("{}\n", self.safe(text)),
            Self::Markdown => format!("# {}\n\n", self.safe(text)),
        }
    }

    fn paragraph(self, text: &str) -> String {
        match self {
            Self::Plain => format!("{}\n", self.safe(text)),
            Self::Markdown => format!("{}\n\n", self.safe(text)),
        }
    }

    fn heading(self, text: &str) -> String {
        match self {
            Self::Plain => format!("\n{}\n", self.safe(text)),
            Self::Markdown => format!("\n## {}\n\n", self.safe(text)),
        }
    }

    fn facts(self, facts: &[(&str, String)]) -> String {
        let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let line = |(name, fact): &(&str, String)| match self {
            Self::Plain => format!("  {name:width$}  {}\n", self.safe(fact)),
            Self::Markdown => format!("| {name} | {} |\n", self.safe(fact)),
        };
        let lines: String = facts.iter().map(line).collect();
        match self {
            Self::Plain => format!("\n{lines}"),
            Self::Markdown => format!("| | |\n|---|---|\n{lines}"),
        }
    }

    /// One item of a list, with what belongs to it.
    fn item(self, lines: &[String]) -> String {
        let bullet = |at: usize| match (self, at) {
            (Self::Plain, 0) => "  ",
            (Self::Plain, _) => "      ",
            (Self::Markdown, 0) => "- ",
            (Self::Markdown, _) => "  - ",
        };
        let lines = lines.iter().enumerate().map(|(at, line)| format!("{}{}\n", bullet(at), self.safe(line)));
        lines.collect()
    }
}

#[cfg(test)]
mod tests;
