//! Any stream cut anywhere, in any pair of dialects, and any answer of the second model: the caller gets the first
//! part and what continues it, with nothing said twice, or an error.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sidestep_dialect::answer::Answer;
use sidestep_dialect::{BlockKind, Dialect, SeamFault, StopReason, StreamFault, Tier};

use crate::exchange::{decode, encode, looks_finished};
use crate::grammar::grammatical;
use crate::rescue_plan::{Second, answer, second, text, visible};
use crate::rescue_stage::{End, Told, told};

/// What was planned.
#[derive(Debug)]
struct Plan {
    /// The whole answer.
    all: String,
    second: Second,
    /// What the second model said.
    new: String,
    tier: Tier,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 768, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_answer_is_continued_or_ends_in_an_error(
        (all, second) in (text(), second()),
        cuts in prop::collection::vec(any::<Index>(), 2..24),
        more in prop::collection::vec(any::<Index>(), 0..24),
        [first, then, caller] in prop::array::uniform3(select(Dialect::ALL.to_vec())),
        (cut, blocks, tier, pace) in (any::<Index>(), 0..3_usize, select(vec![Tier::Prefill, Tier::Instruct]), 0..40_usize),
        // The second stream may break off as well.
        again in prop::option::weighted(0.1, any::<Index>()),
    ) {
        let stream = encode(first, &answer("first", &halves(&all, blocks), &cuts, StopReason::EndTurn));
        let cut = cut.index(stream.len());
        // What the second model says depends on how far the first has got.
        let so_far = told(caller, (first, &stream[..cut]), (then, b""), tier, pace);
        prop_assert!(all.starts_with(&so_far.said));
        let mut new = second.text(&all, so_far.said.len());
        if tier == Tier::Prefill && matches!(second, Second::Exact { trimmed: false, .. }) {
            new = all[so_far.said.trim_end().len()..].to_owned();
        }
        let mut continuation = encode(then, &second.answer(&new, &more));
        continuation.truncate(again.map_or(continuation.len(), |again| again.index(continuation.len())));
        let told = told(caller, (first, &stream[..cut]), (then, &continuation), tier, pace);
        let plan = Plan { all, second, new, tier };
        judge(caller, &plan, &told)?;
    }
}

/// One to three blocks of text.
fn halves(all: &str, cuts: usize) -> Vec<(BlockKind, String)> {
    let middle = (all.len() / 2..).find(|&at| all.is_char_boundary(at)).unwrap_or(0);
    let quarter = (all.len() / 4..).find(|&at| all.is_char_boundary(at)).unwrap_or(0);
    let bounds = match cuts {
        0 => vec![0, all.len()],
        1 => vec![0, middle, all.len()],
        _ => vec![0, quarter, middle, all.len()],
    };
    bounds.windows(2).map(|pair| (BlockKind::Text, all[pair[0]..pair[1]].to_owned())).collect()
}

fn judge(caller: Dialect, plan: &Plan, told: &Told) -> Result<(), TestCaseError> {
    // Where the bytes themselves were passed on, the error does not count on.
    if caller != Dialect::Responses || !matches!(told.end, End::Unfit(_)) {
        grammatical(caller, &told.out);
    }
    let (events, result) = decode(caller, &told.out);
    let answer = Answer::collect(&events);
    let text = answer.text();
    prop_assert!(text.starts_with(&told.said), "what was said stays");
    match told.end {
        End::Whole => prop_assert_eq!(&text, &plan.all),
        End::Joined => {
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(answer.stop, Some(StopReason::MaxTokens), "the second's reason to stop");
            let added = told.spent.output + if plan.tier == Tier::Instruct { 150 } else { 0 };
            let untold = 1000_u64.saturating_sub(added);
            let input = if told.spent.prompt() == 0 { untold } else { told.spent.prompt() };
            prop_assert_eq!(answer.usage.prompt(), input + 1000);
            prop_assert_eq!(answer.usage.output, told.spent.output + 77);
            joined(plan, told, &text)?;
        }
        End::Unfit(_) | End::Refused(_) | End::Broken => {
            prop_assert!(matches!(result, Err(StreamFault::InBand(_))), "{:?}", result);
            prop_assert!(!looks_finished(&told.out));
            refused(plan, told)?;
        }
    }
    Ok(())
}

/// What a joined answer must say.
fn joined(plan: &Plan, told: &Told, text: &str) -> Result<(), TestCaseError> {
    let rest = &text[told.said.len()..];
    // After a letter or two, going on and starting over look the same.
    let clear = visible(&told.said) >= 4;
    match &plan.second {
        Second::Exact { .. } | Second::Overlap { .. } | Second::Restart { .. } if !clear => {}
        // The half of a word with which the other half begins as well: nobody can tell it from a word begun anew.
        Second::Exact { .. } if plan.tier == Tier::Instruct && stutters(&told.said, &plan.all) => {}
        Second::Exact { trimmed, .. } => {
            prop_assert_eq!(bare(text), bare(&plan.all));
            let kept = !trimmed && (plan.tier == Tier::Prefill || !told.said.ends_with(char::is_whitespace));
            let clear = !glued(&told.said, &plan.all[told.said.len()..]);
            if kept && (clear || plan.tier == Tier::Prefill) {
                prop_assert_eq!(text, &plan.all);
            }
            // Words put into a model's mouth are gone on from to the character.
            if plan.tier == Tier::Instruct || !trimmed {
                spaced(plan, told, rest)?;
            }
        }
        Second::Overlap { .. } => prop_assert_eq!(bare(text), bare(&plan.all)),
        Second::Restart { reflowed } => {
            prop_assert_eq!(bare(text), bare(&plan.all));
            if !reflowed && visible(&told.said) >= 12 {
                prop_assert_eq!(text, &plan.all, "aligned to the character");
            }
        }
        Second::Diverge { .. } | Second::Garbage(_) | Second::Script => {
            // What was left out of it is a repetition, and nothing was made up.
            let (new, rest) = (bare(&plan.new), bare(rest));
            prop_assert!(new.ends_with(&rest) && !rest.is_empty());
            prop_assert!(bare(&told.said).ends_with(&new[..new.len() - rest.len()]));
        }
        other => prop_assert!(false, "{:?} was let through", other),
    }
    Ok(())
}

/// Two words stay two where the first model's pieces ended between words, and one stays one where they did not.
fn spaced(plan: &Plan, told: &Told, rest: &str) -> Result<(), TestCaseError> {
    let ahead = &plan.all[told.said.len()..];
    let plain = |c: char| c.is_ascii_lowercase();
    let words = told.said.ends_with(plain) && ahead.trim_start().starts_with(plain);
    let apart = ahead.starts_with(char::is_whitespace);
    if words && apart != told.splits_words {
        prop_assert_eq!(rest.starts_with(char::is_whitespace), apart, "{:?}", told.said);
    }
    Ok(())
}

/// Only what has to be is refused.
fn refused(plan: &Plan, told: &Told) -> Result<(), TestCaseError> {
    let End::Refused(fault) = told.end else { return Ok(()) };
    let nothing = plan.all[told.said.len()..].trim().is_empty();
    let fair = match &plan.second {
        // Blanks count in code.
        Second::Overlap { reflowed: true, .. } if fault == SeamFault::Diverged => told.said.contains("```"),
        Second::Exact { .. } | Second::Overlap { .. } | Second::Restart { .. } => {
            nothing && fault == SeamFault::NothingNew
        }
        Second::Preamble(_) => fault == SeamFault::Preamble,
        Second::Empty(_) => fault == SeamFault::NothingNew,
        Second::Tool => fault == SeamFault::ToolCall,
        Second::Refusal => fault == SeamFault::Refusal,
        Second::Circle(_) => fault == SeamFault::Loops,
        Second::Script => fault == SeamFault::Language,
        Second::Diverge { .. } => matches!(fault, SeamFault::Diverged | SeamFault::NothingNew),
        Second::Garbage(_) => true,
    };
    prop_assert!(fair, "{:?} for {:?}", fault, plan.second);
    Ok(())
}

/// Whether the cut leaves half of a word with which its other half begins, too.
fn stutters(said: &str, all: &str) -> bool {
    let half = &said[said.trim_end_matches(char::is_alphanumeric).len()..];
    !half.is_empty() && all[said.len()..].starts_with(half)
}

/// Whether the place of the cut is inside of a word.
fn glued(said: &str, rest: &str) -> bool {
    said.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric)
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
