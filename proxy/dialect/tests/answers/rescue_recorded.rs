//! Recorded streams that break off, continued.

use std::collections::BTreeMap;

use sidestep_dialect::answer::Answer;
use sidestep_dialect::{BlockKind, Dialect, StopReason, StreamFault, Tier};

use crate::exchange::{bodies, decode, encode, looks_finished};
use crate::grammar::grammatical;
use crate::recordings::recordings;
use crate::rescue_plan::answer;
use crate::rescue_stage::{End, told};

/// Cuts of each stream.
const CUTS: usize = 25;

#[test]
fn recorded_streams_are_continued_wherever_they_break_off() {
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for (path, from) in recordings(&[".sse", ".chunks.txt"]) {
        for stream in crate::recording::streams(&path, from).unwrap() {
            let (events, result) = decode(from, &stream);
            if result.is_err() {
                continue;
            }
            let all = Answer::collect(&events).text();
            for cut in (1..=CUTS).map(|part| stream.len() * part / (CUTS + 1)) {
                for caller in Dialect::ALL {
                    let end = continued(caller, (from, &stream[..cut]), &all);
                    *ends.entry(format!("{end:?}")).or_default() += 1;
                }
            }
        }
    }
    println!("{ends:#?}");
    let joined = ends.get("Joined").copied().unwrap_or_default();
    assert!(ends.is_empty() || joined > 500);
    assert!(ends.keys().all(|end| !end.contains("Irregular")), "all of them are regular");
}

/// Lets a second model say the rest of `all`.
fn continued(caller: Dialect, first: (Dialect, &[u8]), all: &str) -> End {
    let rest = |said: usize| {
        let blocks = [(BlockKind::Text, all[said..].to_owned())];
        encode(Dialect::Anthropic, &answer("second", &blocks, &[], StopReason::EndTurn))
    };
    let so_far = told(caller, first, (Dialect::Anthropic, b""), Tier::Prefill, 0).said;
    let continuation = rest(so_far.len().min(all.len()));
    let told = told(caller, first, (Dialect::Anthropic, &continuation), Tier::Prefill, 0);
    let (events, result) = decode(caller, &told.out);
    match told.end {
        End::Joined => {
            assert_eq!(result, Ok(()));
            let text = Answer::collect(&events).text();
            assert_eq!(
                text.split_whitespace().collect::<String>(),
                all.split_whitespace().collect::<String>()
            );
            // Some vendors' own chunks repeat the role or change the model; one recording begins in the middle.
            let own = caller == first.0;
            let from_the_beginning = || bodies(&told.out)[0]["sequence_number"] == 0;
            if !own || caller == Dialect::Anthropic || (caller == Dialect::Responses && from_the_beginning())
            {
                grammatical(caller, &told.out);
            }
        }
        End::Whole => assert_eq!(result, Ok(())),
        _ => {
            assert!(matches!(result, Err(StreamFault::InBand(_))), "{:?}", told.end);
            assert!(!looks_finished(&told.out));
        }
    }
    told.end
}
