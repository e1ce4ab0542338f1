use http::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::ask::peek;

fn asked(dialect: Dialect, fields: Value) -> Ask {
    let turns = if dialect == Dialect::Responses { "input" } else { "messages" };
    let mut body = json!({ "model": "m", "max_tokens": 10, turns: [{ "role": "user", "content": "hi" }] });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    peek(dialect, &HeaderMap::new(), body.to_string().as_bytes()).unwrap()
}

fn after(ask: &Ask, translated: bool, kinds: &[BlockKind]) -> Option<Unfit> {
    let mut journal = Journal::new(ask, translated);
    for (key, kind) in (0..).zip(kinds) {
        journal.note(&Event::Open { key, kind: kind.clone() });
        journal.note(&Event::Delta { key, text: "some".to_owned() });
    }
    if !translated {
        journal.pass(&RawEvent::parse(bytes::Bytes::from_static(b"data: {\"id\":\"c\",\"choices\":[]}\n\n")));
    }
    journal.unfit()
}

#[test]
fn what_is_asked_for_can_rule_out_a_continuation() {
    let tool = json!([{ "type": "function", "function": { "name": "f", "parameters": {} } }]);
    for (fields, unfit) in [
        (json!({}), None),
        (json!({ "tools": tool }), None),
        (json!({ "tools": tool, "tool_choice": "required" }), Some(Unfit::ToolCall)),
        (json!({ "response_format": { "type": "json_object" } }), Some(Unfit::StructuredOutput)),
        (
            json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "n" } } }),
            Some(Unfit::StructuredOutput),
        ),
        (json!({ "response_format": { "type": "text" }, "n": 1 }), None),
        (json!({ "logprobs": true }), Some(Unfit::Logprobs)),
        (json!({ "n": 2 }), Some(Unfit::ManyChoices)),
        (json!({ "modalities": ["text", "audio"] }), Some(Unfit::Audio)),
    ] {
        assert_eq!(
            after(&asked(Dialect::OpenAi, fields.clone()), true, &[BlockKind::Text]),
            unfit,
            "{fields}"
        );
    }
    let kept = asked(Dialect::Responses, json!({ "conversation": "conv_1" }));
    assert_eq!(after(&kept, true, &[BlockKind::Text]), Some(Unfit::ServerState));
}

#[test]
fn what_has_begun_can_rule_out_a_continuation() {
    let tool = BlockKind::Tool { id: "1".to_owned(), name: "f".to_owned() };
    let chat = asked(Dialect::OpenAi, json!({}));
    for (kind, passed, told) in [
        (BlockKind::Text, None, None),
        (tool, Some(Unfit::ToolCall), Some(Unfit::ToolCall)),
        (BlockKind::Refusal, Some(Unfit::Refusal), Some(Unfit::Refusal)),
        (BlockKind::Opaque, Some(Unfit::Opaque), Some(Unfit::Opaque)),
        // What another vendor's model thinks is not told in this dialect.
        (BlockKind::Thinking, Some(Unfit::VisibleReasoning), None),
    ] {
        let kinds = [BlockKind::Text, kind];
        assert_eq!((after(&chat, false, &kinds), after(&chat, true, &kinds)), (passed, told), "{kinds:?}");
    }
    assert_eq!(after(&chat, true, &[]), Some(Unfit::NothingSaid));
    assert_eq!(after(&chat, true, &[BlockKind::Thinking]), Some(Unfit::NothingSaid));
}

#[test]
fn memory_is_bounded_and_the_output_is_estimated() {
    let mut journal = Journal::new(&asked(Dialect::OpenAi, json!({})), true);
    let usage = Usage { input: 9, output: 1, ..Usage::default() };
    journal.note(&Event::Start { id: String::new(), model: String::new(), usage });
    journal.note(&Event::Open { key: 0, kind: BlockKind::Text });
    let text = "four".repeat(1024);
    for _ in 0..64 {
        journal.note(&Event::Delta { key: 0, text: text.clone() });
    }
    assert_eq!((journal.unfit(), journal.text().len()), (None, MAX_TEXT));
    assert_eq!(journal.usage(), Usage { output: 64 * 1024, ..usage });
    journal.note(&Event::Delta { key: 0, text: "x".to_owned() });
    assert_eq!((journal.unfit(), journal.text()), (Some(Unfit::TooLong), ""));
    assert_eq!(journal.usage().output, 64 * 1024);
}

#[test]
fn pieces_tell_whether_words_are_split() {
    for (pieces, splits) in
        [(["one", " two", " three"], false), (["on", "e tw", "o"], true), (["one ", "two ", "x"], false)]
    {
        let mut journal = Journal::new(&asked(Dialect::OpenAi, json!({})), true);
        journal.note(&Event::Open { key: 0, kind: BlockKind::Text });
        for text in pieces {
            journal.note(&Event::Delta { key: 0, text: text.to_owned() });
        }
        assert_eq!(journal.splits_words(), splits, "{pieces:?}");
    }
}
