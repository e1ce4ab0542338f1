//! The models as a table with small pictures.

use unicode_width::UnicodeWidthStr;

use super::glyph::Glyphs;
use super::line::{Line, Style};
use super::state::State;
use crate::cli::span;
use crate::cli::status::{Model, Report};

/// A wait in milliseconds that fills a picture, whatever the model's own waits.
const LEAST_WAIT: f64 = 1000.0;
/// A failure ratio that fills a picture.
const MOST_FAILURES: f64 = 0.5;

/// Columns, as wide as the screen allows.
struct Widths {
    name: usize,
    provider: usize,
    bar: usize,
    picture: usize,
    why: bool,
}

impl Widths {
    fn of(report: &Report, columns: usize) -> Widths {
        let longest =
            |texts: &mut dyn Iterator<Item = &str>| texts.map(UnicodeWidthStr::width).max().unwrap_or(0);
        let (narrow, wide) = (columns < 100, columns >= 140);
        let name = longest(&mut report.models.iter().map(|model| &*model.id));
        let provider = longest(&mut report.models.iter().map(|model| &*model.provider));
        Widths {
            name: name.clamp(5, if narrow { 14 } else { 28 }),
            provider: if narrow { 0 } else { provider.clamp(8, 18) },
            bar: if narrow { 5 } else { 10 },
            picture: if narrow {
                8
            } else if wide {
                24
            } else {
                12
            },
            why: wide,
        }
    }
}

/// The heading and at most `room` models, the one that keys act on among them.
pub(super) fn table(
    state: &State,
    report: &Report,
    (columns, room): (usize, usize),
    glyphs: Glyphs,
) -> Vec<Line> {
    let widths = Widths::of(report, columns);
    let first = (state.selected + 1).saturating_sub(room).min(report.models.len().saturating_sub(room));
    let shown = report.models.iter().enumerate().skip(first).take(room);
    let mut lines = vec![heading(&widths)];
    lines.extend(
        shown.map(|(at, model)| row(state, model, (at == state.selected, report.at), &widths, glyphs)),
    );
    lines
}

fn heading(widths: &Widths) -> Line {
    let mut line = Line::of(Style::Dim, "    ").cell(Style::Dim, "MODEL", widths.name + 1);
    if widths.provider > 0 {
        line = line.cell(Style::Dim, "PROVIDER", widths.provider + 1);
    }
    line = line.cell(Style::Dim, "VERDICT", 10).cell(Style::Dim, "SHARE", widths.bar + 7);
    line = line.cell(Style::Dim, "ERRORS", widths.picture + 8);
    line = line.cell(Style::Dim, "FIRST TOKEN", widths.picture + 8).cell(Style::Dim, "SINCE", 7);
    if widths.why { line.with(Style::Dim, "WHY") } else { line }
}

fn row(state: &State, model: &Model, (selected, now): (bool, f64), widths: &Widths, glyphs: Glyphs) -> Line {
    let style = Style::of(&model.verdict);
    let name = if selected { Style::Bold } else { Style::Plain };
    let pointer = if selected { glyphs.pointer() } else { " " };
    let mut line = Line::of(Style::Bold, pointer).with(Style::Plain, " ");
    line = line
        .cell(style, glyphs.verdict(&model.verdict), 2)
        .cell(name, &model.id, widths.name)
        .with(name, " ");
    if widths.provider > 0 {
        line = line.cell(Style::Plain, &model.provider, widths.provider).with(Style::Plain, " ");
    }
    line = line.cell(style, &model.verdict, 10);
    line = line.with(style, &glyphs.bar(model.share, widths.bar));
    line = line.with(Style::Plain, &format!(" {:>3.0} %", model.share * 100.0)).with(Style::Plain, " ");
    let failures =
        model.failure_ratio.map_or_else(|| "-".to_owned(), |part| format!("{:.1} %", part * 100.0));
    let picture = state.history.failures(&model.id, widths.picture);
    line = line.with(Style::Plain, &format!("{failures:>6} "));
    line = line.with(Style::Bad, &glyphs.sparkline(&picture, MOST_FAILURES, widths.picture));
    let wait = model.first_token_p50_seconds.map_or_else(|| "-".to_owned(), |wait| format!("{wait:.2} s"));
    let picture = state.history.waits(&model.id, widths.picture);
    let top = picture.iter().flatten().copied().fold(LEAST_WAIT, f64::max);
    line = line.with(Style::Plain, &format!("{wait:>8} "));
    line = line.with(Style::Good, &glyphs.sparkline(&picture, top, widths.picture));
    let since = model.switch.as_ref().map_or(model.since, |switch| switch.set_at);
    line = line.with(Style::Plain, &format!("{:>6} ", span::show(now - since)));
    if widths.why { line.with(Style::Plain, &why(model)) } else { line }
}

/// Why a model is what it is.
pub(super) fn why(model: &Model) -> String {
    match (&model.switch, model.masked) {
        (Some(switch), _) => format!("{} by {}: {}", switch.verb(), switch.actor, switch.reason),
        (None, true) => format!("all of {} is open", model.provider),
        (None, false) => model.why.clone(),
    }
}
