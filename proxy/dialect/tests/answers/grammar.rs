//! The rules of each dialect's stream that the official client libraries need kept.

use serde_json::{Value, json};
use sidestep_dialect::Dialect;

use crate::exchange::bodies;

/// Holds a stream against the rules that the official client libraries need kept.
pub(crate) fn grammatical(dialect: Dialect, stream: &[u8]) {
    let mut bodies = bodies(stream);
    if dialect != Dialect::Responses {
        // An error may stand anywhere, and is the last.
        let errors = bodies.iter().filter(|body| body.get("error").is_some()).count();
        assert!(errors == 0 || (errors == 1 && bodies.pop().is_some_and(|last| last.get("error").is_some())));
    }
    match dialect {
        Dialect::Anthropic => anthropic_grammar(&bodies),
        Dialect::OpenAi => openai_grammar(&bodies),
        Dialect::Responses => responses_grammar(&bodies),
    }
}

fn anthropic_grammar(bodies: &[Value]) {
    let (mut next, mut open) = (0, None);
    for (at, body) in bodies.iter().enumerate() {
        let kind = body["type"].as_str().unwrap();
        assert_eq!(kind == "message_start", at == 0, "the answer begins once, at the beginning");
        match kind {
            "content_block_start" => {
                assert_eq!((open, body["index"].as_u64()), (None, Some(next)));
                open = Some(next);
            }
            "content_block_delta" => assert_eq!((open, body["index"].as_u64()), (Some(next), Some(next))),
            "content_block_stop" => {
                assert_eq!((open.take(), body["index"].as_u64()), (Some(next), Some(next)));
                next += 1;
            }
            "message_delta" => assert!(open.is_none() && body["usage"]["output_tokens"].is_u64()),
            _ => {}
        }
    }
}

fn openai_grammar(bodies: &[Value]) {
    let (mut tools, mut finishes) = (0, 0);
    for (at, body) in bodies.iter().enumerate() {
        assert!(
            body["choices"].is_array()
                && body["id"] == bodies[0]["id"]
                && body["model"] == bodies[0]["model"]
        );
        for choice in body["choices"].as_array().unwrap() {
            assert_eq!(choice["delta"].get("role").is_some(), at == 0, "the role is told once");
            finishes += usize::from(!choice["finish_reason"].is_null());
            for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
                if call.get("id").is_some() {
                    assert_eq!(call["index"], tools);
                    tools += 1;
                } else {
                    assert_eq!(call["index"], tools - 1);
                    assert!(call["function"].get("name").is_none());
                }
            }
        }
    }
    assert!(finishes <= 1);
}

fn responses_grammar(bodies: &[Value]) {
    let (mut items, mut open) = (Vec::new(), None);
    for (at, body) in bodies.iter().enumerate() {
        assert_eq!(body["sequence_number"], at);
        if let Some(response) = body.get("response") {
            assert_eq!(response["id"], bodies[0]["response"]["id"]);
        }
        if let Some(index) = body.get("output_index") {
            assert_eq!(*index, items.len());
        }
        match body["type"].as_str().unwrap() {
            "response.output_item.added" => {
                assert!(open.is_none());
                open = Some(body["item"]["id"].clone());
            }
            "response.output_item.done" => {
                assert_eq!(open.take().as_ref(), Some(&body["item"]["id"]));
                items.push(body["item"].clone());
            }
            "response.completed" | "response.incomplete" => {
                assert_eq!(body["response"]["output"], json!(items), "the last event repeats every item");
            }
            _ => assert!(body.get("item_id").is_none_or(|id| Some(id) == open.as_ref())),
        }
    }
}
