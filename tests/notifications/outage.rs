//! A provider fails as a whole and recovers: one trouble, whoever is told of it and however many models it has.

use std::cell::Cell;

use serde_json::{Value, json};
use sidestep_simulator::Fault;
use sidestep_tests::{Provider, Rig, eventually};

use crate::{QUICK, call, knows, receiver, told, told_of};

fn section(chat: &Provider, hook: &Provider, alerts: &Provider) -> String {
    format!(
        "notify:
  status_url: https://status.example.com/
  service: shop
  instance: pod-1
  targets:
    chat: {{ kind: slack, url: 'http://{}/services/hush' }}
    hook: {{ kind: webhook, url: 'http://{}/', token: hush-token }}
    alerts: {{ kind: alertmanager, url: 'http://{}/prefix/' }}",
        chat.address, hook.address, alerts.address
    )
}

#[tokio::test]
async fn an_outage_of_two_models_is_told_once_and_its_end_once_at_each_receiver() {
    let (chat, hook, alerts) = tokio::join!(receiver(), receiver(), receiver());
    let rig = Rig::builder().config(QUICK).with(&section(&chat, &hook, &alerts)).start().await;
    let rerouted = Cell::new(call(&rig.application).await);
    rig.anthropic.faults().set("*", Fault::status(529)).unwrap();
    eventually("both are open", async || {
        rerouted.set(rerouted.get() + call(&rig.application).await);
        let (opus, haiku) = (rig.application.standing("opus").await, rig.application.standing("haiku").await);
        opus["share"] == 0.0 && haiku["share"] == 0.0
    })
    .await;
    eventually("everybody is told", async || {
        knows(&hook, "opened", "began") && !told(&chat).is_empty() && !told(&alerts).is_empty()
    })
    .await;
    let before = rig.application.admin("/incidents").await.json();
    assert_eq!(before["incidents"].as_array().unwrap().len(), 1, "{before}");
    rig.anthropic.faults().clear_all();
    eventually("its end is told", async || {
        rerouted.set(rerouted.get() + call(&rig.application).await);
        knows(&hook, "opened", "over") && told(&chat).len() >= 2 && is_over(&alerts)
    })
    .await;
    let id = before["incidents"][0]["id"].as_str().unwrap();
    let record = rig.application.admin(&format!("/incidents/{id}")).await.json();
    assert_objects(&hook, &record);
    let told = told_of(&hook, "opened").pop().unwrap()["numbers"]["rerouted"].as_f64().unwrap();
    assert_eq!(told, rerouted.get() as f64, "the calls that others answered");
    assert_chat(&chat, id);
    assert_alerts(&alerts);
    assert_eq!(told_of(&hook, "nothing_eligible"), Vec::<Value>::new());
    assert!(hook.heard()[0].contains("\r\nauthorization: Bearer hush-token\r\n"), "{}", hook.heard()[0]);
    assert_scrape(&rig).await;
    rig.stop().await;
}

fn is_over(alerts: &Provider) -> bool {
    let summary = |post: &Value| post[0]["annotations"]["summary"].as_str().unwrap().to_owned();
    told(alerts).iter().any(|post| summary(post).starts_with("Restored: "))
}

fn assert_objects(hook: &Provider, record: &Value) {
    let objects = told_of(hook, "opened");
    let in_state = |state: &str| objects.iter().filter(|object| object["state"] == state).collect::<Vec<_>>();
    let ([began], [over]) = (&in_state("began")[..], &in_state("over")[..]) else { panic!("{objects:#?}") };
    for object in [began, over] {
        assert_eq!((&object["incident"], &object["began"].is_string()), (&record["id"], &true), "{object}");
        assert_eq!((&object["service"], &object["instance"]), (&"shop".into(), &"pod-1".into()));
        assert_eq!(object["labels"], json!([{ "alertname": "SidestepIncident", "provider": "anthropic" }]));
    }
    assert_eq!((&began["ended"], &began["severity"]), (&Value::Null, &"warning".into()));
    let seconds = record["ended"].as_f64().unwrap() - record["started"].as_f64().unwrap();
    assert!((over["lasted_seconds"].as_f64().unwrap() - seconds).abs() < 0.01, "{over}\n{record}");
    assert_eq!(over["numbers"]["models"], 2.0, "{over}");
    let facts = over["facts"].to_string();
    assert!(facts.contains("opus: open, now healthy") && facts.contains("haiku: "), "{facts}");
}

fn assert_chat(chat: &Provider, id: &str) {
    let messages = told(chat);
    let header = |message: &Value| message["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
    let restored = messages.iter().filter(|message| header(message).contains("Restored: ")).count();
    // Its second model may have joined late on a slow machine.
    assert!(restored == 1 && (2..=3).contains(&messages.len()), "{messages:#?}");
    for message in &messages {
        let text = message["text"].as_str().unwrap();
        assert!(text.contains("anthropic") && text.contains(id) && text.contains("pod-1"), "{text}");
        assert!(text.contains("<https://status.example.com/|Status page>"), "{text}");
    }
    assert!(chat.heard()[0].starts_with("POST /services/hush HTTP/1.1\r\n"), "{}", chat.heard()[0]);
}

fn assert_alerts(alerts: &Provider) {
    let labels = json!({ "alertname": "SidestepIncident", "provider": "anthropic", "service": "shop", "severity": "warning" });
    for post in told(alerts) {
        assert_eq!(post.as_array().unwrap().len(), 1, "{post}");
        assert_eq!(post[0]["labels"], labels);
        assert_eq!(post[0]["generatorURL"], "https://status.example.com/");
    }
    assert!(
        alerts.heard()[0].starts_with("POST /prefix/api/v2/alerts HTTP/1.1\r\n"),
        "{}",
        alerts.heard()[0]
    );
}

async fn assert_scrape(rig: &Rig) {
    let count = async |target: &str, label: &str| {
        let target = format!("target=\"{target}\"");
        rig.application.scrape().await.sum("sidestep_notifications_total", &[&target, label])
    };
    for target in ["chat", "hook", "alerts"] {
        // Two at least: what began, and that it is over; a second model may have joined late on a slow machine.
        let sent = async || count(target, "outcome=\"sent\"").await;
        eventually("what arrived is counted", async || (2.0..=3.0).contains(&sent().await)).await;
        assert_eq!(count(target, "outcome=\"failed\"").await, 0.0);
        assert_eq!(count(target, "outcome=\"dropped\"").await, 0.0);
    }
}
