//! Where commands write to.

use std::io::{self, IsTerminal, Write};

/// Colours of a terminal, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// ANSI colours.
    Colour,
    /// Plain text: a file, a pipe, or a person who set `NO_COLOR` (no-color.org).
    Plain,
}

/// Writes to standard output, whole.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What names and reasons typed elsewhere may do to a terminal: nothing. Neither move its cursor nor, by the marks of
/// Unicode's bidirectional algorithm (UAX 9), turn other words around.
pub(super) fn tame(text: &str) -> String {
    let turns = |letter| matches!(letter, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|letter| if letter.is_control() || turns(letter) { ' ' } else { letter }).collect()
}

impl Paint {
    /// What standard output can show.
    pub(super) fn of_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        if wanted && io::stdout().is_terminal() { Self::Colour } else { Self::Plain }
    }

    /// The text so that it cannot be overlooked.
    pub(super) fn loud(self, text: &str) -> String {
        match self {
            Self::Colour => format!("\u{1b}[1;7;33m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    /// The text in the colour of a verdict.
    pub(super) fn verdict(self, verdict: &str, text: &str) -> String {
        let code = match verdict {
            "healthy" => 32,
            "degraded" | "ramping" | "half_open" => 33,
            "open" => 31,
            _ => 35,
        };
        match self {
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}
