use super::*;

/// The continuation as it comes through, fed in pieces of `size` characters.
fn joined(said: &str, new: &str, tier: Tier, size: usize) -> Result<String, SeamFault> {
    let (mut seam, mut out) = (Seam::new(said, tier), String::new());
    let chars: Vec<char> = new.chars().collect();
    for piece in chars.chunks(size) {
        seam.feed(&piece.iter().collect::<String>(), &mut out)?;
    }
    seam.finish(&mut out)?;
    Ok(format!("{said}{out}"))
}

fn all_sizes(said: &str, new: &str, tier: Tier) -> Result<String, SeamFault> {
    let whole = joined(said, new, tier, usize::MAX >> 1);
    for size in [1, 3, 17] {
        assert_eq!(joined(said, new, tier, size), whole, "in pieces of {size}");
    }
    whole
}

const SAID: &str = "Water boils at a hundred degrees at sea level. On a mountain the pressure is lower, so";

#[test]
fn what_follows_is_joined_and_what_was_said_is_not_said_again() {
    let joined = format!("{SAID} it boils sooner.");
    for new in [
        " it boils sooner.",
        "it boils sooner.",
        "the pressure is lower, so it boils sooner.",
        "On a mountain  the pressure\nis lower, so it boils sooner.",
        &joined,
    ] {
        assert_eq!(all_sizes(SAID, new, Tier::Instruct), Ok(joined.clone()), "{new}");
    }
}

#[test]
fn what_cannot_follow_is_refused() {
    for (new, fault) in [
        ("Sure! Here is the rest: it boils sooner.", SeamFault::Preamble),
        ("Continuing from where I left off, it boils sooner.", SeamFault::Preamble),
        ("Water boils at a hundred degrees at sea level. In space it does so at once.", SeamFault::Diverged),
        ("", SeamFault::NothingNew),
        (" \n ", SeamFault::NothingNew),
        (SAID, SeamFault::NothingNew),
        ("вода закипает раньше, чем внизу, и варить приходится дольше", SeamFault::Language),
    ] {
        assert_eq!(all_sizes(SAID, new, Tier::Instruct), Err(fault), "{new}");
    }
    let circle = "and it boils sooner because of it, ".repeat(40);
    assert_eq!(all_sizes(SAID, &circle, Tier::Instruct), Err(SeamFault::Loops));
}
