//! What a rescue has cost, and to whom.

use std::collections::BTreeMap;

use serde_json::Value;
use sidestep_simulator::Fault;
use sidestep_tests::{Heard, Rig};

use crate::{WAYS, ask, first};

/// The last usage that the answer tells: input from no cache, and output.
fn told(heard: &Heard) -> (f64, f64) {
    let events = heard.events();
    let mut usages = events.iter().flat_map(|event| [&event["usage"], &event["response"]["usage"]]);
    let usage = usages.rfind(|usage| usage.is_object()).unwrap();
    let count = |names: [&str; 2]| names.iter().find_map(|name| usage[name].as_f64()).unwrap_or_default();
    let cached = ["prompt_tokens_details", "input_tokens_details"]
        .iter()
        .find_map(|name| usage[name].get("cached_tokens").and_then(Value::as_f64));
    let input = count(["input_tokens", "prompt_tokens"]) - cached.unwrap_or_default();
    (input, count(["output_tokens", "completion_tokens"]))
}

/// The body tells the sum, and the metrics whose share it is.
#[tokio::test]
async fn tokens_are_summed_in_the_body_and_told_apart_in_the_metrics() {
    for (path, model) in WAYS {
        let (rig, what) = (Rig::start().await, format!("{path} {model}"));
        first(&rig, model).faults().set("*", Fault::cut(60)).unwrap();
        let heard = ask(&rig, path, model).await;
        let scrape = rig.application.scrape().await;
        let mut shares = BTreeMap::new();
        for model in ["opus", "gpt"] {
            let share = ["input", "output"].map(|kind| {
                scrape.sum(
                    "sidestep_tokens_total",
                    &[&format!("model=\"{model}\""), &format!("kind=\"{kind}\"")],
                )
            });
            assert!(share.iter().all(|tokens| *tokens > 0.0), "{what}: {model} {share:?}");
            shares.insert(model, share);
        }
        let sum = |kind: usize| shares.values().map(|share| share[kind]).sum::<f64>();
        assert_eq!(told(&heard), (sum(0), sum(1)), "{what}: {}", heard.text);
        // So is the time: each attempt has its own.
        for family in ["sidestep_attempt_duration_seconds_count", "sidestep_first_token_seconds_count"] {
            for model in ["opus", "gpt"] {
                assert_eq!(
                    scrape.sum(family, &[&format!("model=\"{model}\"")]),
                    1.0,
                    "{what} {family} {model}"
                );
            }
        }
        assert_eq!(scrape.sum("sidestep_requests_total", &["outcome=\"rescued\""]), 1.0, "{what}");
        assert_eq!(scrape.sum("sidestep_rerouted_total", &[]), 0.0, "{what}");
        rig.stop().await;
    }
}
