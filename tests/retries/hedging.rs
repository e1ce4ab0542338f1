//! A second target when the first is silent for too long.

use std::time::Duration;

use sidestep_simulator::{Fault, Planned};
use sidestep_tests::{Rig, eventually};
use tokio::time::Instant;

use crate::{PATHS, asked, opus};

/// A history, so that Sidestep knows how quick the model usually is.
async fn acquainted() -> Rig {
    let rig = Rig::start().await;
    for _ in 0..25 {
        assert_eq!(opus(&rig, PATHS[0], true).await.header("sidestep-upstream"), "opus");
    }
    rig
}

#[tokio::test]
async fn a_silent_first_target_is_overtaken_by_the_second() {
    for path in PATHS {
        let rig = acquainted().await;
        rig.anthropic.faults().set("*", Planned::from(Fault::NoAnswer {}).at_most(1)).unwrap();
        let began = Instant::now();
        let heard = opus(&rig, path, true).await;
        assert!(began.elapsed() >= Duration::from_secs(1), "hedged after {:?}", began.elapsed());
        assert!(heard.is_ended() && !heard.tells_error(), "{}", heard.text);
        let told = ["sidestep-upstream", "sidestep-attempts", "sidestep-fallback-reason"];
        assert_eq!(told.map(|name| heard.header(name)), ["gpt", "2", "late"]);
        eventually("the loser is let go", async || {
            let left = rig.anthropic.attempts().all().last().unwrap().left_early;
            left && rig.application.standing("opus").await["in_flight"] == 0
        })
        .await;
        let scrape = rig.application.scrape().await;
        assert_eq!(scrape.sum("sidestep_hedges_total", &["winner=\"second\""]), 1.0);
        assert_eq!(scrape.sum("sidestep_rerouted_total", &["reason=\"late\""]), 1.0);
        assert_eq!(scrape.sum("sidestep_attempts_total", &["model=\"opus\"", "class=\"cancel\""]), 1.0);
        rig.stop().await;
    }
}

#[tokio::test]
async fn the_first_target_still_wins_when_it_begins_first_and_a_whole_answer_is_not_hedged() {
    let rig = acquainted().await;
    rig.anthropic.faults().set("*", Fault::LateFirstToken { ms: 1500, hold_head: false }).unwrap();
    rig.openai.faults().set("*", Fault::NoAnswer {}).unwrap();
    let heard = opus(&rig, PATHS[0], true).await;
    assert_eq!((heard.header("sidestep-upstream"), heard.header("sidestep-fallback-reason")), ("opus", ""));
    assert_eq!((heard.header("sidestep-attempts"), asked(&rig)), ("2", [26, 1, 0]));
    let heard = opus(&rig, PATHS[0], false).await;
    assert_eq!((heard.header("sidestep-attempts"), asked(&rig)), ("1", [27, 1, 0]));
    let scrape = rig.application.scrape().await;
    assert_eq!(scrape.sum("sidestep_hedges_total", &["winner=\"first\""]), 1.0);
    assert_eq!(scrape.sum("sidestep_in_flight", &[]), 0.0);
    rig.stop().await;
}

/// Both contestants count as attempts: a hedge is no way around the limit.
#[tokio::test]
async fn hedges_count_towards_the_attempts() {
    let rig = acquainted().await;
    rig.anthropic
        .faults()
        .set_all(
            "*",
            vec![Fault::LateFirstToken { ms: 1300, hold_head: true }.into(), Fault::status(500).into()],
        )
        .unwrap();
    rig.openai.faults().set("*", Fault::status(500)).unwrap();
    let before: u64 = asked(&rig).iter().sum();
    let heard = opus(&rig, PATHS[0], true).await;
    let attempts = asked(&rig).iter().sum::<u64>() - before;
    assert!(attempts <= 4, "{attempts} attempts: {:?}", asked(&rig));
    assert!(heard.status == 200 || heard.header("x-should-retry") == "false", "{}", heard.text);
    rig.stop().await;
}
