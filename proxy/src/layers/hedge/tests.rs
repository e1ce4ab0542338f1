use sidestep_table::Fault;
use tower::Layer;

use super::*;
use crate::layers::RetryLayer;
use crate::layers::bench::{Script, Turn, call, fault};

/// The second target of a call like `like`, as it is when the first has been silent for too long.
fn second(like: &Call, clock: Clock) -> Second {
    let target = ModelIndex::new(0);
    let standby = Candidate { model: ModelIndex::new(2), admission: Admission::Live };
    let call = Arc::new(Call { story: Arc::default(), ..like.clone() });
    call.story.asked("a1".into());
    Second { call, target, standby, clock, hedge: Fare::default(), denied: false }
}

/// Were every call late, a twentieth of them would be hedged, and five in ten seconds beside.
#[tokio::test(start_paused = true)]
async fn hedges_have_a_budget_of_their_own() {
    let (call, clock) = (call("", true), Clock::start());
    let hedges = call.route_plan().hedges.clone().unwrap();
    for _ in 0..200 {
        call.budget().deposit(clock.now());
        hedges.deposit(clock.now());
    }
    let granted = (0..200).filter(|_| second(&call, clock).may_be_asked()).count();
    assert_eq!((granted, hedges.spent(), call.budget().spent()), (15, 15, 15));
    // The rest of the route's budget is there for other attempts.
    assert!(call.budget().try_withdraw(clock.now()));
}

/// What was granted once need not be granted again while the other purse is empty.
#[tokio::test(start_paused = true)]
async fn a_hedge_that_cannot_be_paid_keeps_its_grant() {
    let (call, clock) = (call("", true), Clock::start());
    while call.budget().try_withdraw(clock.now()) {}
    let mut second = second(&call, clock);
    for _ in 0..20 {
        assert!(!second.may_be_asked());
        second.denied = true;
    }
    assert_eq!(call.route_plan().hedges.as_ref().unwrap().spent(), 1);
    sleep(Duration::from_secs(12)).await;
    assert!(second.may_be_asked());
}

#[tokio::test(start_paused = true)]
async fn a_route_may_do_without_hedges_and_without_repeats() {
    let clock = Clock::start();
    let late = [("a1", 20_000, Turn::Answer)];
    let layered = RetryLayer { clock }.layer(HedgeLayer { clock }.layer(Script::new(late)));
    let told = Script::play(layered, call(", hedge: false", true)).await;
    assert_eq!((told.asked, told.took.as_secs()), (vec!["a1".to_owned()], 20));
    let failing = [("a1", 0, fault(Fault::Status)), ("a2", 0, Turn::Answer)];
    let layered = RetryLayer { clock }.layer(HedgeLayer { clock }.layer(Script::new(failing)));
    let told = Script::play(layered, call(", retry: false", true)).await;
    assert_eq!(told.asked, ["a1", "a2"]);
}
