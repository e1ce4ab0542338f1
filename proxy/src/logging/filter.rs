//! What may be said of a log's level.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Longest filter, in bytes.
const LONGEST: usize = 500;
/// What stands for a level.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Why a text is no filter.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// Nothing, or too much.
    #[error(
        "expected a filter such as `info` or `info,sidestep::judge=debug`, of at most {LONGEST} characters"
    )]
    Length,
    /// A word alone that is no level. `tracing` would take it for a module to be logged in full, and nothing else.
    #[error(
        "`{0}` is no level; the levels are off, error, warn, info, debug and trace, and a part of Sidestep is \
         named with its level, as in `info,sidestep::judge=debug`"
    )]
    Word(String),
    /// Not of the form of a filter.
    #[error("expected a filter such as `info` or `info,sidestep::judge=debug`")]
    Form(#[from] ParseError),
}

/// Reads a filter as `tracing` knows it: levels, alone or for a part.
///
/// # Errors
/// When it is none, or a word that is no level stands alone, which is a mistyped level most of the time.
pub fn filter(text: &str) -> Result<EnvFilter, FilterError> {
    if text.trim().is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(FilterError::Length);
    }
    let alone = |part: &&str| !part.contains(['=', '[']);
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    if let Some(word) = text.split(',').filter(alone).map(str::trim).find(|word| !is_level(word)) {
        return Err(FilterError::Word(word.to_owned()));
    }
    Ok(EnvFilter::try_new(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_made_of_levels() {
        for fine in
            ["info", "OFF", "info,sidestep::judge=debug", "warn,hyper=info", "sidestep[request]=trace"]
        {
            assert!(filter(fine).is_ok(), "{fine}");
        }
        for (wrong, words) in [
            ("", "such as `info`"),
            (" ", "such as `info`"),
            ("inof", "`inof` is no level"),
            ("info,sidestep", "`sidestep` is no level"),
            ("info,", "`` is no level"),
            ("sidestep=loud", "such as `info`"),
            ("info\nx=debug", "such as `info`"),
        ] {
            let refusal = filter(wrong).unwrap_err().to_string();
            assert!(refusal.contains(words), "{wrong:?}: {refusal}");
        }
        assert!(filter(&format!("info,{}=debug", "x".repeat(LONGEST))).is_err());
    }
}
