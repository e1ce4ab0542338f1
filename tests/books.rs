//! The metrics are a ledger: after a run in which everything went wrong that can, it balances with what the
//! application and the providers saw themselves.
#![cfg(test)]

use std::collections::BTreeMap;

use futures_util::future::join_all;
use http_body_util::BodyExt;
use serde_json::Value;
use sidestep_simulator::{Fault, Planned, Simulator};
use sidestep_tests::{Application, Heard, Rig, Scrape, eventually};

const PATHS: [&str; 2] = ["/v1/messages", "/v1/chat/completions"];
const MODELS: [&str; 4] = ["claude-opus-5-5", "claude-haiku-5-5", "gpt-6.1-sol", "no-such-model"];

fn body(path: &str, model: &str, stream: bool) -> Value {
    let mut body = match path {
        "/v1/messages" => Application::messages(model, "Tell me of lighthouses.", stream),
        _ => Application::chat(model, "Tell me of lighthouses.", stream),
    };
    if stream && path != "/v1/messages" {
        body["stream_options"] = serde_json::json!({"include_usage": true});
    }
    body
}

fn trouble(simulator: &Simulator) {
    let faults = [
        (Fault::status(500), 0.08),
        (Fault::status(529), 0.04),
        (Fault::status(400), 0.06),
        (Fault::status_after(429, std::time::Duration::from_secs(1)), 0.02),
        (Fault::Reset {}, 0.05),
        (Fault::Html { status: 200 }, 0.03),
        (Fault::Cut { after: 6, clean: false, torn: true }, 0.08),
        (Fault::InBandError { after: 6, status: 529 }, 0.05),
        (Fault::Gzip {}, 0.2),
    ];
    let planned = faults.into_iter().map(|(fault, rate)| Planned::from(fault).at_rate(rate));
    simulator.faults().set_all("*", planned.collect()).unwrap();
}

/// How the call went, as the application sees it, in the words of the metric's label.
fn outcome(heard: &Heard) -> &'static str {
    match heard.status.as_u16() {
        200 if heard.tells_error() || !heard.whole => "cut",
        200 if heard.text.contains("\n: sidestep-rescued-by=") => "rescued",
        200 if heard.header("sidestep-fallback-reason").is_empty() => "answered",
        200 => "rerouted",
        404 => "refused",
        400 => "rejected",
        // Of these the headers tell: only what was asked for in vain has no word on eligibility.
        _ if heard.text.contains("well enough") || heard.text.contains("in flight") => "refused",
        _ => "failed",
    }
}

/// What the answers themselves report as output.
fn output_tokens(heard: &Heard) -> f64 {
    let events = if heard.header("content-type").starts_with("text/event-stream") {
        heard.events()
    } else {
        vec![heard.json()]
    };
    let told = events.iter().filter_map(|event| {
        event["usage"]["output_tokens"].as_f64().or_else(|| event["usage"]["completion_tokens"].as_f64())
    });
    told.fold(0.0, f64::max)
}

async fn leave_early(rig: &Rig, path: &str) {
    let mut response = rig.application.open(path, &body(path, "claude-opus-5-5", true), &[]).await;
    assert_eq!(response.status(), 200);
    assert!(response.body_mut().frame().await.unwrap().is_ok());
}

fn assert_attempts_balance(rig: &Rig, scrape: &Scrape) {
    for (provider, simulator) in [("anthropic", &rig.anthropic), ("openai", &rig.openai), ("xai", &rig.xai)] {
        let label = format!("provider=\"{provider}\"");
        let counted = scrape.sum("sidestep_attempts_total", &[&label]);
        assert_eq!(counted, simulator.attempts().count() as f64, "{provider}");
        assert_eq!(scrape.sum("sidestep_attempt_duration_seconds_count", &[&label]), counted, "{provider}");
    }
    assert_eq!(scrape.sum("sidestep_in_flight", &[]), 0.0);
    assert_eq!(scrape.sum("sidestep_evidence_dropped_total", &[]), 0.0);
}

/// Every break is either made good or told, but for those of continuations, which are told with the first.
fn assert_breaks_balance(scrape: &Scrape, seen: &Seen) {
    let told = |outcome: &str| scrape.sum("sidestep_rescues_total", &[&format!("outcome=\"{outcome}\"")]);
    let (cut, rescued) = (seen.outcomes["cut"], seen.outcomes["rescued"]);
    assert_eq!(scrape.sum("sidestep_rescues_total", &[]), cut + rescued);
    assert_eq!(told("rescued"), rescued);
    assert_eq!(scrape.sum("sidestep_streams_cut_total", &[]), cut + rescued + told("broken"));
    // What broke off cost something too, at most a token for each character.
    let tokens = scrape.sum("sidestep_tokens_total", &["kind=\"output\""]) - seen.tokens;
    assert!((0.0..=seen.unfinished + cut).contains(&tokens), "{tokens} for {}", seen.unfinished);
}

/// What the application saw of the whole run.
#[derive(Default)]
struct Seen {
    outcomes: BTreeMap<&'static str, f64>,
    dialects: [f64; 2],
    /// Answers that name a reason for not being the first choice's, whole or cut.
    from_elsewhere: f64,
    attempts: f64,
    tokens: f64,
    /// Of answers that broke off, in characters.
    unfinished: f64,
}

impl Seen {
    fn note(&mut self, heard: &Heard) {
        let outcome = outcome(heard);
        *self.outcomes.entry(outcome).or_default() += 1.0;
        let elsewhere = heard.status == 200 && !heard.header("sidestep-fallback-reason").is_empty();
        self.from_elsewhere += f64::from(u8::from(elsewhere));
        self.attempts += heard.header("sidestep-attempts").parse().unwrap_or(0.0);
        match outcome {
            "answered" | "rerouted" | "rescued" => self.tokens += output_tokens(heard),
            "cut" => self.unfinished += heard.said().chars().count() as f64,
            _ => {}
        }
    }

    fn total(&self) -> f64 {
        self.outcomes.values().sum()
    }
}

/// One call of each ending, so that no ending is left to luck: what comes later depends on draws, and on how soon
/// models open.
async fn one_of_each(rig: &Rig, seen: &mut Seen) {
    let all = [&rig.anthropic, &rig.openai, &rig.xai];
    let cut = || Fault::Cut { after: 6, clean: false, torn: true };
    let chapters: [(&str, &str, Option<Fault>, bool); 6] = [
        ("answered", "claude-opus-5-5", None, false),
        ("rescued", "claude-opus-5-5", Some(cut()), false),
        ("cut", "claude-haiku-5-5", Some(cut()), true),
        ("rerouted", "claude-opus-5-5", Some(Fault::status(529)), false),
        ("rejected", "claude-opus-5-5", Some(Fault::status(400)), true),
        ("refused", "no-such-model", None, false),
    ];
    for (expected, model, fault, everywhere) in chapters {
        for simulator in all.into_iter().take(if everywhere { 3 } else { 1 }) {
            simulator.faults().set_all("*", fault.clone().map(Planned::from).into_iter().collect()).unwrap();
        }
        let heard = rig.application.post(PATHS[0], &body(PATHS[0], model, true)).await;
        assert_eq!(outcome(&heard), expected, "{}", heard.text);
        seen.dialects[0] += 1.0;
        seen.note(&heard);
        all.iter().for_each(|simulator| simulator.faults().set_all("*", Vec::new()).unwrap());
    }
}

/// Calls of every kind at once, wave after wave, while all providers are in trouble.
async fn run(rig: &Rig, seen: &mut Seen) {
    for simulator in [&rig.anthropic, &rig.openai, &rig.xai] {
        trouble(simulator);
    }
    for wave in 0..12 {
        let calls = (0..25).map(|number| {
            let call = wave * 25 + number;
            let path = PATHS[call % 2];
            let body = body(path, MODELS[call / 2 % 4], call % 3 != 0);
            seen.dialects[call % 2] += 1.0;
            let application = rig.application.clone();
            async move { application.post(path, &body).await }
        });
        let all = join_all(calls).await;
        all.iter().for_each(|heard| seen.note(heard));
    }
}

#[tokio::test]
async fn every_call_and_every_attempt_is_counted_once() {
    let rig = Rig::start().await;
    // Some leave while their answer is still coming.
    rig.anthropic.faults().set("*", Fault::SlowTokens { per_second: 1.0 }).unwrap();
    join_all((0..6).map(|number| leave_early(&rig, PATHS[number % 2]))).await;
    let mut seen =
        Seen { dialects: [3.0; 2], outcomes: BTreeMap::from([("cancelled", 6.0)]), ..Seen::default() };
    one_of_each(&rig, &mut seen).await;
    run(&rig, &mut seen).await;
    let all = ["answered", "rerouted", "rescued", "cut", "rejected", "refused", "cancelled"];
    eventually("those who left are settled", async || {
        rig.application.scrape().await.sum("sidestep_in_flight", &[]) == 0.0
    })
    .await;
    let scrape = rig.application.scrape().await;
    for outcome in all.into_iter().chain(["failed"]) {
        let counted = scrape.sum("sidestep_requests_total", &[&format!("outcome=\"{outcome}\"")]);
        assert_eq!(
            counted,
            seen.outcomes.get(outcome).copied().unwrap_or(0.0),
            "{outcome}: {:?}",
            seen.outcomes
        );
    }
    for (dialect, calls) in ["anthropic", "openai"].into_iter().zip(seen.dialects) {
        let counted = scrape.sum("sidestep_requests_total", &[&format!("dialect=\"{dialect}\"")]);
        assert_eq!(counted, calls, "{dialect}");
    }
    assert_eq!(scrape.sum("sidestep_requests_total", &[]), seen.total());
    assert_eq!(scrape.sum("sidestep_request_duration_seconds_count", &[]), seen.total());
    assert_eq!(scrape.sum("sidestep_rerouted_total", &[]), seen.from_elsewhere);
    assert_breaks_balance(&scrape, &seen);
    // Answers say how many attempts they took; those of calls without an answer are known to the providers only.
    assert!(
        seen.attempts <= scrape.sum("sidestep_attempts_total", &[]),
        "{} attempts were told",
        seen.attempts
    );
    assert_attempts_balance(&rig, &scrape);
    rig.stop().await;
}
