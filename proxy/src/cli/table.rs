//! The status as a table for people.

use super::span;
use super::status::{Event, Fault, Model, Report, Route, Switch};
use super::terminal::{Paint, tame};

/// Events shown below the table.
const EVENTS: usize = 8;

const HEADINGS: [&str; 8] =
    ["MODEL", "PROVIDER", "VERDICT", "SHARE", "ERRORS", "FIRST TOKEN", "SINCE", "WHY"];
/// The column that is painted.
const VERDICT: usize = 2;

/// Everything worth knowing, the models first.
pub(super) fn render(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    for fault in &report.faults {
        out += &format!("{}\n", paint.loud(&fault_line(fault)));
    }
    if !report.faults.is_empty() {
        out.push('\n');
    }
    out += &models(report, paint);
    for provider in report.providers.iter().filter(|provider| provider.verdict != "healthy") {
        let verdict = paint.verdict(&provider.verdict, &provider.verdict);
        out += &format!("\nprovider {} is {verdict}: {}", tame(&provider.id), tame(&provider.why));
    }
    if report.providers.iter().any(|provider| provider.verdict != "healthy") {
        out.push('\n');
    }
    section(&mut out, "Switches", report.switches.iter().map(|switch| switch_line(switch, report.at)));
    section(&mut out, "Routes, in the order of the moment", report.routes.iter().map(route_line));
    let skipped = report.events.len().saturating_sub(EVENTS);
    section(&mut out, "Lately", report.events.iter().skip(skipped).map(|event| event_line(event, report.at)));
    out.push('\n');
    out += &footer(report);
    out
}

fn models(report: &Report, paint: Paint) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(report.models.iter().map(|model| cells(model, report.at)));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..HEADINGS.len()).map(width).collect();
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let is_last = column + 1 == row.len();
            let padding = if is_last { 0 } else { widths[column] - cell.chars().count() + 2 };
            if column == VERDICT && number > 0 {
                out += &paint.verdict(cell, cell);
            } else {
                out += cell;
            }
            out.extend(std::iter::repeat_n(' ', padding));
        }
        out.push('\n');
    }
    out
}

fn cells(model: &Model, now: f64) -> [String; 8] {
    let why = match (&model.switch, model.masked) {
        (Some(switch), _) => format!("{} by {}: {}", switch.verb(), switch.actor, switch.reason),
        (None, true) => format!("all of {} is open", model.provider),
        (None, false) => model.why.clone(),
    };
    [
        tame(&model.id),
        tame(&model.provider),
        tame(&model.verdict),
        format!("{:.0} %", model.share * 100.0),
        model.failure_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0)),
        model.first_token_p50_seconds.map_or_else(|| "-".to_owned(), |wait| format!("{wait:.2} s")),
        span::show(now - model.switch.as_ref().map_or(model.since, |switch| switch.set_at)),
        tame(&why),
    ]
}

/// One rehearsal; nobody may take it for the real thing.
pub(super) fn fault_line(fault: &Fault) -> String {
    let text = format!(
        "REHEARSAL on {} {}: {} for {:.0} % of attempts, {} left, {} of {} hit; by {}: {}",
        fault.level,
        fault.subject,
        fault.what,
        fault.rate * 100.0,
        span::show(fault.left_seconds),
        fault.injected,
        fault.met,
        fault.actor,
        fault.reason,
    );
    tame(&text)
}

pub(super) fn switch_line(switch: &Switch, now: f64) -> String {
    let left = switch
        .left_seconds
        .map_or_else(|| "until it is enabled".to_owned(), |left| format!("{} left", span::show(left)));
    format!(
        "{} {} {} {} ago by {}, {left}: {}",
        switch.level,
        tame(&switch.subject),
        switch.verb(),
        span::show(now - switch.set_at),
        tame(&switch.actor),
        tame(&switch.reason),
    )
}

pub(super) fn route_line(route: &Route) -> String {
    let target = |target: &super::status::Target| {
        let weight = target.weight.map(|weight| format!("×{weight}")).unwrap_or_default();
        let name = format!("{}{weight}", tame(&target.model));
        if target.eligible { name } else { format!("({name})") }
    };
    format!("{} → {}", tame(&route.pattern), route.order.iter().map(target).collect::<Vec<_>>().join(", "))
}

pub(super) fn event_line(event: &Event, now: f64) -> String {
    let states = match (&event.from, &event.to) {
        (Some(from), Some(to)) if from != to => format!(" {from} → {to}:"),
        _ => ":".to_owned(),
    };
    let unnamed = event.actor.as_ref().filter(|actor| !event.why.contains(*actor));
    let actor = unnamed.map(|actor| format!(" (by {actor})")).unwrap_or_default();
    tame(&format!("{} ago  {}{states} {}{actor}", span::show(now - event.at), event.subject, event.why))
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        *out += &format!("\n{title}\n");
    }
    for line in lines {
        *out += &format!("  {line}\n");
    }
}

fn footer(report: &Report) -> String {
    let mut out = format!(
        "sidestep {}, up {}, {}; configuration {} (generation {})\n",
        tame(&report.version),
        span::show(report.uptime_seconds),
        tame(&report.readiness),
        tame(&report.config.source),
        report.config.generation,
    );
    if let Some(reload) = report.config.last_reload.as_ref().filter(|reload| reload.result != "applied") {
        let error = reload.error.as_deref().unwrap_or("no reason given");
        let ago = span::show(report.at - reload.at);
        out += &format!("A changed configuration was refused {ago} ago, the old one stays:\n");
        out.extend(error.lines().map(|line| format!("  {}\n", tame(line))));
    }
    if let Some(until) = report.frozen_until.filter(|until| *until > report.at) {
        let left = span::show(until - report.at);
        out += &format!("This host is suspected itself: for {left} failures are not held against models.\n");
    }
    out
}
