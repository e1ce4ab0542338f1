//! Recorded calls as OTLP spans, named as the semantic conventions for generative AI have it where they have a name.
//! Nothing of what was said is in any of them.

use http::Uri;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use sidestep_dialect::{Flavor, Usage};
use sidestep_table::Class;
use tokio::time::Instant;

use super::attributes::Attributes;
use super::recording::{AttemptFacts, Recorded, Role, Root, Start};
use crate::metrics::Outcome;
use crate::upstream::Upstream;

/// What every dialect that fails over does (`gen_ai.operation.name`).
const OPERATION: &str = "chat";
/// The flags that OTLP takes from W3C Trace Context: sampled, and whether the parent is known to be elsewhere.
const SAMPLED: u32 = 0x1;
const PARENT_IS_TOLD: u32 = 0x100;
const PARENT_IS_REMOTE: u32 = 0x200;

/// The spans of a call: its own first, then its attempts as they began.
pub(super) fn spans(mut call: Recorded) -> Vec<Span> {
    call.attempts.sort_by_key(|attempt| attempt.began);
    let own = own(&call);
    let attempts = call.attempts.iter().map(|attempt| of(attempt, &call.start));
    [own].into_iter().chain(attempts).collect()
}

fn own(call: &Recorded) -> Span {
    let Recorded { start, root, attempts } = call;
    let context = &start.context;
    let remote = if context.parent.is_some() { PARENT_IS_REMOTE } else { 0 };
    Span {
        trace_id: context.trace.to_be_bytes().to_vec(),
        span_id: context.span.to_be_bytes().to_vec(),
        parent_span_id: context.parent.map(|parent| parent.to_be_bytes().to_vec()).unwrap_or_default(),
        trace_state: context.state.clone().unwrap_or_default(),
        flags: SAMPLED | PARENT_IS_TOLD | remote,
        name: format!("{OPERATION} {}", start.requested),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: start.unix(start.began()),
        end_time_unix_nano: start.unix(root.ended),
        attributes: own_attributes(start, root, attempts).into_all(),
        events: events(start, root, attempts),
        status: Some(status(is_failed(root))),
        ..Span::default()
    }
}

fn own_attributes(start: &Start, root: &Root, attempts: &[AttemptFacts]) -> Attributes {
    let chapters = &root.chapters;
    let server = chapters.served_by.as_ref();
    let served = server.and_then(|model| attempts.iter().rev().find(|attempt| attempt.model == *model));
    let (broke_off, rescue) = chapters.broke_off.unzip();
    let lost: Vec<_> = chapters.degraded.iter().map(|lost| &*lost.field).collect();
    let degraded = (!lost.is_empty()).then(|| lost.join(","));
    let error = is_failed(root).then(|| chapters.refusal.or(broke_off).unwrap_or(root.outcome.as_str()));
    usage(Attributes::default(), &chapters.usage)
        .text("gen_ai.operation.name", OPERATION)
        .text("gen_ai.provider.name", served.map(|attempt| provider(&attempt.upstream)))
        .text("gen_ai.request.model", &*start.requested)
        .text("gen_ai.response.model", served.map(|attempt| &*attempt.asked))
        .text("http.request.method", "POST")
        .number("http.response.status_code", root.status.map(u64::from))
        .text("error.type", error)
        .text("sidestep.request_id", &*root.id)
        .text("sidestep.route", &*root.route)
        .text("sidestep.dialect", root.dialect.map(|dialect| dialect.as_str()))
        .text("sidestep.outcome", root.outcome.as_str())
        .flag("sidestep.streamed", root.streamed)
        .text("sidestep.upstream", server.map(|model| &**model))
        .number("sidestep.attempts", chapters.attempts.len() as u64)
        .text("sidestep.fallback_reason", chapters.fallback)
        .text("sidestep.refusal", chapters.refusal)
        .text("sidestep.broke_off", broke_off)
        .text("sidestep.rescue", rescue)
        .text("sidestep.rescued_by", chapters.rescued_by.as_deref())
        .text("sidestep.degraded", degraded.as_deref())
        .text("sidestep.rehearsed", chapters.rehearsed)
}

/// What happened between the attempts.
fn events(start: &Start, root: &Root, attempts: &[AttemptFacts]) -> Vec<Event> {
    let begun = root.chapters.first_word_after.map(|after| start.began() + after);
    let begun =
        begun.map(|at| event("sidestep.commit", start.unix(at.min(root.ended)), Attributes::default()));
    let asked = attempts.iter().filter_map(|attempt| {
        let name = match attempt.role {
            Role::Hedge => "sidestep.hedge",
            Role::Rescue => "sidestep.rescue",
            Role::First | Role::Retry | Role::Reroute => return None,
        };
        let whom = Attributes::default().text("sidestep.model", &*attempt.model);
        Some(event(name, start.unix(attempt.began), whom))
    });
    let mut events: Vec<Event> = begun.into_iter().chain(asked).collect();
    events.sort_by_key(|event| event.time_unix_nano);
    events
}

/// One attempt, as a part of its call.
fn of(attempt: &AttemptFacts, start: &Start) -> Span {
    let at = |instant: Instant| start.unix(instant);
    let first =
        attempt.first_token.map(|first| event("sidestep.first_token", at(first), Attributes::default()));
    Span {
        trace_id: start.context.trace.to_be_bytes().to_vec(),
        span_id: attempt.span.to_be_bytes().to_vec(),
        parent_span_id: start.context.span.to_be_bytes().to_vec(),
        trace_state: start.context.state.clone().unwrap_or_default(),
        flags: SAMPLED | PARENT_IS_TOLD,
        name: format!("{OPERATION} {}", attempt.asked),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: at(attempt.began),
        end_time_unix_nano: at(attempt.ended),
        attributes: attempt_attributes(attempt).into_all(),
        events: first.into_iter().collect(),
        status: Some(status(fault(attempt.class).is_some())),
        ..Span::default()
    }
}

fn attempt_attributes(attempt: &AttemptFacts) -> Attributes {
    let upstream = &attempt.upstream;
    let url: Option<Uri> = upstream.origin().parse().ok();
    let host = url.as_ref().and_then(Uri::host);
    let port = url.as_ref().and_then(Uri::port_u16);
    let by_scheme = if url.as_ref().and_then(Uri::scheme_str) == Some("http") { 80 } else { 443 };
    usage(Attributes::default(), &attempt.usage)
        .text("gen_ai.operation.name", OPERATION)
        .text("gen_ai.provider.name", provider(upstream))
        .text("gen_ai.request.model", &*attempt.asked)
        .text("server.address", host)
        .number("server.port", u64::from(port.unwrap_or(by_scheme)))
        .text("http.request.method", "POST")
        .number("http.response.status_code", attempt.status.map(u64::from))
        .text("error.type", fault(attempt.class))
        .text("sidestep.provider", &*upstream.id)
        .text("sidestep.model", &*attempt.model)
        .text("sidestep.role", attempt.role.as_str())
        .text("sidestep.verdict", attempt.verdict)
        .text("sidestep.class", attempt.class.as_str())
}

/// The input counts all of it, from and into caches too, as the conventions have it.
fn usage(to: Attributes, usage: &Usage) -> Attributes {
    let input = usage.input + usage.cache_read + usage.cache_write;
    let told = |tokens: u64| Some(tokens).filter(|tokens| *tokens > 0);
    to.number("gen_ai.usage.input_tokens", told(input))
        .number("gen_ai.usage.output_tokens", told(usage.output))
}

/// The well-known name of a provider's vendor (`gen_ai.provider.name`), or the provider's own.
fn provider(upstream: &Upstream) -> &str {
    match upstream.flavor {
        Flavor::Anthropic => "anthropic",
        Flavor::OpenAi => "openai",
        Flavor::Xai => "x_ai",
        Flavor::Generic if &*upstream.id == "mistral" => "mistral_ai",
        Flavor::Generic => &upstream.id,
    }
}

/// Why an attempt failed; nothing for one that was well or was not wanted any more.
const fn fault(class: Class) -> Option<&'static str> {
    match class {
        Class::Ok | Class::Slow | Class::Cancel => None,
        Class::Hard(fault) => Some(fault.as_str()),
        class => Some(class.as_str()),
    }
}

/// What the application had to do without. Its own mistakes are none of the server's errors (HTTP conventions).
fn is_failed(root: &Root) -> bool {
    let refused = root.status.is_some_and(|status| status >= 500);
    matches!(root.outcome, Outcome::Failed | Outcome::Cut) || (root.outcome == Outcome::Refused && refused)
}

fn status(failed: bool) -> Status {
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Status { code: code.into(), ..Status::default() }
}

fn event(name: &str, time_unix_nano: u64, attributes: Attributes) -> Event {
    Event { name: name.to_owned(), time_unix_nano, attributes: attributes.into_all(), ..Event::default() }
}
