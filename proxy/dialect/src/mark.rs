//! Marks that Sidestep leaves where a vendor would put its own sealed token.
//!
//! Reasoning that was shown to the application by one vendor must never be replayed to another: the
//! signature check fails and every later turn of that conversation with it. What Sidestep shows
//! of foreign reasoning therefore carries a mark in place of a signature (`thinking.signature`,
//! `reasoning.encrypted_content`), by which the next request's reader recognises and removes it.

/// What every mark begins with. No vendor's token does: theirs are base64, which has no dot.
pub const PREFIX: &str = "sidestep1.";

/// A mark for reasoning that `model` produced.
#[must_use]
pub fn mint(model: &str, seed: u64) -> String {
    let model: String =
        model.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).take(64).collect();
    format!("{PREFIX}{model}.{seed:016x}")
}

/// Whether a signature or sealed token is one of Sidestep's marks.
#[must_use]
pub fn is_own(token: &str) -> bool {
    token.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    #[test]
    fn own_marks_are_recognised_and_genuine_signatures_are_not() {
        assert!(super::is_own(&super::mint("grok-4.7/x", 7)));
        assert!(!super::is_own("EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds"));
    }
}
