//! One line of a screen: pieces of text with a style each, measured in columns.

use unicode_width::UnicodeWidthStr;

use crate::cli::terminal::{Paint, tame};

/// How a piece of text looks. Colour never says anything alone: a word or a symbol says it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Dim,
    Bold,
    Good,
    Warn,
    Bad,
    Off,
    /// Cannot be overlooked.
    Loud,
}

/// Pieces of text, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    spans: Vec<(Style, String)>,
}

impl Style {
    /// The style of a verdict.
    pub(super) fn of(verdict: &str) -> Style {
        match verdict {
            "healthy" => Style::Good,
            "degraded" | "ramping" | "half_open" => Style::Warn,
            "open" => Style::Bad,
            _ => Style::Off,
        }
    }

    /// The parameters of SGR (ECMA-48).
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "1;31",
            Self::Off => "35",
            Self::Loud => "1;7;33",
        }
    }

    /// Bold, dim and inverse are no colours.
    const fn plain_code(self) -> &'static str {
        match self {
            Self::Dim => "2",
            Self::Bold | Self::Bad => "1",
            Self::Loud => "1;7",
            _ => "",
        }
    }
}

impl Line {
    /// A line of one piece.
    pub(super) fn of(style: Style, text: &str) -> Line {
        Line::default().with(style, text)
    }

    /// The line with one more piece. Whatever could move the cursor is taken out of it here, and nowhere else.
    #[must_use]
    pub(super) fn with(mut self, style: Style, text: &str) -> Line {
        self.spans.push((style, tame(text)));
        self
    }

    /// The line with one more piece, exactly so many columns wide.
    #[must_use]
    pub(super) fn cell(self, style: Style, text: &str, width: usize) -> Line {
        let text = fitted(&tame(text), width);
        let padding = width.saturating_sub(text.width());
        self.with(style, &text).with(Style::Plain, &" ".repeat(padding))
    }

    /// The line and then the other.
    pub(super) fn joined(mut self, other: Line) -> Line {
        self.spans.extend(other.spans);
        self
    }

    /// Columns that it takes.
    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|(_, text)| text.width()).sum()
    }

    /// The line, at most so wide; what is cut off ends in an ellipsis.
    pub(super) fn within(self, width: usize) -> Line {
        if self.width() <= width {
            return self;
        }
        let mut left = width;
        let mut spans = Vec::new();
        for (style, text) in self.spans {
            let fits = fitted(&text, left);
            let cut = fits != text;
            left = left.saturating_sub(fits.width());
            spans.push((style, fits));
            if cut || left == 0 {
                break;
            }
        }
        Line { spans }
    }

    /// As a terminal takes it.
    pub(super) fn render(&self, paint: Paint) -> String {
        let mut out = String::new();
        for (style, text) in &self.spans {
            let code = if paint == Paint::Colour { style.code() } else { style.plain_code() };
            if code.is_empty() {
                out += text;
            } else {
                out += &format!("\u{1b}[{code}m{text}\u{1b}[0m");
            }
        }
        out
    }

    /// The words alone.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        self.spans.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// The text, or as much of its beginning as fits with an ellipsis.
fn fitted(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let ends = text.char_indices().map(|(at, letter)| at + letter.len_utf8());
    // Widths of prefixes, not of letters: some letters join the one before them.
    let end = ends.take_while(|end| text[..*end].width() <= room).last().unwrap_or(0);
    let ellipsis = if width == 0 { "" } else { "…" };
    format!("{}{ellipsis}", &text[..end])
}
