//! What is told beside an outage.

use sidestep_simulator::{Fault, Vendor};
use sidestep_tests::{Application, Rig, eventually};

use crate::{QUICK, knows, receiver, told_of};

async fn hooked(rig: sidestep_tests::RigBuilder) -> (Rig, sidestep_tests::Provider) {
    let hook = receiver().await;
    let section =
        format!("notify: {{ targets: {{ hook: {{ kind: webhook, url: 'http://{}/' }} }} }}", hook.address);
    (rig.with(&section).start().await, hook)
}

async fn ask(application: &Application) -> http::StatusCode {
    let body = Application::messages("claude-opus-5-5", "Why?", false);
    application.post("/v1/messages", &body).await.status
}

#[tokio::test]
async fn routes_without_any_target_are_one_message_and_so_is_the_end() {
    let (rig, hook) = hooked(Rig::builder().config(QUICK)).await;
    for simulator in [&rig.anthropic, &rig.openai] {
        simulator.faults().set("*", Fault::status(500)).unwrap();
    }
    eventually("it is told", async || {
        ask(&rig.application).await;
        let haiku = Application::messages("claude-haiku-5-5", "Why?", false);
        rig.application.post("/v1/messages", &haiku).await;
        knows(&hook, "nothing_eligible", "began")
    })
    .await;
    rig.anthropic.faults().clear_all();
    rig.openai.faults().clear_all();
    eventually("its end is told", async || {
        ask(&rig.application).await;
        knows(&hook, "nothing_eligible", "over")
    })
    .await;
    let told = told_of(&hook, "nothing_eligible");
    let states: Vec<_> = told.iter().map(|object| object["state"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "began").count(), 1, "{states:?}");
    assert_eq!((told[0]["severity"].as_str(), states.last()), (Some("critical"), Some(&"over")));
    let facts = told[0]["facts"].to_string();
    assert!(facts.contains("claude-") && facts.contains("gpt "), "{facts}");
    let labels = told.last().unwrap()["labels"].to_string();
    assert!(labels.contains("SidestepNothingEligible") && labels.contains("\"route\":\"claude-"), "{labels}");
    rig.stop().await;
}

#[tokio::test]
async fn a_refused_key_is_told_as_that_and_not_as_an_outage() {
    let vendor = Vendor::anthropic().with_key("sk-another");
    let (rig, hook) = hooked(Rig::builder().config(QUICK).anthropic(vendor)).await;
    eventually("it is told", async || {
        assert_eq!(ask(&rig.application).await, 200);
        knows(&hook, "credential_refused", "began")
    })
    .await;
    let told = told_of(&hook, "credential_refused");
    assert_eq!((&told[0]["severity"], told.len()), (&"critical".into(), 1));
    assert!(told[0]["title"].as_str().unwrap().contains("anthropic: a credential is refused"), "{}", told[0]);
    assert_eq!(told_of(&hook, "opened").len(), 0);
    rig.stop().await;
}

#[tokio::test]
async fn a_spent_probe_budget_is_told_once() {
    let budget = "suspect_interval: 100ms, budget: { tokens_per_day: 100 } }";
    let config = QUICK.replace("suspect_interval: 100ms }", budget);
    let (rig, hook) = hooked(Rig::builder().config(&config)).await;
    eventually("it is told", async || knows(&hook, "probe_budget_spent", "began")).await;
    let told = told_of(&hook, "probe_budget_spent");
    let summary = told[0]["summary"].as_str().unwrap();
    assert!(summary.contains("the probe budget is spent, ") && summary.contains(" tokens and "), "{summary}");
    assert_eq!(told.len(), 1);
    let withheld = rig.application.scrape().await.sum("sidestep_probes_withheld_total", &[]);
    assert!(withheld >= 1.0, "{withheld}");
    rig.stop().await;
}

#[tokio::test]
async fn what_an_operator_switches_off_is_not_told_but_that_nothing_is_left_is() {
    let (rig, hook) = hooked(Rig::builder().config(QUICK)).await;
    assert_eq!(rig.application.disable("anthropic", "maintenance").await.status, 200);
    assert_eq!(rig.application.disable("openai", "by mistake").await.status, 200);
    eventually("it is told", async || knows(&hook, "nothing_eligible", "began")).await;
    assert_eq!(told_of(&hook, "opened").len(), 0);
    rig.stop().await;
}
