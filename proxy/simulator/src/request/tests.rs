mod chat;
mod messages;

use serde_json::{Value, json};

use super::*;
use crate::model::Model;

fn check(form: Form, maker: Maker, model: &str, newest: bool, body: &Value) -> Result<Prompt, String> {
    let model = Model::of(maker, model);
    let rules = Rules { maker, model: &model, newest_version: newest, counting: false };
    read(form, body.as_object().unwrap(), &rules).map_err(|complaint| {
        assert_eq!(complaint.status, 400);
        format!(
            "{} {} {}",
            complaint.message,
            complaint.param.unwrap_or_default(),
            complaint.code.unwrap_or_default()
        )
    })
}

/// `base` with `changes` merged into it (null removes).
fn with(base: &Value, changes: &Value) -> Value {
    let mut body = base.clone();
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(key);
        } else {
            body[key] = value.clone();
        }
    }
    body
}

/// Each of `cases` is refused with words of its own, or taken when there are none.
fn judge(cases: &[(Value, &str)], check: impl Fn(&Value) -> Result<Prompt, String>) {
    for (changes, words) in cases {
        match check(changes) {
            Ok(_) => assert!(words.is_empty(), "taken: {changes}"),
            Err(said) => assert!(!words.is_empty() && said.contains(words), "{changes}: {said}"),
        }
    }
}

fn user(content: impl Into<Value>) -> Value {
    json!({ "role": "user", "content": content.into() })
}

fn assistant(content: impl Into<Value>) -> Value {
    json!({ "role": "assistant", "content": content.into() })
}

#[test]
fn responses_are_openais() {
    let base = json!({ "model": "m", "input": "Hi" });
    let call = |id: &str| json!({ "type": "function_call", "call_id": id, "name": "f", "arguments": "{}" });
    let output = |id: &str| json!({ "type": "function_call_output", "call_id": id, "output": "r" });
    let reasoning = json!({ "type": "reasoning", "id": "rs_1", "summary": [] });
    judge(
        &[
            (json!({}), ""),
            (json!({ "messages": [] }), "Unknown parameter: 'messages'"),
            (json!({ "stop": "x" }), "Unknown parameter: 'stop'"),
            (json!({ "max_output_tokens": 15 }), "Expected a value >= 16"),
            (json!({ "temperature": 0.5 }), "unsupported_parameter"),
            (json!({ "temperature": 0.5, "reasoning": { "effort": "none" } }), ""),
            (json!({ "previous_response_id": "resp_1" }), "previous_response_not_found"),
            (json!({ "input": null }), "Missing required parameter: 'input'"),
            (
                json!({ "input": [user([json!({ "type": "text", "text": "x" })])] }),
                "Supported values are: 'input_text'",
            ),
            (
                json!({ "input": [assistant([json!({ "type": "input_text", "text": "x" })])] }),
                "'output_text'",
            ),
            (json!({ "input": [user("Hi"), call("a"), call("b"), output("b"), output("a")] }), ""),
            (json!({ "input": [user("Hi"), call("a")] }), "No tool output found for function call a"),
            (json!({ "input": [user("Hi"), output("a")] }), "No tool call found"),
            (
                json!({ "input": [user("Hi"), with(&call("a"), &json!({ "id": "call_1" })), output("a")] }),
                "begins with 'fc'",
            ),
            (json!({ "input": [user("Hi"), reasoning, call("a"), output("a")] }), ""),
            (json!({ "input": [user("Hi"), reasoning, user("x")] }), "without its required following item"),
            (
                json!({ "tools": [{ "type": "function", "name": "f", "parameters": { "type": "object" } }] }),
                "",
            ),
            (json!({ "tools": [{ "type": "function", "function": { "name": "f" } }] }), "name"),
        ],
        |changes| check(Form::Responses, Maker::OpenAi, "gpt-6-luna", false, &with(&base, changes)),
    );
}

#[test]
fn a_prompt_longer_than_the_context_is_refused_in_the_makers_words() {
    let said = |form, maker, body: Value| {
        let model = Model::of(maker, "m").with(|traits| traits.context_tokens = 10);
        let rules = Rules { maker, model: &model, newest_version: false, counting: false };
        read(form, body.as_object().unwrap(), &rules).unwrap_err()
    };
    let long = json!([user("word ".repeat(50))]);
    let claude = said(Form::Messages, Maker::Anthropic, json!({ "max_tokens": 1, "messages": long }));
    assert!(claude.message.starts_with("prompt is too long: ") && claude.code.is_none());
    let gpt = said(Form::Chat, Maker::OpenAi, json!({ "messages": long }));
    assert_eq!(gpt.code.as_deref(), Some("context_length_exceeded"));
}
