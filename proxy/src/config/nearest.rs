//! The known name that a mistyped one was probably meant to be.

/// The one of `known` that is nearest to `word`, if it is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let within = |known: &str| word.chars().count().max(known.chars().count()).div_ceil(3);
    let scored = known.into_iter().map(|name| (distance(word, name), name));
    scored.filter(|(far, name)| *far <= within(name)).min_by_key(|(far, _)| *far).map(|(_, name)| name)
}

/// `, did you mean …?`, or nothing.
pub(crate) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) that part `a` and `b`.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let changed = above[j] + usize::from(a[i] != b[j]);
            let mut least = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_near_and_another_word_is_not() {
        assert_eq!(distance("targets", "tragets"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("api_kye", ["base_url", "api_key"]), Some("api_key"));
        assert_eq!(nearest("env", ["file", "http"]), None);
        assert_eq!(suggestion("opsu", ["gpt", "opus"]), ", did you mean `opus`?");
    }
}
