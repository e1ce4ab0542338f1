//! The blanks at a seam.

use super::align::common;
use crate::continuation::Tier;

/// The beginning of a continuation as it can follow `said`.
///
/// Blanks that have been said are not said again. A model that continues words in its own mouth knows where it stands
/// (prefill), so there nothing is ever added. One that was told to go on begins a turn of its own, and turns do not
/// begin with a blank: between two letters it is likely to be missing. Whether it is cannot be known for sure; what
/// is most likely decides, in this order: the two pieces are a word that was said before; the first is, or is a part
/// of, the word that the second begins with; either is a word that was said before, or the second begins in upper
/// case; and at last whether the first model's pieces used to end inside of words.
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
    if after_mark(said, new) {
        return format!(" {new}");
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
    // Few words stand twice in a row, and many turns begin with the last word of what they go on with.
    if first == last && last.chars().count() > 2 {
        return new[last.len()..].to_owned();
    }
    let known = has_word(said, last);
    if !known && last.chars().count() > 1 && first.len() > last.len() && first.starts_with(last) {
        return new[last.len()..].to_owned();
    }
    let apart = known || has_word(said, first) || first.starts_with(char::is_uppercase) || !splits_words;
    if apart { format!(" {new}") } else { new.to_owned() }
}

/// Whether a word follows a mark that has a blank behind it in prose. A full stop has one before a capital only:
/// names and numbers have them too. In code none is added.
fn after_mark(said: &str, new: &str) -> bool {
    let line = said.rsplit('\n').next().unwrap_or(said);
    let code = said.matches("```").count() % 2 == 1 || line.matches('`').count() % 2 == 1;
    let Some(first) = new.chars().next().filter(|c| c.is_alphabetic() && !code) else { return false };
    match said.chars().next_back() {
        Some(',' | ';' | '!' | '?' | ')' | '…') => !is_unspaced(&first.to_string()),
        Some('.' | ':') => first.is_uppercase(),
        _ => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_are_not_glued_and_one_is_not_split() {
        for (said, new, splits, joined) in [
            ("the brown", "fox", false, " fox"),
            ("the brown", " fox", false, " fox"),
            ("the brown ", " fox", false, "fox"),
            ("the brown\n", "\n\nfox", false, "\nfox"),
            ("the brown\n\n", "\nfox", false, "fox"),
            ("the foxes saw a fo", "xes", false, "xes"),
            ("the qui", "quick fox", false, "ck fox"),
            ("the quick", "quick fox", false, " fox"),
            ("the the", "theory", true, " theory"),
            ("the qui", "ck fox", true, "ck fox"),
            ("the qui", "Fox", true, " Fox"),
            ("in 19", "84", false, "84"),
            ("東", "京", false, "京"),
            ("so,", "it", false, " it"),
            ("3.", "14", false, "14"),
            ("example.", "com", false, "com"),
            ("Yes.", "It", false, " It"),
            ("call `f(a,", "b)`", false, "b)`"),
            ("```\nf(a,", "b)", false, "b)"),
        ] {
            assert_eq!(join(said, new, Tier::Instruct, splits), joined, "{said:?} {new:?}");
        }
        assert_eq!(join("the qui", "ck fox", Tier::Prefill, false), "ck fox");
        assert_eq!(join("a\n", "\n\nb", Tier::Prefill, false), "\nb");
    }
}
