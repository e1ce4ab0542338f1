//! Names that Sidestep takes, made from names that it may not take.

/// Longest name of a provider or a model.
const LONGEST: usize = 64;

/// `text` as the name of a provider or model.
pub(super) fn name(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars().take(LONGEST) {
        let fits = letter.is_ascii_alphanumeric() || "._-".contains(letter);
        match (fits, name.is_empty()) {
            (true, false) => name.push(letter),
            (true, true) if letter.is_ascii_alphanumeric() => name.push(letter),
            (false, false) if !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = name.trim_end_matches(['-', '.', '_']);
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}

/// `wanted`, or the first of `wanted-2`, `wanted-3` … that is not `taken`.
pub(super) fn free(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = |number: usize| {
        let end = format!("-{number}");
        format!("{}{end}", &wanted[..wanted.len().min(LONGEST - end.len())])
    };
    let mut name = wanted.to_owned();
    let mut number = 1;
    while taken(&name) {
        number += 1;
        name = numbered(number);
    }
    name
}

/// `text` as the name of an environment variable.
pub(super) fn variable(text: &str) -> String {
    let upper = text
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    let name: String = upper.take(LONGEST).collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) { name } else { format!("KEY_{name}") }
}

/// Whether the whole of `text` is the name of an environment variable.
pub(super) fn is_variable(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Whether a route can match `text`: no blanks, and no signs that mean something elsewhere.
pub(super) fn is_pattern(text: &str) -> bool {
    let strange =
        |letter: char| letter.is_whitespace() || letter.is_control() || "?[]{}()^$\\|".contains(letter);
    !text.is_empty() && !text.contains("**") && !text.contains(strange)
}

/// Whether `text` can be the name of a model at a provider.
pub(super) fn is_upstream(text: &str) -> bool {
    !text.is_empty()
        && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '*')
}
