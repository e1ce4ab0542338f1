//! The results: a table, JSON, and a picture.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::book::{ALL, Book, Measure, STREAM_CPU, WHOLE_CPU};
use crate::targets;

const ROW: u32 = 26;
const LEFT: u32 = 190;
const WIDTH: u32 = 760;
/// The longest bar.
const BAR: f64 = 420.0;
/// Who is more than so many times the bare proxy's figure is cut off, or nobody else could be told apart.
const CUT: f64 = 6.0;

/// Writes `results.json`, `results.md` and `results.svg` into `folder`; returns the tables.
pub(crate) fn write(book: &Book, folder: &Path) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder).context("the folder of the results")?;
    let judged = targets::judge(book);
    let mut text = table(book);
    write!(text, "\n{}", targets::table(&judged))?;
    for note in &book.notes {
        write!(text, "\n- {note}")?;
    }
    text.push('\n');
    let json = json!({ "figures": book.json(), "targets": targets::json(&judged), "notes": book.notes });
    std::fs::write(folder.join("results.json"), format!("{json:#}\n"))?;
    std::fs::write(folder.join("results.md"), &text)?;
    std::fs::write(folder.join("results.svg"), picture(book))?;
    Ok(text)
}

fn table(book: &Book) -> String {
    let who = book.who();
    let mut table = format!("| | unit | {} |\n|---|---|{}\n", who.join(" | "), "---:|".repeat(who.len()));
    for measure in ALL {
        let figures: Vec<String> =
            who.iter().map(|who| book.median(measure, who).map_or_else(String::new, figure)).collect();
        if figures.iter().any(|figure| !figure.is_empty()) {
            writeln!(table, "| {} | {} | {} |", measure.what, measure.unit, figures.join(" | ")).ok();
        }
    }
    table
}

fn figure(number: f64) -> String {
    match number {
        large if large >= 100.0 => format!("{large:.0}"),
        middle if middle >= 10.0 => format!("{middle:.1}"),
        small => format!("{small:.2}"),
    }
}

/// Bars of the CPU time of a whole answer and of an event, of everybody.
fn picture(book: &Book) -> String {
    let mut rows = String::new();
    let mut top = 10;
    for measure in [WHOLE_CPU, STREAM_CPU] {
        top += 24;
        writeln!(rows, "<text class='title' x='10' y='{top}'>{}, {}</text>", measure.what, measure.unit).ok();
        top += 12;
        bars(book, measure, &mut top, &mut rows);
    }
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {0}' font-family='sans-serif' font-size='13'>
<style>text {{ fill: #1c2733 }} .title {{ font-weight: 600 }} .us {{ fill: #0b6e99 }} .them {{ fill: #a9b8c4 }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .them {{ fill: #52616d }} }}</style>
{rows}</svg>
",
        top + 10
    )
}

fn bars(book: &Book, measure: Measure, top: &mut u32, rows: &mut String) {
    let bare = book.median(measure, "bare").unwrap_or(1.0);
    let most = book.who().iter().filter_map(|who| book.median(measure, who)).fold(0.0, f64::max);
    let scale = BAR / most.min(CUT * bare);
    for who in book.who() {
        let Some(median) = book.median(measure, &who) else { continue };
        let class = if who.starts_with("sidestep") { "us" } else { "them" };
        let (middle, long) = (*top + 17, (median * scale).min(BAR));
        let cut = if median * scale > BAR { " →" } else { "" };
        let at = f64::from(LEFT) + long + 8.0;
        writeln!(
            rows,
            "<text x='{}' y='{middle}' text-anchor='end'>{who}</text>\
             <rect class='{class}' x='{LEFT}' y='{}' width='{long:.1}' height='{}'/>\
             <text x='{at:.1}' y='{middle}'>{} ({:.2} ×){cut}</text>",
            LEFT - 8,
            *top + 3,
            ROW - 6,
            figure(median),
            median / bare
        )
        .ok();
        *top += ROW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_in_the_table_and_in_the_picture() {
        let mut book = Book::default();
        for (who, cpu) in [("bare", 17.0), ("sidestep", 25.5), ("litellm", 7_000.0)] {
            book.note(WHOLE_CPU, who, cpu);
        }
        let (table, picture) = (table(&book), picture(&book));
        assert!(table.contains("| bare | sidestep | litellm |"), "{table}");
        assert!(table.contains("| 17.0 | 25.5 | 7000 |"), "{table}");
        for piece in [">17.0 (1.00 ×)<", ">25.5 (1.50 ×)<", "(411.76 ×) →<"] {
            assert!(picture.contains(piece), "{piece}: {picture}");
        }
    }
}
