//! Traces over the wire, as a collector decodes them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test, in its helpers, too")]

mod collector;
mod failing;
mod tree;

use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use sidestep_tests::{Application, Heard, Rig, eventually};

use collector::{Collector, attribute};

/// Stands in every prompt; the simulated providers repeat it in every answer.
const PROMPT: &str = "marmalade-on-the-moon";
/// The application's own key, and the collector's.
const KEYS: [&str; 2] = ["sk-the-applications-own", "the-collectors-own"];

/// Sidestep that sends traces to `collector`, with `more` in its section.
async fn rig(collector: &Collector, more: &str) -> Rig {
    let section = format!(
        "telemetry: {{ endpoint: \"http://{}\", headers: {{ x-key: {} }}, resource: {{ tier: test }}{more} }}",
        collector.address, KEYS[1]
    );
    // Where a stream must not be hedged, however slow the machine.
    let patient = "{ match: \"claude-opus-4*\", targets: [opus, gpt], hedge: false }";
    Rig::builder().with(&section).with_route(patient).start().await
}

async fn call(rig: &Rig, stream: bool, headers: &[(&str, &str)]) -> Heard {
    call_for("claude-opus-5-5", rig, stream, headers).await
}

async fn call_for(model: &str, rig: &Rig, stream: bool, headers: &[(&str, &str)]) -> Heard {
    let (key, body) = ([("x-api-key", KEYS[0])], Application::messages(model, PROMPT, stream));
    rig.application.post_with("/v1/messages", &body, &[&key, headers].concat()).await
}

/// The spans of the call with this answer, its own first, once they are there.
async fn traced(collector: &Collector, heard: &Heard) -> Vec<Span> {
    let id = heard.header("request-id").to_owned();
    let own = |span: &Span| attribute(&span.attributes, "sidestep.request_id") == id;
    eventually("the call is traced", async || collector.spans().iter().any(own)).await;
    let spans = collector.spans();
    let call = spans.iter().find(|span| own(span)).unwrap().clone();
    let attempts = spans.into_iter().filter(|span| span.parent_span_id == call.span_id);
    [call.clone()].into_iter().chain(attempts).collect()
}

/// What the metrics say of spans.
async fn counted(rig: &Rig, result: &str) -> f64 {
    rig.application.scrape().await.sum("sidestep_spans_total", &[&format!("result=\"{result}\"")])
}

/// Ends it all, with time enough for a slow machine and not for one that hangs.
async fn stop(rig: Rig) {
    tokio::time::timeout(Duration::from_secs(30), rig.stop()).await.unwrap();
}
