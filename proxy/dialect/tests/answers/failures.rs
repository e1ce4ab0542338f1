//! Answers that are none: broken off, failed, empty. None of them may pass for a success.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use sidestep_dialect::answer::Answer;
use sidestep_dialect::{
    AnswerFault, Decoder, Dialect, Encoder, ErrorClass, Flavor, RawEvent, Splitter, StopReason, StreamFault,
    Tail, inspect_answer, translate_answer,
};

use crate::exchange::{context, decode, encode, error_form, looks_finished};
use crate::streams::{answer, anthropic, chat, ended, fault, responses, stream};

/// Class 8: an error in the stream is swallowed, or taken for an end.
#[test]
fn an_error_inside_a_stream_is_an_error_in_every_dialect() {
    let overloaded =
        json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
    let nested =
        json!({ "type": "error", "error": { "type": "server_error", "code": "server_is_overloaded" } });
    let flat = json!({ "type": "error", "code": "server_is_overloaded", "message": "m", "param": null });
    let failed = json!({ "type": "response.failed", "response": { "status": "failed", "error": { "code": "server_is_overloaded" } } });
    let in_choice = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "error", "error": { "code": "overloaded", "message": "m" } }] });
    let plain = json!({ "error": { "type": "overloaded_error", "message": "m" } });
    for (dialect, error) in [
        (Dialect::Anthropic, overloaded),
        (Dialect::Responses, nested),
        (Dialect::Responses, flat),
        (Dialect::Responses, failed),
        (Dialect::OpenAi, plain),
        (Dialect::OpenAi, in_choice),
    ] {
        let (events, result) = decode(dialect, &stream(dialect, std::slice::from_ref(&error)));
        assert!(
            matches!(result, Err(StreamFault::InBand(failure)) if failure.class == ErrorClass::Overload),
            "{error}"
        );
        for to in Dialect::ALL {
            let written = encode(to, &events);
            assert!(!looks_finished(&written));
            assert!(matches!(decode(to, &written).1, Err(StreamFault::InBand(_))));
        }
    }
}

#[test]
fn failures_named_as_reasons_to_stop_are_no_end() {
    for finish in ["error", "network_error", "MALFORMED_FUNCTION_CALL"] {
        assert_eq!(fault(Dialect::OpenAi, &chat(&[json!({ "content": "a" })], finish)), StreamFault::Finish);
    }
    let cut = json!({ "type": "response.incomplete", "response": { "status": "incomplete", "incomplete_details": { "reason": "mystery" } } });
    assert_eq!(fault(Dialect::Responses, &stream(Dialect::Responses, &[cut])), StreamFault::Finish);
}

/// Class 9: half an event and the error after it become one unreadable event.
#[test]
fn half_an_event_never_reaches_the_client() {
    let mut source = chat(&[json!({ "content": "whole" })], "stop");
    source.truncate(source.len() - 100);
    let mut splitter = Splitter::new(1 << 20);
    splitter.feed(Bytes::from(source));
    let mut forwarded = BytesMut::new();
    while let Some(event) = splitter.next() {
        forwarded.extend_from_slice(&event.unwrap().raw);
    }
    assert!(matches!(splitter.finish(), Tail::Torn(_)));
    Encoder::new(Dialect::OpenAi, context()).error(&error_form(), &mut forwarded);
    let (events, result) = decode(Dialect::OpenAi, &forwarded);
    assert_eq!(Answer::collect(&events).text(), "whole");
    assert!(matches!(result, Err(StreamFault::InBand(_))));
}

/// Class 10: an answer that says nothing passes for a success.
#[test]
fn empty_answers_are_told() {
    assert_eq!(fault(Dialect::OpenAi, b""), StreamFault::Truncated);
    assert_eq!(fault(Dialect::OpenAi, b"data: [DONE]\n\n"), StreamFault::Truncated);
    assert_eq!(fault(Dialect::OpenAi, &chat(&[], "stop")), StreamFault::Empty);
    assert_eq!(fault(Dialect::OpenAi, &chat(&[json!({ "reasoning": "Hm" })], "stop")), StreamFault::Empty);
    assert_eq!(fault(Dialect::Anthropic, &anthropic(&ended("end_turn"))), StreamFault::Empty);
    assert_eq!(fault(Dialect::Responses, &responses(&[], &json!([]))), StreamFault::Empty);
    // But a limit reached while thinking, or a refusal without words, is what the model has to say.
    assert_eq!(answer(Dialect::Anthropic, &anthropic(&ended("refusal"))).stop, Some(StopReason::Refusal));
    assert_eq!(
        answer(Dialect::OpenAi, &chat(&[json!({ "reasoning": "Hm" })], "length")).stop,
        Some(StopReason::MaxTokens)
    );
}

#[test]
fn a_body_in_the_place_of_a_stream_is_a_failure() {
    for dialect in Dialect::ALL {
        let error = b"{\n  \"error\": {\"type\": \"overloaded_error\", \"message\": \"m\"}\n}\n";
        assert!(
            matches!(fault(dialect, error), StreamFault::InBand(failure) if failure.class == ErrorClass::Overload)
        );
        assert_eq!(fault(dialect, b"<html>\n\n<body>"), StreamFault::NotAStream);
        assert_eq!(fault(dialect, b"{\"id\":\"x\"}"), StreamFault::NotAStream);
    }
}

#[test]
fn a_whole_body_with_an_error_or_nothing_in_it_is_no_answer() {
    let error = br#"{"error":{"type":"server_error","message":"m","code":null,"param":null}}"#;
    for dialect in Dialect::ALL {
        let facts = inspect_answer(
            dialect,
            Flavor::Generic,
            br#"{"type":"error","error":{"type":"overloaded_error"}}"#,
        );
        assert!(matches!(facts, Err(AnswerFault::InBand(failure)) if failure.class == ErrorClass::Overload));
        assert!(inspect_answer(dialect, Flavor::Generic, b"<html>").is_err());
        assert!(inspect_answer(dialect, Flavor::Generic, b"{}").is_err());
    }
    assert!(matches!(inspect_answer(Dialect::OpenAi, Flavor::Generic, error), Err(AnswerFault::InBand(_))));
    let empty = br#"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#;
    assert!(inspect_answer(Dialect::OpenAi, Flavor::Generic, empty).unwrap().empty);
    let translated =
        translate_answer(Dialect::OpenAi, Dialect::Anthropic, Flavor::Generic, empty, &context());
    assert_eq!(translated, Err(AnswerFault::Empty));
}

#[test]
fn an_answer_that_lacks_only_its_end_marker_is_complete() {
    let mut source = chat(&[json!({ "content": "a" })], "stop");
    source.truncate(source.len() - b"data: [DONE]\n\n".len());
    assert_eq!(answer(Dialect::OpenAi, &source).text(), "a");
    assert_eq!(missing(Dialect::OpenAi, &source), Some(&b"data: [DONE]\n\n"[..]));
    let text =
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "a" } });
    let mut source = anthropic(&[&[text][..], &ended("end_turn")[..1]].concat());
    assert_eq!(answer(Dialect::Anthropic, &source).text(), "a");
    let marker = missing(Dialect::Anthropic, &source).unwrap();
    source.extend(marker);
    assert_eq!(
        (answer(Dialect::Anthropic, &source).text().as_str(), missing(Dialect::Anthropic, &source)),
        ("a", None)
    );
    // A last event is whole in itself even without the blank line.
    let source = responses(&[json!({ "type": "response.output_text.delta", "delta": "a" })], &Value::Null);
    assert_eq!(answer(Dialect::Responses, &source[..source.len() - 2]).text(), "a");
    assert_eq!(fault(Dialect::Responses, &source[..source.len() - 3]), StreamFault::Truncated);
}

fn missing(dialect: Dialect, source: &[u8]) -> Option<&'static [u8]> {
    let (mut splitter, mut events) = (Splitter::new(1 << 20), Vec::new());
    let mut decoder = Decoder::new(dialect, Flavor::Generic);
    splitter.feed(Bytes::copy_from_slice(source));
    while let Some(event) = splitter.next() {
        decoder.decode(&event.unwrap(), &mut events).unwrap();
    }
    assert!(decoder.progress().complete);
    decoder.finish(&splitter.finish(), &mut events).unwrap();
    decoder.missing_terminal()
}

#[test]
fn what_was_said_is_in_no_debug_output() {
    let secret = "the patient's name";
    let source = chat(&[json!({ "content": secret }), json!({ "reasoning": secret })], "stop");
    let (events, _) = decode(Dialect::OpenAi, &source);
    assert!(!format!("{events:?} {:?}", Answer::collect(&events)).contains(secret));
    let raw = RawEvent::parse(Bytes::from(source));
    assert!(!format!("{raw:?}").contains("patient"));
}
