//! What is refused, and in which words.

use super::{EXAMPLE, parse};

/// Changes to [`EXAMPLE`], each with the whole text of its refusal.
const REFUSALS: &str = include_str!("refusals.txt");

/// Replaced text, text in its place, refusal.
pub(super) fn cases() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    REFUSALS.split("## instead of\n").skip(1).map(|case| {
        let (from, rest) = case.split_once("\n## there is\n").unwrap();
        let (to, refusal) = rest.split_once("\n## which is refused with\n").unwrap();
        (from, to, refusal.trim_end())
    })
}

#[test]
fn the_example_itself_is_fine() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.routes[0].targets.len(), 3);
}

#[test]
fn every_refusal_says_what_and_where_and_nothing_secret() {
    for (from, to, refusal) in cases() {
        assert!(EXAMPLE.contains(from), "{from}");
        let told = match parse(&EXAMPLE.replacen(from, to, 1)) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, refusal, "{from:?} replaced by {to:?}");
    }
    assert!(!REFUSALS.split("refused with\n").skip(1).any(|case| {
        let told = case.split("## instead of").next().unwrap();
        told.contains("secret") || told.contains("hush")
    }));
}
