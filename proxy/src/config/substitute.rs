//! `${NAME}` within a text, in exactly the places where the schema allows it.

use super::Variables;

/// Why a text could not be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// The variable is not set.
    Unset(String),
    /// A `${` without its `}`, or with something else than a name in between.
    Malformed,
}

/// `text` with each `${NAME}` replaced by the variable; `$${` stands for `${` itself.
pub(super) fn substitute(text: &str, variables: &Variables) -> Result<String, Unfilled> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let inside = &rest[at + 2..];
        if let Some(plain) = rest[..at].strip_suffix('$') {
            filled.push_str(plain);
            filled.push_str("${");
            rest = inside;
            continue;
        }
        filled.push_str(&rest[..at]);
        let end = inside.find('}').ok_or(Unfilled::Malformed)?;
        let name = &inside[..end];
        if !is_variable(name) {
            return Err(Unfilled::Malformed);
        }
        filled.push_str(variables.get(name).ok_or_else(|| Unfilled::Unset(name.to_owned()))?);
        rest = &inside[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The `NAME` of a text that is `${NAME}` and nothing else.
pub(super) fn lone_variable(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| is_variable(name))
}

/// Whether `name` can be the name of an environment variable.
pub(super) fn is_variable(name: &str) -> bool {
    let start = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    start && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_nothing_else_is() {
        let variables: Variables = [("A", "1"), ("B_2", "two ${A}"), ("EMPTY", "")].into_iter().collect();
        let filled = |text| substitute(text, &variables);
        assert_eq!(filled("x${A}y${B_2}$"), Ok("x1ytwo ${A}$".to_owned()));
        assert_eq!(filled("$${A} $A"), Ok("${A} $A".to_owned()));
        assert_eq!(filled("${EMPTY}"), Err(Unfilled::Unset("EMPTY".to_owned())));
        assert_eq!(filled("${NONE}"), Err(Unfilled::Unset("NONE".to_owned())));
        for text in ["${", "${A", "${}", "${A:-b}", "${1}"] {
            assert_eq!(filled(text), Err(Unfilled::Malformed), "{text}");
        }
        assert_eq!(lone_variable("${A}"), Some("A"));
        assert_eq!(lone_variable("x${A}"), None);
        assert!(!format!("{variables:?}").contains("two"));
    }
}
