//! OpenAI's refusals of Chat Completions.

use super::*;

fn function(id: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } })
}

fn calls(ids: &[&str]) -> Value {
    let calls: Vec<Value> = ids.iter().map(|id| function(id)).collect();
    json!({ "role": "assistant", "content": null, "tool_calls": calls })
}

fn tool(id: &str) -> Value {
    json!({ "role": "tool", "tool_call_id": id, "content": "r" })
}

fn base() -> Value {
    json!({ "model": "m", "messages": [user("Hi")] })
}

fn parameters(changes: &Value) -> Result<Prompt, String> {
    check(Form::Chat, Maker::OpenAi, "gpt-6-luna", false, &with(&base(), changes))
}

#[test]
fn chat_completions_are_openais() {
    let tools = json!([{ "type": "function", "function": { "name": "f" } }]);
    let strict = |schema: Value| json!({ "type": "json_schema", "json_schema": { "name": "n", "strict": true, "schema": schema } });
    judge(
        &[
            (json!({}), ""),
            (json!({ "top_k": 3 }), "Unknown parameter: 'top_k'. top_k unknown_parameter"),
            (json!({ "max_tokens": 5 }), "'max_completion_tokens' instead. max_tokens unsupported_parameter"),
            (json!({ "max_completion_tokens": 5, "temperature": 1 }), ""),
            (json!({ "temperature": 0.2 }), "unsupported_value"),
            (json!({ "temperature": 0.2, "reasoning_effort": "none" }), ""),
            (json!({ "temperature": 3 }), "invalid_value"),
            (json!({ "logprobs": true }), "unsupported_parameter"),
            (json!({ "stop": ["1", "2", "3", "4", "5"] }), "maximum length 4"),
            (json!({ "stream_options": { "include_usage": true } }), "only allowed when 'stream'"),
            (json!({ "stream": true, "stream_options": { "include_usage": true } }), ""),
            (json!({ "tools": [] }), "minimum length 1"),
            (json!({ "tools": [{ "name": "f", "input_schema": {} }] }), "Invalid value"),
            (
                json!({ "tools": tools, "tool_choice": { "type": "function", "function": { "name": "f" } } }),
                "",
            ),
            (json!({ "tools": tools, "tool_choice": { "type": "any" } }), "'tool_choice'"),
            (json!({ "tool_choice": "auto" }), "only allowed when 'tools'"),
            (json!({ "parallel_tool_calls": false }), "only allowed when 'tools'"),
            (json!({ "response_format": strict(json!({ "type": "object" })) }), "additionalProperties"),
            (
                json!({ "response_format": { "type": "json_schema", "json_schema": { "schema": {} } } }),
                "name",
            ),
        ],
        parameters,
    );
    let odd = with(&base(), &json!({ "top_k": 3, "max_tokens": 5 }));
    assert!(check(Form::Chat, Maker::Generic, "local-model", false, &odd).is_ok());
}

#[test]
fn chat_histories_are_openais() {
    let image = |url: &str| json!([user([json!({ "type": "image_url", "image_url": { "url": url } })])]);
    let long = "x".repeat(65);
    judge(
        &[
            (json!({ "messages": [] }), "empty array"),
            (json!({ "messages": [user(Value::Null)] }), "got null"),
            (
                json!({ "messages": [user([json!({ "type": "image", "source": {} })])] }),
                "Supported values are: 'text'",
            ),
            (json!({ "messages": image("https://example.com/a.png") }), ""),
            (json!({ "messages": image("data:image/png;base64,aGk=") }), ""),
            (json!({ "messages": image("aGk=") }), "invalid_image_url"),
            (json!({ "messages": [user("Hi"), calls(&["a", "b"]), tool("b"), tool("a")] }), ""),
            (
                json!({ "messages": [user("Hi"), calls(&["a", "b"]), tool("a"), user("x")] }),
                "did not have response messages: b",
            ),
            (json!({ "messages": [user("Hi"), calls(&["a"])] }), "must be followed by tool messages"),
            (json!({ "messages": [user("Hi"), calls(&["a"]), tool("c")] }), "'c' not found"),
            (json!({ "messages": [user("Hi"), tool("a")] }), "must be a response to a preceeding message"),
            (json!({ "messages": [user("Hi"), calls(&[&long]), tool(&long)] }), "string_above_max_length"),
            (json!({ "messages": [user("Hi"), assistant("Ho")] }), ""),
        ],
        parameters,
    );
}

#[test]
fn a_reasoning_grok_takes_neither_stop_nor_penalties() {
    for change in [json!({ "stop": "x" }), json!({ "presence_penalty": 1 })] {
        let taken = |model| check(Form::Chat, Maker::Xai, model, false, &with(&base(), &change)).is_ok();
        assert!(!taken("grok-4.7") && taken("grok-4.20-non-reasoning"), "{change}");
    }
}
