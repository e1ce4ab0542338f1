//! Small pictures out of letters.

/// Which letters a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyphs {
    /// Unicode's blocks and signs.
    Unicode,
    /// What every terminal has: the locale says nothing of UTF-8.
    Ascii,
}

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const MARKS: [char; 8] = ['_', '.', '-', '=', '+', '*', '%', '#'];

impl Glyphs {
    /// What the environment promises (POSIX: `LC_ALL` before `LC_CTYPE` before `LANG`).
    pub(super) fn of_environment() -> Glyphs {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        // Nothing set is common in containers, and their terminals are elsewhere.
        let unicode = locale.is_empty() || locale.contains("utf-8") || locale.contains("utf8");
        if unicode { Glyphs::Unicode } else { Glyphs::Ascii }
    }

    /// A verdict's sign: different in shape, not in colour alone.
    pub(super) fn verdict(self, verdict: &str) -> &'static str {
        let (unicode, ascii) = match verdict {
            "healthy" => ("●", "+"),
            "degraded" => ("◐", "~"),
            "open" => ("✖", "X"),
            "half_open" => ("◌", "?"),
            "ramping" => ("▲", "^"),
            _ => ("⊘", "-"),
        };
        if self == Glyphs::Unicode { unicode } else { ascii }
    }

    /// Marks the line that keys act on.
    pub(super) fn pointer(self) -> &'static str {
        if self == Glyphs::Unicode { "▸" } else { ">" }
    }

    /// A bar of `width` columns for a part of 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the width first")]
    #[expect(clippy::cast_precision_loss, reason = "a screen is not that wide")]
    pub(super) fn bar(self, part: f64, width: usize) -> String {
        let full = (part.clamp(0.0, 1.0) * width as f64).round() as usize;
        // Something is not nothing.
        let full = if part > 0.0 { full.max(1) } else { full };
        let (on, off) = if self == Glyphs::Unicode { ("█", "░") } else { ("#", ".") };
        on.repeat(full.min(width)) + &off.repeat(width.saturating_sub(full))
    }

    /// One column for each of the latest `width` values, scaled so that `top` is the highest; nothing known is blank,
    /// and nothing at all is the lowest.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the steps first")]
    pub(super) fn sparkline(self, values: &[Option<f64>], top: f64, width: usize) -> String {
        let steps = if self == Glyphs::Unicode { BLOCKS } else { MARKS };
        let sign = |value: f64| {
            let part = if top > 0.0 { value / top } else { 0.0 };
            // Something is not nothing here, either.
            let least = if value > 0.0 { 1.0 } else { 0.0 };
            steps[(part * 7.0).round().clamp(least, 7.0) as usize]
        };
        let shown = &values[values.len().saturating_sub(width)..];
        let blank = std::iter::repeat_n(' ', width - shown.len());
        blank.chain(shown.iter().map(|value| value.map_or(' ', sign))).collect()
    }
}
