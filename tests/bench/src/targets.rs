//! What Sidestep may cost: beside the bare proxy of the same run, or at all.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::book::{self, Book, Measure};

/// Whose figure, and what it is held against.
enum Against {
    /// The bare proxy's.
    Bare,
    /// What the bare proxy adds to the direct way.
    Added,
    /// The limit itself.
    Nothing,
    /// Sidestep's own figure for another measure.
    Own(Measure),
}

/// One line of what is aimed at.
struct Target {
    work: &'static str,
    measure: Measure,
    who: &'static str,
    against: Against,
    /// At most this; at least it, for rates.
    limit: f64,
}

/// A target beside what was measured.
pub(crate) struct Judged {
    work: &'static str,
    limit: f64,
    found: f64,
    met: bool,
}

const SAME: &str = "sidestep";
const OTHER: &str = "sidestep-translating";

const fn target(
    work: &'static str,
    measure: Measure,
    who: &'static str,
    against: Against,
    limit: f64,
) -> Target {
    Target { work, measure, who, against, limit }
}

const TARGETS: [Target; 15] = [
    target("same dialect, whole answer: CPU × bare", book::WHOLE_CPU, SAME, Against::Bare, 1.5),
    target("same dialect, stream: CPU per event × bare", book::STREAM_CPU, SAME, Against::Bare, 1.1),
    target("translated, whole answer: CPU × bare", book::WHOLE_CPU, OTHER, Against::Bare, 2.0),
    target("translated, stream: CPU per event × bare", book::STREAM_CPU, OTHER, Against::Bare, 1.3),
    target("added p50 at 500/s × bare", book::P50, SAME, Against::Added, 1.4),
    target("added p99 at 500/s × bare", book::P99, SAME, Against::Added, 1.5),
    target("added first token p50 × bare", book::FIRST_P50, SAME, Against::Added, 1.3),
    target("resident memory, idle, MiB", book::IDLE, SAME, Against::Nothing, 6.0),
    target("memory per open stream, KiB", book::PER_STREAM, SAME, Against::Nothing, 33.0),
    target("memory after the load × idle", book::AFTER, SAME, Against::Own(book::IDLE), 1.5),
    target("binary, MiB", book::SIZE, SAME, Against::Nothing, 9.0),
    target("start to first answer, ms", book::START, SAME, Against::Nothing, 20.0),
    target("idle CPU, % of a core", book::IDLE_CPU, SAME, Against::Nothing, 0.1),
    target("1 MiB prompts: throughput × bare, at least", book::PROMPT, SAME, Against::Bare, 1.0 / 1.2),
    target("20 MiB of images: throughput × bare, at least", book::IMAGES, SAME, Against::Bare, 1.0 / 1.2),
];

/// All targets of which everything was measured.
pub(crate) fn judge(book: &Book) -> Vec<Judged> {
    TARGETS.iter().filter_map(|target| target.judge(book)).collect()
}

impl Target {
    fn judge(&self, book: &Book) -> Option<Judged> {
        let found = match self.against {
            Against::Bare => book.ratio(self.measure, self.who, "bare")?,
            Against::Added => book.added(self.measure, self.who)? / book.added(self.measure, "bare")?,
            Against::Nothing => book.median(self.measure, self.who)?,
            Against::Own(other) => book.median(self.measure, self.who)? / book.median(other, self.who)?,
        };
        let rate = self.measure == book::PROMPT || self.measure == book::IMAGES;
        let met = if rate { found >= self.limit } else { found <= self.limit };
        Some(Judged { work: self.work, limit: self.limit, found, met })
    }
}

/// As a table for people.
pub(crate) fn table(judged: &[Judged]) -> String {
    let mut table = String::from("| target | limit | found | met |\n|---|---:|---:|---|\n");
    for Judged { work, limit, found, met } in judged {
        let met = if *met { "yes" } else { "no" };
        writeln!(table, "| {work} | {limit:.2} | {found:.2} | {met} |").ok();
    }
    table
}

/// For programs.
pub(crate) fn json(judged: &[Judged]) -> Value {
    let rows = judged.iter().map(|Judged { work, limit, found, met }| {
        json!({ "target": work, "limit": limit, "found": found, "met": met })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_held_against_the_same_run() {
        let mut book = Book::default();
        for (who, cpu, p50, rate) in
            [("direct", 0.0, 100.0, 0.0), ("bare", 20.0, 200.0, 100.0), (SAME, 40.0, 250.0, 90.0)]
        {
            book.note(book::WHOLE_CPU, who, cpu);
            book.note(book::P50, who, p50);
            book.note(book::PROMPT, who, rate);
        }
        let judged = judge(&book);
        let found: Vec<(f64, bool)> = judged.iter().map(|judged| (judged.found, judged.met)).collect();
        assert_eq!(found, [(2.0, false), (1.5, false), (0.9, true)]);
    }
}
