//! Tool calls, in the many ways in which they are written.

use serde_json::{Value, json};
use sidestep_dialect::{Dialect, Event, StopReason, StreamFault};

use crate::exchange::{bodies, decode, encode, looks_finished};
use crate::streams::{answer, anthropic, call, chat, ended, fault, fragment, responses, tools};

/// Class 2: the turn is said to have ended although a tool was called.
#[test]
fn a_called_tool_is_the_reason_to_stop_whatever_the_provider_says() {
    let tool =
        json!({ "index": 0, "id": "a", "type": "function", "function": { "name": "f", "arguments": "{}" } });
    for finish in ["stop", "tool_calls", "function_call"] {
        let read = answer(Dialect::OpenAi, &chat(&[fragment(&tool)], finish));
        assert_eq!(read.stop, Some(StopReason::ToolUse), "{finish}");
    }
    assert_eq!(
        fault(Dialect::OpenAi, &chat(&[json!({ "content": "x" })], "tool_calls")),
        StreamFault::MissingTool
    );
}

/// Class 3: an empty list of tool calls beside text.
#[test]
fn an_empty_list_of_tool_calls_is_no_tool_call() {
    let deltas = [json!({ "content": "a", "tool_calls": [] }), json!({ "content": "b", "tool_calls": null })];
    let read = answer(Dialect::OpenAi, &chat(&deltas, "stop"));
    assert_eq!(
        (read.text().as_str(), tools(&read), read.stop),
        ("ab", Vec::new(), Some(StopReason::EndTurn))
    );
}

/// Class 4: blocks that overlap when text and tool calls interleave.
#[test]
fn interleaved_calls_are_written_one_after_the_other() {
    let open = |index: u32, id: &str| {
        fragment(&json!({ "index": index, "id": id, "function": { "name": "f", "arguments": "" } }))
    };
    let more =
        |index: u32, text: &str| fragment(&json!({ "index": index, "function": { "arguments": text } }));
    let deltas = [
        json!({ "content": "go" }),
        open(0, "a"),
        more(0, "{\"x\":"),
        open(1, "b"),
        more(1, "{\"y\":"),
        more(0, "1}"),
        more(1, "2}"),
    ];
    let (events, result) = decode(Dialect::OpenAi, &chat(&deltas, "tool_calls"));
    assert_eq!(result, Ok(()));
    for to in Dialect::ALL {
        let read = answer(to, &encode(to, &events));
        assert_eq!(read.text(), "go");
        assert_eq!(tools(&read), [call("a", "f", "{\"x\":1}"), call("b", "f", "{\"y\":2}")]);
    }
    let indexes: Vec<Value> = bodies(&encode(Dialect::Anthropic, &events))
        .into_iter()
        .filter_map(|mut body| body.get_mut("index").map(Value::take))
        .collect();
    assert!(indexes.is_sorted_by_key(|index| index.as_u64()), "{indexes:?}");
}

/// A call that is whole is passed on at once, not when the answer ends: the next one may take minutes.
#[test]
fn a_whole_call_is_closed_when_the_next_begins() {
    let tool = |index: u32, id: &str, arguments: &str| {
        fragment(&json!({ "index": index, "id": id, "function": { "name": "f", "arguments": arguments } }))
    };
    let source = chat(&[tool(0, "a", "{\"x\":1}"), tool(1, "b", "{\"y\"")], "tool_calls");
    let (events, _) = decode(Dialect::OpenAi, &source);
    let close = events.iter().position(|event| matches!(event, Event::Close { key: 0, sealed: true }));
    let next = events.iter().position(|event| matches!(event, Event::Open { key: 1, .. }));
    assert!(close.is_some() && close < next);
}

/// Class 5: arguments that come only in `.done`, items without their `done`, text only in the last event.
#[test]
fn whatever_a_responses_stream_leaves_out_is_taken_from_where_it_stands() {
    let item = |arguments: &str| json!({ "type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": arguments });
    let added = json!({ "type": "response.output_item.added", "output_index": 0, "item": item("") });
    let event = |what: &str, field: &str, text: &str| json!({ "type": format!("response.function_call_arguments.{what}"), "output_index": 0, field: text });
    let whole = "{\"a\":1}";
    let done = json!({ "type": "response.output_item.done", "output_index": 0, "item": item(whole) });
    let delta = event("delta", "delta", "{\"a\"");
    let streams = [
        responses(&[added.clone(), event("done", "arguments", whole)], &json!([])),
        responses(
            &[added.clone(), delta.clone(), event("done", "arguments", whole), done.clone()],
            &Value::Null,
        ),
        responses(&[added.clone(), delta, done.clone()], &json!([item(whole)])),
        responses(&[done], &json!([])),
        responses(&[], &json!([item(whole)])),
    ];
    for source in streams {
        let read = answer(Dialect::Responses, &source);
        assert_eq!((tools(&read), read.stop), (vec![call("c", "f", whole)], Some(StopReason::ToolUse)));
    }
}

/// Azure's first chunk has no choices; Mistral sends lists and no indexes; others start at 1 or repeat themselves.
#[test]
fn the_many_ways_to_write_a_tool_call_are_one() {
    let first = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{\"a\":" } });
    let more = json!({ "function": { "arguments": "1}" } });
    let with = |mut fragment: Value, field: &str, value: Value| {
        fragment[field] = value;
        fragment
    };
    let repeated = json!({ "index": 0, "id": "x", "function": { "name": "f", "arguments": "1}" } });
    let object = json!({ "index": 0, "id": "x", "function": { "name": "f", "arguments": { "a": 1 } } });
    let renamed = json!({ "index": 0, "id": "x" });
    let named = json!({ "index": 0, "function": { "name": "f", "arguments": "{\"a\":1}" } });
    for fragments in [
        vec![with(first("x"), "index", json!(0)), with(more.clone(), "index", json!(0))],
        vec![with(first("x"), "index", json!(1)), with(more.clone(), "index", json!(1))],
        vec![first("x"), more.clone()],
        vec![first("x"), with(more, "id", json!("x"))],
        vec![with(first("x"), "index", json!(0)), repeated],
        vec![object],
        vec![renamed, named],
    ] {
        let deltas: Vec<Value> = fragments.iter().map(fragment).collect();
        let read = answer(Dialect::OpenAi, &chat(&deltas, "tool_calls"));
        assert_eq!(tools(&read), [call("x", "f", "{\"a\":1}")], "{fragments:?}");
    }
}

#[test]
fn calls_that_share_an_index_are_told_apart() {
    let whole = |id: &str| json!({ "index": 0, "id": id, "function": { "name": "f", "arguments": "{}" } });
    let nameless = json!({ "index": 0, "function": { "name": "f", "arguments": "{}" } });
    let read = answer(Dialect::OpenAi, &chat(&[fragment(&whole("a")), fragment(&whole("b"))], "stop"));
    assert_eq!(tools(&read), [call("a", "f", "{}"), call("b", "f", "{}")]);
    let (events, _) = decode(Dialect::OpenAi, &chat(&[fragment(&nameless), fragment(&nameless)], "stop"));
    let minted = tools(&answer(Dialect::Anthropic, &encode(Dialect::Anthropic, &events)));
    assert!(minted.len() == 2 && minted[0][0] != minted[1][0] && minted[0][0].starts_with("toolu_"));
}

/// A tool call's arguments are checked where the call ends: half of them must not be run.
#[test]
fn torn_arguments_are_a_fault_unless_a_limit_tore_them() {
    let torn = json!({ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{\"path\":\"/tm" } });
    assert_eq!(fault(Dialect::OpenAi, &chat(&[fragment(&torn)], "tool_calls")), StreamFault::ToolArguments);
    let (events, result) = decode(Dialect::OpenAi, &chat(&[fragment(&torn)], "length"));
    assert_eq!(result, Ok(()));
    // OpenAI's clients are told that the limit was reached. Anthropic's would run half of a call.
    assert_eq!(
        answer(Dialect::Responses, &encode(Dialect::Responses, &events)).stop,
        Some(StopReason::MaxTokens)
    );
    let written = encode(Dialect::Anthropic, &events);
    assert!(
        !looks_finished(&written) && matches!(fault(Dialect::Anthropic, &written), StreamFault::InBand(_))
    );
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let open = json!({ "type": "content_block_start", "index": 0,
        "content_block": { "type": "tool_use", "id": "t", "name": "f", "input": {} } });
    let stop = json!({ "type": "content_block_stop", "index": 0 });
    let (events, _) =
        decode(Dialect::Anthropic, &anthropic(&[&[open, stop][..], &ended("tool_use")].concat()));
    for to in Dialect::ALL {
        assert_eq!(tools(&answer(to, &encode(to, &events))), [call("t", "f", "{}")]);
    }
}
