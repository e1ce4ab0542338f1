//! What attempts beyond the first may cost while providers are down.

use http::Request;
use serde_json::json;
use sidestep_simulator::Fault;
use sidestep_tests::{Heard, Rig};
use tokio::time::Instant;

use crate::{PATHS, asked, opus};

/// Attempts that the route's budget had to pay for: all but the first, and the first at another provider.
fn charged(heard: &[Heard], asked: [u64; 3]) -> u64 {
    let moves = heard.iter().filter(|heard| !heard.header("sidestep-fallback-reason").is_empty()).count();
    asked.iter().sum::<u64>() - heard.len() as u64 - moves as u64
}

/// With two of three providers down everybody is answered by the third, at hardly any cost to it or to them.
#[tokio::test]
async fn an_outage_of_two_providers_costs_hardly_more_attempts_than_requests() {
    let rig = Rig::builder().with("health: { cooldown: 5m }").start().await;
    for simulator in [&rig.anthropic, &rig.openai] {
        simulator.faults().set("*", Fault::status(529)).unwrap();
    }
    let requests = 200_u64;
    for number in 0..requests {
        let heard = opus(&rig, PATHS[number as usize % 2], number % 3 == 0).await;
        assert_eq!(
            (heard.status.as_u16(), heard.header("sidestep-upstream")),
            (200, "grok"),
            "{}",
            heard.text
        );
    }
    let attempts: u64 = asked(&rig).iter().sum();
    assert!(attempts <= requests + requests / 10 + 10, "{attempts} attempts for {requests} requests");
    assert_eq!(asked(&rig)[2], requests);
    rig.stop().await;
}

/// Held to be well by an operator although they are not: now only the budget stands between an outage and a storm.
#[tokio::test]
async fn the_budget_alone_keeps_an_outage_from_becoming_a_storm() {
    let rig = Rig::start().await;
    for (simulator, model) in [(&rig.anthropic, "opus"), (&rig.openai, "gpt")] {
        simulator.faults().set("*", Fault::status(500)).unwrap();
        let wish = json!({"subject": model, "kind": "pin", "reason": "a mistake", "actor": "ops"});
        let request = Request::post(format!("http://{}/switches", rig.application.admin));
        let request =
            request.header("content-type", "application/json").body(wish.to_string().into()).unwrap();
        assert_eq!(rig.application.send(request).await.status, 200);
    }
    let began = Instant::now();
    let mut heard = Vec::new();
    for number in 0..200 {
        heard.push(opus(&rig, PATHS[number % 2], number % 3 == 0).await);
    }
    // One a second is always there, and ten seconds of it can be saved.
    let reserve = 10 + began.elapsed().as_secs() + 1;
    let (answered, refused): (Vec<Heard>, Vec<Heard>) =
        heard.into_iter().partition(|heard| heard.status == 200);
    assert!(refused.iter().all(|heard| heard.status == 503 && heard.header("x-should-retry") == "false"));
    // Those that were refused moved on once, too.
    let asked = asked(&rig);
    let charged = charged(&answered, asked) - 2 * refused.len() as u64;
    assert!((10..=20 + reserve).contains(&charged), "{charged} attempts charged, {asked:?} in all");
    assert_eq!(asked[2], answered.len() as u64);
    let scrape = rig.application.scrape().await;
    assert!(scrape.sum("sidestep_retry_budget_exhausted_total", &[]) > 0.0);
    assert_eq!(scrape.sum("sidestep_requests_total", &["outcome=\"failed\""]), refused.len() as f64);
    rig.stop().await;
}
