//! Route patterns: plain names in which `*` stands for any characters.

/// Whether `name` fits `pattern`. Linear in both lengths: the last star is the only one to go back to.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(letter) if *letter == name[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((back, from)) = star else { return false };
                star = Some((back, from + 1));
                at = back + 1;
                read = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

/// How many characters of `pattern` must be there literally: the more, the closer it fits.
pub(crate) fn literal_length(pattern: &str) -> usize {
    pattern.chars().filter(|letter| *letter != '*').count()
}

/// Edit distance (Levenshtein) between `pattern` and `name`, where a star takes up characters for free.
pub(crate) fn distance(pattern: &str, name: &str) -> usize {
    let name: Vec<char> = name.chars().collect();
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for letter in pattern.chars() {
        let mut diagonal = row[0];
        if letter != '*' {
            row[0] += 1;
        }
        for column in 1..row.len() {
            let above = row[column];
            row[column] = if letter == '*' {
                above.min(row[column - 1])
            } else {
                let replaced = diagonal + usize::from(letter != name[column - 1]);
                replaced.min(above + 1).min(row[column - 1] + 1)
            };
            diagonal = above;
        }
    }
    row[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_characters_and_nothing_else_does() {
        for (pattern, name, fits) in [
            ("claude-opus-*", "claude-opus-5-5", true),
            ("claude-opus-*", "claude-opus-", true),
            ("claude-opus-*", "claude-sonnet-5", false),
            ("*", "", true),
            ("*-mini*", "gpt-6-mini-2026", true),
            ("a*b*c", "a-b-b-cc", true),
            ("a*b*c", "a-b-b-cd", false),
            ("gpt", "gpt-6", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
            assert_eq!(distance(pattern, name) == 0, fits, "{pattern} {name}");
        }
    }

    #[test]
    fn distance_counts_edits_outside_the_stars() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("claude-opus-*", "claud-opus-5"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
