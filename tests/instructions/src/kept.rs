//! The numbers of the last landing.

use std::fmt;
use std::path::Path;

use anyhow::Context;

/// More than this needs a reason.
const GROWTH: f64 = 1.1;
/// And more than this beside it: a call that the compiler happens not to inline is no growth of a small piece.
const LEEWAY: f64 = 50.0;

/// What is kept of all pieces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept(Vec<Row>);

/// What is kept of one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    piece: String,
    now: u64,
    /// The least since a reason was last given.
    was: u64,
    /// Why `now` is more than a tenth over `was`.
    reason: String,
}

impl Kept {
    /// Reads a file as [`fmt::Display`] writes it.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Kept> {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Kept::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Kept> {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let rows = lines.map(|line| {
            let mut fields = line.split('|').map(str::trim);
            let mut next = || fields.next().with_context(|| format!("four fields, not: {line}"));
            let (piece, now, was) = (next()?.to_owned(), next()?.parse()?, next()?.parse()?);
            anyhow::Ok(Row { piece, now, was, reason: next()?.to_owned() })
        });
        rows.collect::<anyhow::Result<_>>().map(Kept)
    }

    /// What speaks against `found`.
    pub(crate) fn problems(&self, found: &[(&str, u64)]) -> Vec<String> {
        let unexplained = self.0.iter().filter(|row| row.reason.is_empty() && grown(row.was, row.now));
        let mut problems: Vec<String> = unexplained
            .map(|row| format!("{}: {} after {}, and no reason is given", row.piece, row.now, row.was))
            .collect();
        for (piece, now) in found {
            match self.0.iter().find(|row| row.piece == *piece) {
                None => problems.push(format!("{piece}: {now}, and nothing is kept; keep it")),
                Some(row) if grown(row.now, *now) => {
                    problems.push(format!("{piece}: {now} instructions, {} are kept", row.now));
                }
                Some(_) => {}
            }
        }
        let gone = self.0.iter().filter(|row| found.iter().all(|(piece, _)| row.piece != *piece));
        problems.extend(gone.map(|row| format!("{}: kept, but there is no such piece", row.piece)));
        problems
    }

    /// With the numbers of `found`. A reason is kept for as long as what it explains.
    pub(crate) fn renewed(&self, found: &[(&str, u64)]) -> Kept {
        let rows = found.iter().map(|&(piece, now)| {
            let Some(old) = self.0.iter().find(|row| row.piece == piece) else {
                return Row { piece: piece.to_owned(), now, was: now, reason: String::new() };
            };
            if !old.reason.is_empty() && grown(old.was, now) && !grown(old.now, now) {
                return Row { now, ..old.clone() };
            }
            let was = if old.reason.is_empty() { old.was } else { old.now };
            Row { piece: piece.to_owned(), now, was: was.min(now), reason: String::new() }
        });
        Kept(rows.collect())
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "# Instructions of one time of each piece, as `tests/instructions/run` counts them.")?;
        writeln!(
            out,
            "# `was` is the least since a reason was last given: more than a tenth over it needs one."
        )?;
        writeln!(out, "# piece | now | was | reason")?;
        for Row { piece, now, was, reason } in &self.0 {
            writeln!(out, "{}", format!("{piece:<40} | {now:>7} | {was:>7} | {reason}").trim_end())?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^52")]
fn grown(from: u64, to: u64) -> bool {
    to as f64 > from as f64 * GROWTH + LEEWAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_needs_a_reason_however_slowly_it_comes() {
        let kept =
            Kept::parse("# words\npeek | 10000 | 10000 |\nsplit | 5000 | 4000 | checks more\n").unwrap();
        assert_eq!(Kept::parse(&kept.to_string()).unwrap(), kept);
        assert!(kept.problems(&[("peek", 11_000), ("split", 5_200)]).is_empty());
        assert_eq!(kept.problems(&[("peek", 11_100), ("split", 5_600)]).len(), 2);
        assert_eq!(kept.problems(&[("peek", 10_000), ("new", 1)]).len(), 2, "one is new and one is gone");
        let crept = kept.renewed(&[("peek", 10_900), ("split", 5_100)]);
        assert!(crept.problems(&[("peek", 10_900), ("split", 5_100)]).is_empty());
        let crept = crept.renewed(&[("peek", 11_800), ("split", 5_100)]);
        assert_eq!(crept.problems(&[("peek", 11_800), ("split", 5_100)]).len(), 1);
        assert!(crept.to_string().contains("checks more"));
    }

    #[test]
    fn what_has_shrunk_is_the_new_measure() {
        let kept = Kept::parse("peek | 10000 | 8000 | why\n").unwrap().renewed(&[("peek", 6_000)]);
        assert_eq!(kept.problems(&[("peek", 6_700)]).len(), 1);
    }
}
