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

/// What names and reasons typed elsewhere may do to a terminal: nothing.
pub(super) fn tame(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

impl Paint {
    /// What standard output can show.
    pub(super) fn of_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        if wanted && io::stdout().is_terminal() { Self::Colour } else { Self::Plain }
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
