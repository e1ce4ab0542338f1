//! What could not be carried over, or not as it was.

use std::fmt;

use super::document::{Document, Spot};

/// How many findings are shown with their lines: each line costs a reading of the file.
const MOST_LINES: usize = 200;
/// How many are shown.
const MOST: usize = 1000;

/// Something that the result does not do as the original did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Whether it is lost or different.
    pub(crate) kind: Kind,
    /// The file.
    pub(crate) origin: String,
    /// Its line, from 1; `None` if it is not known.
    pub(crate) line: Option<usize>,
    /// The keys down to it.
    pub(crate) key: String,
    /// Why.
    pub(crate) why: String,
    /// What to do instead; empty if there is nothing to do.
    pub(crate) instead: String,
}

/// Whether something is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It was not carried over.
    Lost,
    /// It was carried over into something that is not quite the same.
    Changed,
}

/// Findings, before their lines are known.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<(Kind, Spot, String, String)>);

// === impl Findings ===

impl Findings {
    /// What stands at `spot` is left behind.
    pub(super) fn lost(&mut self, spot: &Spot, why: impl Into<String>, instead: impl Into<String>) {
        self.0.push((Kind::Lost, spot.clone(), why.into(), instead.into()));
    }

    /// What stands at `spot` becomes something a little different.
    pub(super) fn changed(&mut self, spot: &Spot, why: impl Into<String>, instead: impl Into<String>) {
        self.0.push((Kind::Changed, spot.clone(), why.into(), instead.into()));
    }

    /// With the lines at which they stand, in the order of the files.
    pub(super) fn settled(self, document: &Document) -> Vec<Finding> {
        let mut found: Vec<(usize, Finding)> = Vec::new();
        let all = self.0.len();
        for (at, (kind, spot, why, instead)) in self.0.into_iter().take(MOST).enumerate() {
            let file = &document.files[spot.file];
            let line =
                (at < MOST_LINES).then(|| spot.place.key().find(&file.text)).flatten().map(|at| at.line);
            let key = tame(&spot.place.to_string());
            let finding = Finding {
                kind,
                origin: file.origin.clone(),
                line,
                key,
                why: tame(&why),
                instead: tame(&instead),
            };
            if !found.iter().any(|(_, known)| *known == finding) {
                found.push((spot.file, finding));
            }
        }
        found.sort_by_key(|(file, finding)| (*file, finding.line.unwrap_or(usize::MAX)));
        let mut settled: Vec<Finding> = found.into_iter().map(|(_, finding)| finding).collect();
        if let Some(more) = all.checked_sub(MOST).filter(|more| *more > 0) {
            let (origin, why) =
                (document.files[0].origin.clone(), format!("{more} more findings are not shown."));
            settled.push(Finding {
                kind: Kind::Lost,
                origin,
                line: None,
                key: "…".to_owned(),
                why,
                instead: String::new(),
            });
        }
        settled
    }
}

/// One line that does nothing to a terminal and ends no comment.
fn tame(text: &str) -> String {
    let shown = |letter: char| {
        !letter.is_control() && !matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    text.chars().map(|letter| if shown(letter) { letter } else { ' ' }).collect()
}

// === impl Finding ===

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&tame(&self.origin))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let what = match self.kind {
            Kind::Lost => "not carried over",
            Kind::Changed => "carried over differently",
        };
        write!(f, ": {}: {what}: {}", self.key, self.why)?;
        if !self.instead.is_empty() {
            write!(f, " Instead: {}", self.instead)?;
        }
        Ok(())
    }
}
