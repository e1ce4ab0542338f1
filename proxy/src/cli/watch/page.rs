//! The whole screen as lines, for any size of it.

use super::glyph::Glyphs;
use super::line::{Line, Style};
use super::models::{table, why};
use super::screen::Size;
use super::state::State;
use crate::cli::headline::Headline;
use crate::cli::span;
use crate::cli::status::Report;
use crate::cli::table::{event_line, fault_line, route_line, switch_line};

/// Lines of the timeline that other parts leave to it, with its heading.
const TIMELINE: usize = 5;

/// What is shown now.
pub(super) fn page(state: &State, size: Size, glyphs: Glyphs) -> Vec<Line> {
    let mut lines = vec![title(state)];
    match &state.report {
        Some(report) => body(&mut lines, state, report, (size, glyphs)),
        None if state.trouble.is_none() => lines.push(Line::of(Style::Dim, "Looking …")),
        None => {}
    }
    lines.truncate(size.rows.saturating_sub(1));
    lines.resize(size.rows.saturating_sub(1), Line::default());
    lines.push(footer(state, glyphs));
    lines.into_iter().map(|line| line.within(size.columns)).collect()
}

fn title(state: &State) -> Line {
    let line = Line::of(Style::Bold, "sidestep ");
    let line = match &state.report {
        Some(report) => line.with(
            Style::Dim,
            &format!(
                "{} at {}, up {}, {}; {}",
                report.version,
                state.address,
                span::show(report.uptime_seconds),
                report.readiness,
                clock(report.at)
            ),
        ),
        None => line.with(Style::Dim, &format!("at {}", state.address)),
    };
    match &state.trouble {
        Some(trouble) => Line::of(Style::Loud, &format!(" {trouble} ")).with(Style::Plain, " ").joined(line),
        None => line,
    }
}

fn body(lines: &mut Vec<Line>, state: &State, report: &Report, (size, glyphs): (Size, Glyphs)) {
    let headline = Headline::of(report);
    let style = if headline.ill.is_empty() { Style::Good } else { Style::Bad };
    let sign = glyphs.verdict(if headline.ill.is_empty() { "healthy" } else { "open" });
    let sentence = format!("{sign} {}", headline.sentence(report));
    lines.extend(wrapped(&sentence, size.columns).into_iter().take(3).map(|text| Line::of(style, &text)));
    lines.extend(report.faults.iter().map(|fault| Line::of(Style::Loud, &fault_line(fault))));
    lines.push(Line::default());
    let room = (size.rows / 3).max(3);
    lines.extend(table(state, report, (size.columns, room), glyphs));
    if let Some(model) = state.model() {
        let said = format!("    {} is {}: {}", model.id, model.verdict, why(model));
        lines.push(Line::of(Style::Dim, &said));
    }
    // Of what is left, the footer has one.
    let mut left = size.rows.saturating_sub(lines.len() + 1);
    for (heading, texts) in sections(state, report) {
        let room = left.saturating_sub(TIMELINE + 2) / 2;
        let section = section(heading, texts, room);
        left -= section.len().min(left);
        lines.extend(section);
    }
    lines.extend(timeline(state, report, left));
}

/// What is shown between the models and the timeline, where there is any.
fn sections(state: &State, report: &Report) -> [(&'static str, Vec<Line>); 3] {
    let plain = |text: String| Line::of(Style::Plain, &text);
    let switches = report.switches.iter().map(|switch| plain(switch_line(switch, report.at)));
    let incidents = state.incidents.iter().map(|incident| {
        let ago = span::show(report.at - incident.started);
        let over =
            incident.ended.map(|ended| format!(", over after {}", span::show(ended - incident.started)));
        let rehearsal = if incident.rehearsal { "REHEARSAL " } else { "" };
        let text = format!("{rehearsal}{}, {ago} ago{}", incident.title, over.unwrap_or_default());
        Line::of(if incident.ended.is_some() { Style::Dim } else { Style::Bad }, &text)
    });
    let routes = report.routes.iter().map(|route| plain(route_line(route)));
    [
        ("Switches", switches.collect()),
        ("Incidents", incidents.collect()),
        ("Routes, in the order of the moment", routes.collect()),
    ]
}

/// A heading and as many lines as fit, or nothing.
fn section(heading: &str, mut lines: Vec<Line>, room: usize) -> Vec<Line> {
    if lines.is_empty() || room == 0 {
        return Vec::new();
    }
    let more = lines.len().saturating_sub(room);
    lines.truncate(room);
    let heading = if more == 0 { heading.to_owned() } else { format!("{heading} ({more} more)") };
    let indented = lines.into_iter().map(|line| Line::of(Style::Plain, "  ").joined(line));
    [Line::default(), Line::of(Style::Bold, &heading)].into_iter().chain(indented).collect()
}

/// The latest events, the newest first.
fn timeline(state: &State, report: &Report, room: usize) -> Vec<Line> {
    let events = report.events.iter().rev().skip(state.scroll);
    let lines = events.take(room.saturating_sub(2)).map(|event| {
        let style = event.to.as_deref().map_or(Style::Plain, Style::of);
        Line::of(style, &event_line(event, report.at))
    });
    let scrolled = if state.scroll > 0 { format!(" ({} newer)", state.scroll) } else { String::new() };
    let lines: Vec<_> = lines.collect();
    let fits = lines.len();
    section(&format!("Timeline{scrolled}"), lines, fits)
}

fn footer(state: &State, glyphs: Glyphs) -> Line {
    if let Some(question) = &state.question {
        return Line::of(Style::Loud, &format!(" {} ", question.question()));
    }
    if let Some((style, told)) = &state.told {
        return Line::of(*style, told);
    }
    let rehearsing = state.report.as_ref().is_some_and(|report| !report.faults.is_empty());
    let clear = if rehearsing { "  c end rehearsals" } else { "" };
    let arrows = if glyphs == Glyphs::Unicode { "↑↓" } else { "j k" };
    let keys =
        format!("q quit  {arrows} model  PgUp PgDn timeline  d disable  D its provider  e enable{clear}");
    Line::of(Style::Dim, &keys)
}

/// The time of day, as the logs tell it.
fn clock(unix: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a day first")]
    let second = unix.rem_euclid(86_400.0).clamp(0.0, 86_399.0) as u32;
    format!("{:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
}

/// The text in lines of at most `width` columns, broken between words where that is possible.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer.filter(|line| Line::of(Style::Plain, line).width() <= width) {
            Some(longer) => *lines.last_mut().unwrap_or(&mut String::new()) = longer,
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
