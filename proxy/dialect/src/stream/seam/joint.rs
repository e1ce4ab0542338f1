//! The blanks at a seam.

use super::align::common;
use crate::continuation::Tier;

/// The beginning of a continuation as it can follow `said`.
///
/// Blanks that have been said are not said again. A model that continues words in its own mouth knows where it stands
/// (prefill), so there nothing is ever added. One that was told to go on begins a turn of its own, and turns do not
/// begin with a blank: between two letters it is likely to be missing. Whether it is cannot be known for sure; what
/// is most likely decides, in this order: the two pieces are a word that was said before; the first is a part of the
/// word that the second repeats whole; either is a word that was said before, or the second begins in upper case; and
/// at last whether the first model's pieces used to end inside of words.
pub(super) fn join(said: &str, new: &str, tier: Tier, splits_words: bool) -> String {
    let tail = &said[said.trim_end().len()..];
    let lead = &new[..new.len() - new.trim_start().len()];
    if !tail.is_empty() {
        let twice = common(tail, lead);
        // A blank after a line break would be an indentation that nobody meant.
        let stray = twice == 0 && tail.contains('\n') && lead.chars().all(|c| c == ' ');
        let rest = if stray || lead.len() < tail.len() { lead.len() } else { twice };
        return new[rest..].to_owned();
    }
    if tier == Tier::Prefill || !lead.is_empty() {
        return new.to_owned();
    }
    let (last, first) = (last_word(said), first_word(new));
    if last.is_empty() || first.is_empty() || is_unspaced(last) || is_unspaced(first) {
        return new.to_owned();
    }
    let both = format!("{last}{first}");
    let digits = ends_in_digit(last) && first.starts_with(|c: char| c.is_ascii_digit());
    if digits || has_word(said, &both) {
        return new.to_owned();
    }
    let known = has_word(said, last);
    if !known && last.chars().count() > 1 && first.len() > last.len() && first.starts_with(last) {
        return new[last.len()..].to_owned();
    }
    let apart = known || has_word(said, first) || first.starts_with(char::is_uppercase) || !splits_words;
    if apart { format!(" {new}") } else { new.to_owned() }
}

fn last_word(text: &str) -> &str {
    &text[text.trim_end_matches(char::is_alphanumeric).len()..]
}

fn first_word(text: &str) -> &str {
    &text[..text.len() - text.trim_start_matches(char::is_alphanumeric).len()]
}

fn ends_in_digit(word: &str) -> bool {
    word.ends_with(|c: char| c.is_ascii_digit())
}

/// Whether `text` has the word somewhere before its own last word.
fn has_word(text: &str, word: &str) -> bool {
    let before = &text[..text.trim_end_matches(char::is_alphanumeric).len()];
    before.split(|c: char| !c.is_alphanumeric()).any(|other| other == word)
}

/// Whether a word is of a script that sets no blanks between words: Thai, Lao, Khmer, Burmese, Han, Kana.
fn is_unspaced(word: &str) -> bool {
    let unspaced = |c: char| {
        matches!(u32::from(c),
            0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x2e80..=0x9fff | 0xf900..=0xfaff
            | 0x1_f000..=0x3_ffff)
    };
    word.chars().any(unspaced)
}
