//! The spans of calls: who belongs to whom, when, and what is said of each.

use http::HeaderValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use sidestep_simulator::{Fault, Planned};
use sidestep_tests::{Provider, Rig};

use crate::collector::{Collector, attribute};
use crate::{KEYS, PROMPT, call, call_for, rig, stop, traced};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const TYPE: &str = "content-type: application/json\r\n";
const CONFIG: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers: { anthropic: { base_url: "http://{provider}", api_key: test } }
models: { opus: { provider: anthropic, model: claude-opus-5-5 } }
routes: [{ match: "claude-opus-*", targets: [opus], single_provider: true }]
probes: { enabled: false }
"#;

/// A call's span and its attempts': kinds, names, one trace, and times that lie in each other.
fn assert_tree(spans: &[Span], roles: &[&str]) {
    let (call, attempts) = spans.split_first().unwrap();
    assert_eq!(call.kind, i32::from(SpanKind::Server));
    assert_eq!(call.name, format!("chat {}", attribute(&call.attributes, "gen_ai.request.model")));
    assert!(call.start_time_unix_nano <= call.end_time_unix_nano);
    let told: Vec<_> = attempts.iter().map(|span| attribute(&span.attributes, "sidestep.role")).collect();
    assert_eq!(told, roles);
    for span in attempts {
        assert_eq!((span.kind, &span.trace_id), (i32::from(SpanKind::Client), &call.trace_id));
        assert_eq!((span.span_id.len(), span.trace_id.len()), (8, 16));
        let inside = call.start_time_unix_nano <= span.start_time_unix_nano
            && span.start_time_unix_nano <= span.end_time_unix_nano
            && span.end_time_unix_nano <= call.end_time_unix_nano;
        assert!(inside, "{call:#?}\n{span:#?}");
        for event in &span.events {
            let times = span.start_time_unix_nano..=span.end_time_unix_nano;
            assert!(times.contains(&event.time_unix_nano), "{span:#?}");
        }
    }
    let mut names: Vec<_> = spans.iter().map(|span| &span.span_id).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), spans.len(), "two spans have the same name");
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().unwrap().code == i32::from(StatusCode::Error)
}

fn events(span: &Span) -> Vec<&str> {
    span.events.iter().map(|event| event.name.as_str()).collect()
}

/// `told` is `key=value` pairs; a value that is empty is absent.
#[track_caller]
fn assert_says(span: &Span, told: &str) {
    for (key, value) in told.split_whitespace().filter_map(|pair| pair.split_once('=')) {
        assert_eq!(attribute(&span.attributes, key), value, "{key} of {span:#?}");
    }
}

fn tokens(span: &Span) -> u64 {
    attribute(&span.attributes, "gen_ai.usage.output_tokens").parse().unwrap()
}

/// Ends it all. Nothing that was said and no key is in anything that was sent.
async fn end(rig: Rig, collector: &Collector) {
    stop(rig).await;
    for post in collector.posts() {
        let sent = String::from_utf8_lossy(&post.body).into_owned();
        assert!(sent.contains("claude-opus-"), "not what it should be");
        for secret in [PROMPT, KEYS[0], KEYS[1], "Bearer"] {
            assert!(!sent.contains(secret), "{secret} was sent");
        }
    }
}

#[tokio::test]
async fn a_call_of_the_applications_trace_goes_on_in_it() {
    let collector = Collector::start().await;
    let rig = rig(&collector, ", sample: 0").await;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let heard = call(&rig, true, &[("traceparent", &parent), ("tracestate", "vendor=1")]).await;
    let spans = traced(&collector, &heard).await;
    assert_tree(&spans, &["first"]);
    let [own, attempt] = &spans[..] else { panic!() };
    assert_eq!((hex(&own.trace_id).as_str(), hex(&own.parent_span_id).as_str()), (TRACE, PARENT));
    assert_eq!(own.trace_state, "vendor=1");
    assert_says(
        own,
        "gen_ai.operation.name=chat gen_ai.provider.name=anthropic gen_ai.request.model=claude-opus-5-5 \
         gen_ai.response.model=claude-opus-5-5 http.response.status_code=200 error.type= sidestep.route=claude-opus-* \
         sidestep.outcome=answered sidestep.upstream=opus sidestep.streamed=true sidestep.dialect=anthropic",
    );
    assert_says(
        attempt,
        "gen_ai.provider.name=anthropic server.address=127.0.0.1 http.response.status_code=200 error.type= \
         sidestep.provider=anthropic sidestep.model=opus sidestep.verdict=healthy sidestep.class=ok",
    );
    assert_says(attempt, &format!("server.port={}", rig.anthropic.addr().port()));
    assert!(tokens(own) > 0 && tokens(own) == tokens(attempt));
    assert!(!is_error(own) && !is_error(attempt));
    assert_eq!((events(own), events(attempt)), (vec!["sidestep.commit"], vec!["sidestep.first_token"]));
    end(rig, &collector).await;
}

#[tokio::test]
async fn what_the_application_does_not_trace_is_not_and_the_others_by_the_share() {
    let collector = Collector::start().await;
    for (sample, expected) in [(0, 1), (1, 2)] {
        let before = collector.spans().len();
        let rig = rig(&collector, &format!(", sample: {sample}")).await;
        for flags in ["00", "01"] {
            call(&rig, true, &[("traceparent", &format!("00-{TRACE}-{PARENT}-{flags}"))]).await;
        }
        call(&rig, true, &[]).await;
        // The last batch goes out at the end.
        end(rig, &collector).await;
        assert_eq!(collector.spans().len() - before, expected * 2, "sample: {sample}");
    }
    let post = &collector.posts()[0];
    assert_eq!(post.path, "/v1/traces");
    assert_eq!(
        (&post.headers["x-key"], &post.headers["content-type"]),
        (&KEYS[1].parse().unwrap(), &PROTOBUF)
    );
    let resource = post.request().resource_spans.swap_remove(0).resource.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    for (key, value) in [("service.name", "sidestep"), ("service.version", version), ("tier", "test")] {
        assert_eq!(attribute(&resource.attributes, key), value);
    }
}

#[tokio::test]
async fn a_call_that_moved_is_told_attempt_by_attempt() {
    let collector = Collector::start().await;
    let rig = rig(&collector, "").await;
    call(&rig, false, &[]).await;
    let faults = rig.anthropic.faults();
    faults.set("*", Planned::from(Fault::status(529)).at_most(1)).unwrap();
    let spans = traced(&collector, &call(&rig, false, &[]).await).await;
    assert_tree(&spans, &["first", "reroute"]);
    assert_says(
        &spans[0],
        "sidestep.outcome=rerouted sidestep.fallback_reason=overload sidestep.upstream=gpt",
    );
    assert_says(
        &spans[0],
        "sidestep.attempts=2 gen_ai.provider.name=openai gen_ai.response.model=gpt-6.1-sol",
    );
    assert_says(&spans[1], "error.type=overload http.response.status_code=529 gen_ai.usage.output_tokens=");
    assert_says(&spans[2], "error.type= gen_ai.provider.name=openai gen_ai.request.model=gpt-6.1-sol");
    assert_eq!([&spans[0], &spans[1], &spans[2]].map(is_error), [false, true, false]);

    faults.set("*", Planned::from(Fault::status(500)).at_most(1)).unwrap();
    let spans = traced(&collector, &call(&rig, false, &[]).await).await;
    assert_tree(&spans, &["first", "retry"]);
    assert_says(&spans[1], "error.type=status http.response.status_code=500 sidestep.model=opus");
    assert_says(&spans[2], "sidestep.model=opus sidestep.class=ok");
    end(rig, &collector).await;
}

#[tokio::test]
async fn a_call_that_was_hedged_has_two_attempts_at_once() {
    let collector = Collector::start().await;
    let rig = rig(&collector, "").await;
    rig.anthropic.faults().set("*", Planned::from(Fault::NoAnswer {}).at_most(1)).unwrap();
    let spans = traced(&collector, &call(&rig, true, &[]).await).await;
    assert_tree(&spans, &["first", "hedge"]);
    assert_eq!(events(&spans[0]), ["sidestep.hedge", "sidestep.commit"]);
    assert_says(&spans[0], "sidestep.fallback_reason=late sidestep.upstream=gpt");
    // Nobody knows of the loser but that it was not wanted any more, or that it was far slower than ever.
    assert_says(&spans[1], "error.type= http.response.status_code=");
    assert!(spans[2].start_time_unix_nano < spans[1].end_time_unix_nano);
    assert_eq!([&spans[0], &spans[1], &spans[2]].map(is_error), [false; 3]);
    end(rig, &collector).await;
}

#[tokio::test]
async fn a_rescued_call_says_who_began_and_who_went_on_and_a_refused_one_why() {
    let collector = Collector::start().await;
    let rig = rig(&collector, "").await;
    let cut = Fault::Cut { after: 25, clean: false, torn: true };
    rig.anthropic.faults().set("*", Planned::from(cut).at_most(1)).unwrap();
    let spans = traced(&collector, &call_for("claude-opus-4-6", &rig, true, &[]).await).await;
    assert_tree(&spans, &["first", "rescue"]);
    assert_eq!(events(&spans[0]), ["sidestep.commit", "sidestep.rescue"]);
    assert_says(&spans[0], "sidestep.outcome=rescued sidestep.broke_off=truncated sidestep.rescue=rescued");
    assert_says(&spans[0], "sidestep.rescued_by=gpt http.response.status_code=200 error.type=");
    assert_says(&spans[1], "error.type=truncated http.response.status_code=200");
    assert_eq!(tokens(&spans[0]), tokens(&spans[1]) + tokens(&spans[2]), "both are paid for");
    assert_eq!([&spans[0], &spans[1], &spans[2]].map(is_error), [false, true, false]);

    for provider in ["anthropic", "openai", "xai"] {
        rig.application.disable(provider, "a test").await;
    }
    let spans = traced(&collector, &call(&rig, true, &[]).await).await;
    assert_tree(&spans, &[]);
    assert_says(&spans[0], "sidestep.outcome=refused error.type=disabled sidestep.attempts=0");
    assert_says(&spans[0], "http.response.status_code=503 sidestep.upstream= gen_ai.usage.output_tokens=");
    assert!(is_error(&spans[0]));
    end(rig, &collector).await;
}

#[tokio::test]
async fn providers_are_told_the_trace_only_where_that_is_configured() {
    let collector = Collector::start().await;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let answer = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","stop_reason":"end_turn",
        "content":[{"type":"text","text":"yes"}],"usage":{"input_tokens":3,"output_tokens":1}}"#;
    for propagate in [false, true] {
        let provider = Provider::saying(&Provider::response("200 OK", TYPE, answer), None).await;
        let config = CONFIG.replace("{provider}", &provider.address.to_string());
        let section =
            format!("telemetry: {{ endpoint: \"http://{}\", propagate: {propagate} }}", collector.address);
        let rig = Rig::builder().config(&config).with(&section).start().await;
        let headers = [("traceparent", &*parent), ("tracestate", "vendor=1"), ("baggage", "user=7")];
        let spans = traced(&collector, &call(&rig, false, &headers).await).await;
        assert_tree(&spans, &["first"]);
        let asked = provider.heard().pop().unwrap();
        let told = asked.lines().find_map(|line| line.strip_prefix("traceparent: "));
        let own = format!("00-{TRACE}-{}-01", hex(&spans[1].span_id));
        assert_eq!(told, propagate.then_some(&*own), "{asked}");
        assert!(!asked.contains("tracestate") && !asked.contains("baggage"), "{asked}");
        stop(rig).await;
    }
}
