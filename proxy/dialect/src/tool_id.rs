//! Tool-call ids that every provider accepts.
//!
//! Ids come back in the next turn's history, to whichever provider answers it then. Anthropic wants
//! `^[a-zA-Z0-9_-]+$`, OpenAI at most 64 characters; ids that a vendor mints outside of that (such as
//! `functions.get_weather:0`) are rewritten the same way wherever they occur, so call and result still meet.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The longest id that every provider accepts, in characters.
pub const MAX_LEN: usize = 64;

const HASH_LEN: usize = 8;

/// Whether every provider accepts `id` as it is.
#[must_use]
pub fn conforms(id: &str) -> bool {
    (1..=MAX_LEN).contains(&id.len()) && id.bytes().all(is_plain)
}

/// `id` itself when it [conforms], else its plain characters with a hash of the whole at the end.
///
/// Deterministic: the same id always maps to the same id, and a mapped id maps to itself.
#[must_use]
pub fn conform(id: &str) -> Cow<'_, str> {
    if conforms(id) {
        return Cow::Borrowed(id);
    }
    let mut plain: String =
        id.chars().map(|c| if c.is_ascii() && is_plain(c as u8) { c } else { '_' }).collect();
    plain.truncate(MAX_LEN - HASH_LEN - 1);
    if plain.is_empty() {
        plain.push_str("call");
    }
    plain.push('_');
    for byte in Sha256::digest(id.as_bytes()).iter().take(HASH_LEN / 2) {
        // Writing to a String cannot fail.
        let _ = write!(plain, "{byte:02x}");
    }
    Cow::Owned(plain)
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn mapped_ids_conform_and_stay(id in "\\PC{0,100}") {
            let mapped = conform(&id).into_owned();
            prop_assert!(conforms(&mapped), "{mapped}");
            prop_assert_eq!(conform(&mapped).into_owned(), mapped.clone());
            if conforms(&id) { prop_assert_eq!(mapped, id); }
        }
    }

    #[test]
    fn ids_that_clean_to_the_same_characters_stay_apart() {
        assert_ne!(conform("functions.f:0"), conform("functions.f.0"));
        let long = "a".repeat(100);
        assert_ne!(conform(&long), conform(&long[..99]));
    }
}
