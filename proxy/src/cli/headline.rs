//! What is ill and what Sidestep did about it, in a few words.

use super::status::{Model, Report, Route};

/// The first thing to know. Texts are as they came; whoever shows them tames them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Headline {
    /// What is ill, the worst first. Nothing when all is well.
    pub(super) ill: Vec<String>,
    /// Where calls go because of it.
    pub(super) done: Vec<String>,
    /// What operators decided.
    pub(super) switched: Vec<String>,
}

impl Headline {
    pub(super) fn of(report: &Report) -> Headline {
        let mut ill = Vec::new();
        ill.extend(
            report
                .routes
                .iter()
                .filter(|route| is_lost(route))
                .map(|route| format!("nobody can answer {}", route.pattern)),
        );
        let providers = report.providers.iter().filter(|provider| is_ill(&provider.verdict));
        ill.extend(providers.map(|provider| format!("{} is {}", provider.id, provider.verdict)));
        let models = report.models.iter().filter(|model| is_ill(&model.verdict) && !is_told(model, report));
        ill.extend(models.map(|model| format!("{} is {}", model.id, model.verdict)));
        if report.config.last_reload.as_ref().is_some_and(|reload| reload.result != "applied") {
            ill.push("a changed configuration was refused".to_owned());
        }
        if report.frozen_until.is_some_and(|until| until > report.at) {
            ill.push("this host is suspected itself".to_owned());
        }
        if !report.ready {
            ill.push(format!("not ready: {}", report.readiness));
        }
        let done = report.routes.iter().filter_map(detour).collect();
        let kind = |kind: &str| if kind == "pin" { "pinned" } else { "disabled" };
        let switches = report.switches.iter();
        let switched = switches.map(|set| format!("{} is {} by {}", set.subject, kind(&set.kind), set.actor));
        Headline { ill, done, switched: switched.collect() }
    }

    /// All of it in one line.
    pub(super) fn sentence(&self, report: &Report) -> String {
        let mut parts = Vec::new();
        if self.ill.is_empty() {
            let taking = report.models.iter().filter(|model| model.share > 0.0).count();
            parts.push(format!("All is well: {taking} of {} models take calls", report.models.len()));
        } else {
            parts.push(self.ill.join(", "));
        }
        parts.extend(Some(self.done.join(", ")).filter(|done| !done.is_empty()));
        parts.extend(Some(self.switched.join(", ")).filter(|switched| !switched.is_empty()));
        parts.join("; ") + "."
    }
}

/// An operator's switch is no illness.
fn is_ill(verdict: &str) -> bool {
    !matches!(verdict, "healthy" | "disabled")
}

/// Its provider's verdict says it already.
fn is_told(model: &Model, report: &Report) -> bool {
    let mut providers = report.providers.iter();
    model.masked && providers.any(|provider| provider.id == model.provider && is_ill(&provider.verdict))
}

fn is_lost(route: &Route) -> bool {
    route.order.iter().all(|target| !target.eligible)
}

/// Where a route leads while its first choice is not asked.
fn detour(route: &Route) -> Option<String> {
    let choice = route.order.iter().find(|target| target.place == Some(0))?;
    let first = route.order.iter().find(|target| target.eligible).filter(|_| !choice.eligible)?;
    Some(format!("{} goes to {}", route.pattern, first.model))
}
