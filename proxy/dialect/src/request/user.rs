//! The application's own name for its user.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// OpenAI takes at most this many characters.
const MAX_LEN: usize = 64;

/// The name itself, or when it is too long its hash, which tells users apart just as well.
pub(super) fn identifier(user: &str) -> String {
    if user.len() <= MAX_LEN {
        return user.to_owned();
    }
    let mut hash = String::with_capacity(MAX_LEN);
    for byte in Sha256::digest(user.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}
