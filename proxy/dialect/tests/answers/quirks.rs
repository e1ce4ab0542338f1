//! What real providers send, and what other translators have made of it: each of these cost somebody an answer.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use sidestep_dialect::answer::Answer;
use sidestep_dialect::{
    AnswerContext, BlockKind, Decoder, Dialect, Encoder, Flavor, Splitter, StreamFault, Usage, keep_alive,
};

use crate::exchange::{bodies, context, decode, encode};
use crate::streams::{answer, anthropic, chat, ended, fault, responses, stream};

/// Class 1: reasoning in a text block, an empty first block, a second start, the first word lost at a transition.
#[test]
fn reasoning_then_text_becomes_clean_blocks() {
    let deltas = [
        json!({ "reasoning_content": "Hm" }),
        json!({ "reasoning_content": "m" }),
        json!({ "content": "Yes" }),
    ];
    let source = chat(&deltas, "stop");
    let (events, _) = decode(Dialect::OpenAi, &source);
    let written = bodies(&encode(Dialect::Anthropic, &events));
    let kinds: Vec<&str> = written.iter().map(|body| body["type"].as_str().unwrap()).collect();
    let block = ["content_block_start", "content_block_delta", "content_block_stop"];
    assert_eq!(kinds, [&["message_start"], &block[..], &["message_delta", "message_stop"]].concat());
    assert_eq!(written[1]["content_block"], json!({ "type": "text", "text": "" }));
    assert_eq!(written[2]["delta"], json!({ "type": "text_delta", "text": "Yes" }));
    // Where the caller's dialect can show it, the reasoning is an item of its own.
    let shown = answer(Dialect::Responses, &encode(Dialect::Responses, &events));
    let blocks: Vec<(&BlockKind, &str)> =
        shown.blocks.iter().map(|block| (&block.kind, block.text.as_str())).collect();
    assert_eq!(blocks, [(&BlockKind::Thinking, "Hmm"), (&BlockKind::Text, "Yes")]);
}

#[test]
fn a_second_answer_inside_the_first_is_told_from_a_repeated_start() {
    let start = |id: &str| json!({ "type": "message_start", "message": { "id": id, "content": [] } });
    let open = json!({ "type": "content_block_start", "index": 0,
        "content_block": { "type": "tool_use", "id": "t", "name": "f", "input": {} } });
    assert_eq!(fault(Dialect::Anthropic, &anthropic(&[open, start("msg_2")])), StreamFault::Spliced);
    let text =
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "a" } });
    let repeated = anthropic(&[&[start("msg_1"), text][..], &ended("end_turn")].concat());
    assert_eq!(answer(Dialect::Anthropic, &repeated).text(), "a");
}

/// Class 6: the last event's list of items is empty, null, or differs in ids.
#[test]
fn the_last_list_of_items_neither_doubles_nor_loses_text() {
    let part = |text: &str| json!([{ "type": "output_text", "text": text }]);
    let message = |id: &str, text: &str| json!({ "type": "message", "id": id, "content": part(text) });
    let delta =
        json!({ "type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Hi" });
    for output in [json!([]), Value::Null, json!([message("other", "Hi")])] {
        assert_eq!(
            answer(Dialect::Responses, &responses(std::slice::from_ref(&delta), &output)).text(),
            "Hi"
        );
    }
    assert_eq!(answer(Dialect::Responses, &responses(&[], &json!([message("m", "Hi")]))).text(), "Hi");
    // What we write repeats the items: clients read the text from there.
    let (events, _) = decode(Dialect::Responses, &responses(&[delta], &Value::Null));
    let last = bodies(&encode(Dialect::Responses, &events)).pop().unwrap();
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "Hi");
}

/// Class 7: cache tokens doubled or dropped.
#[test]
fn cumulative_and_inclusive_counts_are_told_apart() {
    let text =
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "a" } });
    let source = anthropic(&[&[text][..], &ended("end_turn")].concat());
    let (events, _) = decode(Dialect::Anthropic, &source);
    let usage = Usage { input: 9, cache_read: 4, output: 30, ..Usage::default() };
    assert_eq!(Answer::collect(&events).usage, usage);
    let usage = bodies(&encode(Dialect::OpenAi, &events)).pop().unwrap()["usage"].take();
    assert_eq!((&usage["prompt_tokens"], &usage["total_tokens"]), (&json!(13), &json!(43)));
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 4);
}

#[test]
fn the_usage_chunk_is_sent_to_those_who_asked_for_it() {
    let (events, _) = decode(Dialect::OpenAi, &chat(&[json!({ "content": "a" })], "stop"));
    let mut encoder = Encoder::new(Dialect::OpenAi, AnswerContext { include_usage: false, ..context() });
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.encode(event, &mut out));
    assert!(bodies(&out).iter().all(|body| body.get("usage").is_none()));
    assert!(out.ends_with(b"data: [DONE]\n\n"));
}

#[test]
fn lists_azure_and_doubled_reasoning_are_read() {
    let mut source = stream(
        Dialect::OpenAi,
        &[json!({ "id": "", "model": "", "choices": [], "prompt_filter_results": [] })],
    );
    let thought =
        json!({ "content": [{ "type": "thinking", "thinking": [{ "type": "text", "text": "Hm" }] }] });
    let both = json!({ "reasoning": "m", "reasoning_content": "m" });
    let said = json!({ "content": [{ "type": "text", "text": "Yes" }] });
    source.extend(chat(&[thought, both, said], "stop"));
    let read = answer(Dialect::OpenAi, &source);
    let blocks: Vec<&str> = read.blocks.iter().map(|block| block.text.as_str()).collect();
    assert_eq!((blocks, read.model.as_str()), (vec!["Hmm", "Yes"], "m"));
}

#[test]
fn padding_comments_and_unknown_events_are_nothing() {
    let mut source = b": OPENROUTER PROCESSING\n\n".to_vec();
    source.extend(keep_alive(Dialect::Anthropic));
    let text =
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "a" } });
    let new = json!({ "type": "brand_new_event", "delta": { "type": "x" } });
    let plain = anthropic(&[&[new, text][..], &ended("end_turn")].concat());
    source.extend(String::from_utf8(plain).unwrap().replace("}\n\n", "}      \r\n\r\n").into_bytes());
    assert_eq!(answer(Dialect::Anthropic, &source).text(), "a");
}

#[test]
fn an_observer_knows_what_passes() {
    let deltas = [json!({ "reasoning": "Hm" }), json!({ "content": "Yes" })];
    let (mut splitter, mut decoder) =
        (Splitter::new(1 << 20), Decoder::new(Dialect::OpenAi, Flavor::Generic));
    splitter.feed(Bytes::from(chat(&deltas, "stop")));
    let mut seen = Vec::new();
    while let Some(event) = splitter.next() {
        decoder.decode(&event.unwrap(), &mut Vec::new()).unwrap();
        let progress = decoder.progress();
        seen.push(
            [progress.meaningful, progress.answered, progress.complete, progress.terminal].map(u8::from),
        );
    }
    assert_eq!(seen, [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]);
    assert_eq!(decoder.progress().model.as_deref(), Some("m"));
}
