use sidestep_dialect::ErrorClass;
use sidestep_table::{Evidence, Ledger, PermitKind, Priority, Source};
use tower::Layer;

use super::*;
use crate::layers::HedgeLayer;
use crate::layers::bench::{Script, Told, Turn, call, fault, purse, status};

/// Ten attempts are in reserve at the bench's route.
const BROKE: usize = 10;

async fn play(
    turns: impl IntoIterator<Item = (&'static str, u64, Turn)>,
    route: &str,
    (stream, spent): (bool, usize),
) -> Told {
    let call = call(route, stream);
    let clock = purse(&call, spent);
    let layered = RetryLayer { clock }.layer(HedgeLayer { clock }.layer(Script::new(turns)));
    Script::play(layered, call).await
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_tried_once_more_in_place_and_then_elsewhere() {
    let turns = [("a1", 0, fault(Fault::Status)), ("a1", 0, fault(Fault::Status)), ("a2", 0, Turn::Answer)];
    let told = play(turns, "", (false, 0)).await;
    assert_eq!(told.answered.unwrap(), "a2");
    assert_eq!(told.asked, ["a1", "a1", "a2"]);
    assert_eq!(told.fallback, Some("hard"));
}

/// An empty purse stops retries and siblings, never the first move to another provider.
#[tokio::test(start_paused = true)]
async fn the_first_move_to_another_provider_is_free_even_past_a_sibling_that_cannot_be_paid() {
    let turns = [("a1", 0, fault(Fault::Status)), ("b1", 0, Turn::Answer)];
    let told = play(turns, "", (false, BROKE)).await;
    assert_eq!(told.answered.unwrap(), "b1");
    assert_eq!(told.asked, ["a1", "b1"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_without_room_uses_up_neither_the_free_move_nor_what_was_paid() {
    let turns =
        [("a1", 0, status(ErrorClass::Overload, None)), ("b1", 0, Turn::Full), ("c1", 0, Turn::Answer)];
    let told = play(turns, "", (false, BROKE)).await;
    assert_eq!(told.answered.unwrap(), "c1");

    // One attempt is left in the purse: a2 has no room, so it is still there for the second move.
    let turns = [
        ("a1", 0, fault(Fault::Stall)),
        ("a2", 0, Turn::Full),
        ("b1", 0, fault(Fault::Stall)),
        ("c1", 0, Turn::Answer),
    ];
    let told = play(turns, "", (false, BROKE - 1)).await;
    assert_eq!(told.answered.unwrap(), "c1");
}

#[tokio::test(start_paused = true)]
async fn no_call_makes_more_than_its_attempts_hedges_included() {
    // Late on both sides: a1 is hedged with b1, both fail; c1 would be hedged as well, were there an attempt left.
    let turns = [
        ("a1", 9_000, fault(Fault::Stall)),
        ("b1", 9_000, fault(Fault::Stall)),
        ("a2", 9_000, fault(Fault::Stall)),
    ];
    let told = play(turns, ", max_attempts: 3", (true, 0)).await;
    assert_eq!(told.asked, ["a1", "b1", "a2"]);
    assert!(matches!(told.answered, Err(Refusal::Exhausted { class: Class::Hard(Fault::Stall), .. })));

    // With one more, a2's stand-in is the one that was not asked yet.
    let turns = [
        ("a1", 9_000, fault(Fault::Stall)),
        ("b1", 9_000, fault(Fault::Stall)),
        ("a2", 9_000, fault(Fault::Stall)),
        ("c1", 1_000, Turn::Answer),
    ];
    let told = play(turns, "", (true, 0)).await;
    assert_eq!(told.asked, ["a1", "b1", "a2", "c1"]);
    assert_eq!(told.answered.unwrap(), "c1");

    let turns = [("a1", 9_000, Turn::Answer)];
    let told = play(turns, ", max_attempts: 2", (true, BROKE)).await;
    assert_eq!(told.asked, ["a1"], "an empty purse pays for no hedge");
}

/// Denied at first, the stand-in is asked as soon as the purse has money again.
#[tokio::test(start_paused = true)]
async fn a_silent_target_is_hedged_once_that_can_be_paid() {
    let turns = [("a1", 60_000, Turn::Answer), ("b1", 500, Turn::Answer)];
    let told = play(turns, "", (true, BROKE)).await;
    assert_eq!((told.answered.unwrap(), told.fallback), ("b1".to_owned(), Some("late")));
    let took = told.took.as_millis();
    assert!((10_000..13_000).contains(&took), "{took} ms; the purse forgets after eleven seconds at most");
}

#[tokio::test(start_paused = true)]
async fn the_second_of_a_hedge_answers_when_the_first_fails() {
    let turns = [("a1", 5_500, status(ErrorClass::Overload, None)), ("b1", 4_000, Turn::Answer)];
    let told = play(turns, "", (true, 0)).await;
    assert_eq!((told.answered.unwrap(), told.fallback), ("b1".to_owned(), Some("late")));
    assert_eq!(told.took, Duration::from_millis(9_000));
}

/// What follows from a failure is drawn for the target that failed, not for its stand-in.
#[tokio::test(start_paused = true)]
async fn when_both_of_a_hedge_fail_it_is_the_first_ones_failure_that_counts() {
    let turns = [
        ("a1", 5_500, status(ErrorClass::Overload, None)),
        ("b1", 9_000, fault(Fault::Stall)),
        // Not a2: the provider of a1 is overloaded.
        ("c1", 0, Turn::Answer),
    ];
    let told = play(turns, "", (true, 0)).await;
    assert_eq!(told.asked, ["a1", "b1", "c1"]);

    let turns = [("a1", 5_500, status(ErrorClass::Client, None)), ("b1", 60_000, Turn::Answer)];
    let told = play(turns, "", (true, 0)).await;
    assert!(matches!(told.answered, Err(Refusal::Vendor(_))));
    assert_eq!(told.took, Duration::from_millis(5_500), "the request itself is at fault");
}

#[tokio::test(start_paused = true)]
async fn a_short_retry_after_is_waited_for_and_a_long_one_is_not() {
    for (class, wait) in [(ErrorClass::Rate, 2), (ErrorClass::Hard, 2)] {
        let turns = [("a1", 0, status(class, Some(wait))), ("a1", 0, Turn::Answer)];
        let told = play(turns, "", (false, 0)).await;
        assert_eq!((told.answered.unwrap(), told.took), ("a1".to_owned(), Duration::from_secs(wait)));
    }
    for class in [ErrorClass::Rate, ErrorClass::Hard] {
        let turns = [("a1", 0, status(class, Some(600))), ("a2", 0, Turn::Answer)];
        let told = play(turns, "", (false, 0)).await;
        assert_eq!((told.answered.unwrap(), told.took), ("a2".to_owned(), Duration::ZERO));
    }
    // It would end after the deadline.
    let turns = [("a1", 500, status(ErrorClass::Rate, Some(1))), ("a2", 0, Turn::Answer)];
    let told = play(turns, ", deadline: 1s, first_token_timeout: 1s", (false, 0)).await;
    assert_eq!(told.answered.unwrap(), "a2");
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_at_the_deadline() {
    let turns = [("a1", 1_000, fault(Fault::FirstTokenTimeout))];
    let told = play(turns, ", deadline: 1s, first_token_timeout: 1s", (false, 0)).await;
    assert_eq!(told.asked, ["a1"]);
    assert!(matches!(told.answered, Err(Refusal::Deadline)));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_the_request_is_told_though_others_failed_later() {
    let turns = [("a1", 0, status(ErrorClass::ContextLength, None)), ("c1", 0, fault(Fault::Stall))];
    let told = play(turns, "", (false, 0)).await;
    assert!(matches!(told.answered, Err(Refusal::Vendor(_))));

    let turns =
        [("a1", 0, Turn::Cannot), ("a2", 0, Turn::Cannot), ("b1", 0, Turn::Cannot), ("c1", 0, Turn::Cannot)];
    let told = play(turns, "", (false, 0)).await;
    assert!(matches!(told.answered, Err(Refusal::Incapable { features }) if features.contains(&"tools")));
}

#[tokio::test(start_paused = true)]
async fn refused_thinking_blocks_are_left_out_once_and_for_nothing() {
    let turns = [("a1", 0, status(ErrorClass::HistorySignature, None)), ("a1", 0, Turn::Answer)];
    let told = play(turns, "", (false, BROKE)).await;
    assert_eq!(told.asked, ["a1", "a1"]);
    // When there is nothing to leave out, the vendor's words stand.
    let turns = [
        ("a1", 0, status(ErrorClass::HistorySignature, None)),
        ("a1", 0, Turn::Cannot),
        ("b1", 0, fault(Fault::Stall)),
    ];
    let told = play(turns, "", (false, BROKE)).await;
    assert!(matches!(told.answered, Err(Refusal::Vendor(_))));
}

#[tokio::test(start_paused = true)]
async fn a_prompt_too_long_for_one_goes_only_to_a_larger_window() {
    let turns = [("a1", 0, status(ErrorClass::ContextLength, None)), ("c1", 0, Turn::Answer)];
    let told = play(turns, "", (false, 0)).await;
    assert_eq!(told.answered.unwrap(), "c1");
    assert_eq!(told.asked, ["a1", "c1"], "a2 and b1 read no more than a1");
    assert_eq!(told.fallback, Some("context_length"));
}

/// Nobody can tell a whole answer that is long in coming from one that never comes; the table can tell its target.
#[tokio::test(start_paused = true)]
async fn a_whole_answer_is_waited_for_until_the_table_gives_its_target_up() {
    let turns = [("a1", 120_000, Turn::Answer)];
    assert_eq!(play(turns, "", (false, 0)).await.asked, ["a1"], "slow, and well");

    let call = call("", false);
    let topology = call.catalog.topology.clone();
    let clock = purse(&call, BROKE);
    let turns = [("a1", 120_000, Turn::Answer), ("b1", 3_000, Turn::Answer)];
    let layered = RetryLayer { clock }.layer(HedgeLayer { clock }.layer(Script::new(turns)));
    let given_up = async {
        sleep(Duration::from_secs(30)).await;
        let mut ledger = Ledger::new(topology.clone(), 1, clock.now());
        let permit = topology.models[0].cell.admit(PermitKind::Live, Priority::Interactive).unwrap();
        for _ in 0..5 {
            ledger.observe(&Evidence::of(&permit, Source::Traffic, Class::Hard(Fault::Status)), clock.now());
        }
    };
    let (told, ()) = tokio::join!(Script::play(layered, call), given_up);
    assert_eq!((told.answered.unwrap(), told.fallback), ("b1".to_owned(), Some("late")));
    let took = told.took.as_millis();
    assert!((33_000..35_000).contains(&took), "{took} ms; free, though the purse is empty");
}

/// A hedge that was free because the first target was given up is the one free move of its call.
#[tokio::test(start_paused = true)]
async fn there_is_one_free_move_whoever_makes_it() {
    let call = call("", true);
    let clock = purse(&call, BROKE);
    let a1 = call.catalog.topology.models[0].cell.clone();
    let mut ledger = Ledger::new(call.catalog.topology.clone(), 1, clock.now());
    let permit = a1.admit(PermitKind::Live, Priority::Interactive).unwrap();
    let turns = [
        ("a1", 9_000, status(ErrorClass::Overload, None)),
        ("b1", 1_000, status(ErrorClass::Overload, None)),
    ];
    let layered = RetryLayer { clock }.layer(HedgeLayer { clock }.layer(Script::new(turns)));
    let given_up = async {
        sleep(Duration::from_secs(1)).await;
        for _ in 0..5 {
            ledger.observe(&Evidence::of(&permit, Source::Traffic, Class::Hard(Fault::Status)), clock.now());
        }
    };
    let (told, ()) = tokio::join!(Script::play(layered, call), given_up);
    assert_eq!(told.asked, ["a1", "b1"], "c1 would have to be paid for, and the purse is empty");
    assert!(told.answered.is_err());
}
