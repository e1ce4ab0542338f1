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
        "The pressure is lower, so it boils sooner.",
        "... it boils sooner.",
        "is lower, so it boils sooner.",
        "lower, so it boils sooner.",
        "…the pressure is lower, so it boils sooner.",
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
        ("I'm sorry, but I can't help with that.", SeamFault::Preamble),
        ("[automatic continuation] it boils sooner.", SeamFault::Preamble),
        ("Voici la suite : elle bout plus vite.", SeamFault::Preamble),
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

#[test]
fn prose_that_only_begins_like_a_preamble_goes_through() {
    for (said, new) in [
        ("The boat is slow and", " sure, it will arrive."),
        ("They went on by", " continuing the work of others."),
        ("We shall see. ", "Of course, there is more to it than that."),
        ("That was the last part.\n\n", "Here is the full code:\n\n```rust\nfn main() {}\n```\n"),
        ("That was the list. ", "Continuing with our example, we add one."),
        ("The function is", " (continuous) everywhere."),
        ("She saw an", " okapi, of all things, in the garden."),
    ] {
        assert_eq!(all_sizes(said, new, Tier::Instruct), Ok(format!("{said}{new}")), "{said}");
    }
}

#[test]
fn blanks_count_in_code_and_a_fence_is_not_opened_twice() {
    let said = "Like so:\n\n```python\ndef f(x):\n    if x:\n        return";
    let rest = " 1\n    return 2\n```\n";
    let whole = format!("{said}{rest}");
    for new in [
        rest.to_owned(),
        format!("```python\n{}", &rest[1..]),
        format!("    if x:\n        return{rest}"),
        format!("```python\ndef f(x):\n    if x:\n        return{rest}"),
        whole.clone(),
    ] {
        assert_eq!(all_sizes(said, &new, Tier::Instruct), Ok(whole.clone()), "{new}");
    }
    let flat = "def f(x):\n  if x:\n    return 1\n  return 2\n```\n";
    assert_eq!(all_sizes(said, flat, Tier::Instruct), Err(SeamFault::Diverged));
}

#[test]
fn a_passage_from_the_middle_is_followed_to_the_end() {
    let said: String =
        (0..200).map(|at| format!("Sentence number {at} is unlike all of the others. ")).collect();
    let (from, rest) = (said.find("Sentence number 120").unwrap(), "The end.");
    let new = format!("{}{rest}", &said[from..]);
    assert_eq!(all_sizes(&said, &new, Tier::Instruct), Ok(format!("{said}{rest}")));
    let strays = format!("{}{rest}", &said[from..from + 2000]);
    assert_eq!(all_sizes(&said, &strays, Tier::Instruct), Err(SeamFault::Diverged));
}

#[test]
fn a_blank_that_was_said_is_not_said_again_wherever_the_first_look_ends() {
    for fence in ["", "```\n"] {
        for length in HELD - 3..HELD + 3 {
            let words: String = (0..)
                .map(|at| format!("word{at} "))
                .flat_map(|word| word.into_bytes())
                .map(char::from)
                .take(length - fence.len() - 1)
                .collect();
            let said = format!("{fence}{}. ", words.trim_end());
            let whole = format!("{said}And the end.");
            for tier in [Tier::Prefill, Tier::Instruct] {
                assert_eq!(all_sizes(&said, &whole, tier), Ok(whole.clone()), "{}", said.len());
            }
        }
    }
}

#[test]
fn what_is_all_alike_does_not_take_for_ever() {
    let said = "a".repeat(256 * 1024);
    let new = format!("{}b and now something else.", "a".repeat(390));
    assert!(joined(&said, &new, Tier::Prefill, 400).is_ok());
}

#[test]
fn time_lets_through_what_is_not_in_doubt() {
    let (mut seam, mut out) = (Seam::new(SAID, Tier::Instruct), String::new());
    seam.feed("the press", &mut out).unwrap();
    seam.flush(&mut out).unwrap();
    assert_eq!((out.as_str(), seam.is_holding()), ("", true), "it may be said already");
    seam.feed("ure is lower, so it", &mut out).unwrap();
    assert_eq!((out.as_str(), seam.is_holding()), (" it", false));
    let (mut seam, mut out) = (Seam::new(SAID, Tier::Instruct), String::new());
    seam.feed(" it boils", &mut out).unwrap();
    assert_eq!(out, "");
    seam.flush(&mut out).unwrap();
    assert_eq!(out, " it boils");
}
