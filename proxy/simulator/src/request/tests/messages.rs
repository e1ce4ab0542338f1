//! Anthropic's refusals.

use super::*;

const PNG: &str = "aGk=";

fn call(id: &str) -> Value {
    json!({ "type": "tool_use", "id": id, "name": "f", "input": {} })
}

fn result(id: &str) -> Value {
    json!({ "type": "tool_result", "tool_use_id": id, "content": "r" })
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn base() -> Value {
    json!({ "model": "m", "max_tokens": 100, "messages": [user("Hi")] })
}

fn parameters(changes: &Value) -> Result<Prompt, String> {
    check(Form::Messages, Maker::Anthropic, "claude-haiku-5-5", false, &with(&base(), changes))
}

fn history(messages: &Value) -> Result<Prompt, String> {
    check(
        Form::Messages,
        Maker::Anthropic,
        "claude-haiku-5-5",
        true,
        &with(&base(), &json!({ "messages": messages })),
    )
}

#[test]
fn messages_parameters_are_anthropics() {
    let format = |schema: Value| json!({ "format": { "type": "json_schema", "schema": schema } });
    judge(
        &[
            (json!({}), ""),
            (json!({ "n": 2 }), "n: Extra inputs are not permitted"),
            (json!({ "max_tokens": null }), "max_tokens: Field required"),
            (json!({ "max_tokens": 999_999 }), "maximum allowed number of output tokens"),
            (json!({ "messages": null }), "messages: Field required"),
            (json!({ "messages": [] }), "at least one message"),
            (json!({ "temperature": 0.5 }), "temperature: this parameter is not supported"),
            (json!({ "stop_sequences": [" "] }), "non-whitespace"),
            (json!({ "metadata": { "user": "x" } }), "metadata.user: Extra inputs"),
            (json!({ "system": [text("")] }), "non-empty"),
            (json!({ "system": [text("Be brief")] }), ""),
            (json!({ "output_config": { "effort": "none" } }), "output_config.effort"),
            (json!({ "output_config": format(json!({ "type": "object" })) }), "additionalProperties"),
            (json!({ "output_config": format(json!({ "type": "string", "minLength": 1 })) }), "minLength"),
            (
                json!({ "output_config": format(json!({ "type": "array", "items": { "type": "string" } })) }),
                "",
            ),
        ],
        parameters,
    );
    let cool = with(&base(), &json!({ "temperature": 0.5 }));
    let temperature = |newest| check(Form::Messages, Maker::Anthropic, "claude-opus-4-5", newest, &cool);
    assert!(temperature(false).is_ok() && temperature(true).is_err());
}

#[test]
fn messages_tools_are_anthropics() {
    let tools = json!([{ "name": "f", "input_schema": { "type": "object" } }]);
    judge(
        &[
            (json!({ "tools": tools, "tool_choice": { "type": "any" } }), ""),
            (
                json!({ "tools": tools, "tool_choice": { "type": "none", "disable_parallel_tool_use": true } }),
                "Extra",
            ),
            (json!({ "tools": tools, "tool_choice": { "type": "tool", "name": "g" } }), "not found"),
            (json!({ "tool_choice": { "type": "auto" } }), "only be specified while providing tools"),
            (json!({ "tools": [{ "name": "a.b", "input_schema": { "type": "object" } }] }), "pattern"),
            (json!({ "tools": [{ "name": "f", "input_schema": {} }] }), "Input should be 'object'"),
            (json!({ "tools": [tools[0], tools[0]] }), "unique"),
            (json!({ "tools": [{ "type": "function", "function": {} }] }), "pattern"),
            (json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } }), "must be greater than"),
            (
                json!({ "thinking": { "type": "adaptive" }, "tools": tools, "tool_choice": { "type": "any" } }),
                "forces",
            ),
        ],
        parameters,
    );
    let forced = with(&base(), &json!({ "tools": tools, "tool_choice": { "type": "any" } }));
    assert!(check(Form::Messages, Maker::Anthropic, "claude-opus-5-5", true, &forced).is_err());
}

#[test]
fn messages_histories_are_anthropics() {
    let turns = |messages: Value| (messages, "");
    let image = |kind: &str| json!({ "type": "image", "source": { "type": "base64", "media_type": kind, "data": PNG } });
    let cases = [
        turns(json!([user("Hi"), assistant("Ho"), user("Hi")])),
        turns(json!([user("Hi"), user([text("more"), image("image/png")])])),
        turns(json!([
            user("Hi"),
            assistant([call("a"), call("b")]),
            user([result("b"), result("a"), text("go on")])
        ])),
        turns(
            json!([user("Hi"), assistant([call("a")]), user([result("a")]), { "role": "system", "content": "s" }]),
        ),
        (json!([assistant("Ho"), user("Hi")]), "first message"),
        (json!([{ "role": "system", "content": "s" }, user("Hi")]), "must follow a user message"),
        (json!([{ "role": "tool", "content": "s" }]), "role: Input should be"),
        (json!([user("")]), "non-empty content"),
        (json!([user([text("")])]), "must be non-empty"),
        (json!([user([text(" \n")])]), "non-whitespace"),
        (json!([user([image("image/bmp")])]), "media_type"),
        (json!([user([json!({ "type": "image_url", "image_url": {} })])]), "Input tag 'image_url'"),
        (json!([user("Hi"), assistant("Ho")]), "does not support assistant message prefill"),
        (json!([user("Hi"), assistant([call("a")])]), "prefill"),
    ];
    judge(&cases, history);
    let prefill = |said: &str| with(&base(), &json!({ "messages": [user("Hi"), assistant(said)] }));
    let older = |said| check(Form::Messages, Maker::Anthropic, "claude-haiku-4-5", true, &prefill(said));
    assert!(older("So").is_ok() && older("So ").unwrap_err().contains("trailing whitespace"));
}

#[test]
fn messages_calls_are_paired_as_anthropic_wants_them() {
    let cases = [
        (
            json!([user("Hi"), assistant([call("a")]), user("Ho")]),
            "without `tool_result` blocks immediately after: a",
        ),
        (json!([user("Hi"), assistant([call("a"), call("b")]), user([result("a")])]), "immediately after: b"),
        (json!([user("Hi"), assistant([call("a")]), user([result("a"), result("a")])]), "single result"),
        (json!([user("Hi"), assistant([call("a")]), user([text("x"), result("a")])]), "must come first"),
        (json!([user("Hi"), assistant([call("a"), call("a")]), user([result("a")])]), "ids must be unique"),
        (json!([user([result("a")])]), "unexpected `tool_use_id`"),
        (json!([user("Hi"), assistant([call("a|b")]), user([result("a|b")])]), "pattern '^[a-zA-Z0-9_-]+$'"),
        (json!([user([call("a")])]), "Input tag 'tool_use'"),
        (
            json!([
                user("Hi"),
                assistant([json!({ "type": "thinking", "thinking": "t", "signature": "s" })]),
                user("x")
            ]),
            "Invalid `signature` in `thinking` block",
        ),
    ];
    judge(&cases, history);
}
