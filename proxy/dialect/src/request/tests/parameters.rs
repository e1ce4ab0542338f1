//! Everything beside the conversation.

use super::*;

fn chat(fields: Value) -> Value {
    let mut all = json!({"messages": [{"role": "user", "content": "hi"}]});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    all
}

fn to_opus(fields: Value) -> Value {
    written(Dialect::OpenAi, chat(fields), &opus())
}

fn to_haiku(fields: Value) -> Value {
    written(Dialect::OpenAi, chat(fields), &haiku())
}

fn from_messages(fields: Value, target: &Target) -> Value {
    written(Dialect::Anthropic, chat(fields), target)
}

#[test]
fn max_tokens_has_its_name_its_default_and_its_limits_everywhere() {
    let bare = Bytes::from(json!({"model": "m", "messages": [{"role": "user", "content": "x"}]}).to_string());
    assert_eq!(translate(Dialect::OpenAi, &bare, &opus()).unwrap().0["max_tokens"], 128_000);
    assert_eq!(translate(Dialect::OpenAi, &bare, &haiku()).unwrap().0["max_tokens"], 64_000);
    assert_eq!(to_haiku(json!({"max_completion_tokens": 999_999}))["max_tokens"], 64_000);
    assert_eq!(from_messages(json!({"max_tokens": 7}), &sol())["max_completion_tokens"], 7);
    assert_eq!(from_messages(json!({"max_tokens": 7}), &vllm())["max_tokens"], 7);
    assert_eq!(from_messages(json!({"max_tokens": 7}), &responses())["max_output_tokens"], 16);
    let warm = translate(Dialect::Anthropic, &body(chat(json!({"max_tokens": 0}))), &sol());
    assert!(matches!(warm, Err(Untranslatable::Feature(_))));
}

#[test]
fn sampling_goes_only_where_it_is_taken() {
    let both = json!({"temperature": 1.7, "top_p": 0.5, "seed": 3, "presence_penalty": 1});
    let old = to_haiku(both.clone());
    assert_eq!((&old["temperature"], &old["top_p"]), (&json!(1), &json!(0.5)));
    assert!(old.get("seed").is_none() && old.get("presence_penalty").is_none());
    let new = to_opus(both);
    assert!(new.get("temperature").is_none() && new.get("top_p").is_none());
    let sampled = json!({"temperature": 0.3, "top_k": 4, "stop_sequences": ["END"]});
    let local = from_messages(sampled.clone(), &vllm());
    assert_eq!(
        (&local["temperature"], &local["top_k"], &local["stop"]),
        (&json!(0.3), &json!(4), &json!(["END"]))
    );
    assert!(from_messages(sampled, &talker()).get("top_k").is_none());
    assert_eq!(to_haiku(json!({"stop": "END"}))["stop_sequences"], json!(["END"]));
}

#[test]
fn tools_and_their_choice() {
    let tools = json!([{"type": "function", "function": {"name": "a"}}, {"type": "function", "function": {
        "name": "b", "description": "B", "parameters": {"properties": {"x": {"type": "integer", "minimum": 3}}, "required": ["x"]}, "strict": true}}]);
    let old = to_haiku(
        json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "b"}}, "parallel_tool_calls": false}),
    );
    assert_eq!(old["tools"][0]["input_schema"], json!({"type": "object", "properties": {}}));
    assert_eq!(
        old["tools"][1]["input_schema"],
        json!({"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"], "additionalProperties": false})
    );
    assert_eq!(old["tool_choice"], json!({"type": "tool", "name": "b", "disable_parallel_tool_use": true}));
    assert_eq!(
        to_opus(json!({"tools": tools, "parallel_tool_calls": false}))["tool_choice"],
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "a"}}]}});
    let filtered = to_opus(json!({"tools": tools, "tool_choice": allowed}));
    assert_eq!(
        (filtered["tools"].as_array().unwrap().len(), &filtered["tool_choice"]),
        (1, &json!({"type": "auto"}))
    );

    let given = json!({"tools": [{"name": "a", "input_schema": {"type": "object"}, "input_examples": [{"x": 1}]}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true}});
    let chat = from_messages(given.clone(), &sol());
    assert_eq!(
        chat["tools"][0],
        json!({"type": "function", "function": {"name": "a", "description": "Examples: [{\"x\":1}]", "parameters": {"type": "object"}}})
    );
    assert_eq!((&chat["tool_choice"], &chat["parallel_tool_calls"]), (&json!("required"), &json!(false)));
    let items = from_messages(given, &responses());
    assert_eq!((&items["tools"][0]["strict"], &items["tools"][0]["name"]), (&json!(false), &json!("a")));
    let named = json!({"tools": [{"name": "a", "input_schema": {"type": "object"}}], "tool_choice": {"type": "tool", "name": "a"}});
    assert_eq!(from_messages(named, &responses())["tool_choice"], json!({"type": "function", "name": "a"}));
}

#[test]
fn structured_output() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"]});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": true}});
    let raw = body(chat(json!({"response_format": format})));
    let (new, lost) = translate(Dialect::OpenAi, &raw, &opus()).unwrap();
    assert_eq!(lost, ["response_format"]);
    assert_eq!(new["output_config"]["format"]["schema"]["additionalProperties"], false);
    let config =
        json!({"output_config": {"format": {"type": "json_schema", "schema": schema}, "effort": "low"}});
    let back = from_messages(config.clone(), &sol());
    assert_eq!(
        back["response_format"]["json_schema"],
        json!({"name": "response", "schema": schema, "strict": true})
    );
    assert_eq!(back["reasoning_effort"], "low");
    assert_eq!(from_messages(config, &responses())["text"]["format"]["schema"], schema);
    let open = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}});
    let refused = translate(Dialect::OpenAi, &body(chat(open)), &opus()).unwrap_err();
    assert_eq!(refused, Untranslatable::Feature("schemas with open objects"));
    // JSON without a schema: only for an operator who vouches for asking in words.
    let mut vouched = opus();
    vouched.capabilities.json_object = true;
    let object = body(chat(json!({"response_format": {"type": "json_object"}})));
    let (asked, lost) = translate(Dialect::OpenAi, &object, &vouched).unwrap();
    assert!(asked["system"][0]["text"].as_str().unwrap().contains("JSON"));
    assert_eq!(lost, ["response_format"]);
}

#[test]
fn reasoning_in_the_form_of_the_target() {
    let high = to_opus(json!({"reasoning_effort": "high"}));
    assert_eq!(
        (&high["thinking"], &high["output_config"]),
        (&json!({"type": "adaptive"}), &json!({"effort": "high"}))
    );
    let budget = to_haiku(json!({"reasoning_effort": "high", "temperature": 0.5}));
    assert_eq!(budget["thinking"], json!({"type": "enabled", "budget_tokens": 4096}));
    assert!(budget["max_tokens"].as_u64().unwrap() > 4096 && budget.get("temperature").is_none());
    assert_eq!(to_haiku(json!({"reasoning_effort": "none"}))["thinking"], json!({"type": "disabled"}));
    // Anthropic refuses thinking with a forced tool; the tool is what the application asked for.
    let tools = json!([{"type": "function", "function": {"name": "a"}}]);
    let forced = to_haiku(json!({"reasoning_effort": "high", "tools": tools, "tool_choice": "required"}));
    assert!(forced.get("thinking").is_none() && forced["tool_choice"]["type"] == "any");
    let enabled = json!({"thinking": {"type": "enabled", "budget_tokens": 2048}});
    assert_eq!(from_messages(enabled.clone(), &sol())["reasoning_effort"], "medium");
    assert_eq!(from_messages(enabled.clone(), &responses())["reasoning"], json!({"effort": "medium"}));
    assert!(from_messages(enabled, &talker()).get("reasoning_effort").is_none());
    assert_eq!(from_messages(json!({"thinking": {"type": "disabled"}}), &sol())["reasoning_effort"], "low");
    let off = json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}});
    assert_eq!(from_messages(off, &responses())["reasoning"], json!({"effort": "none"}));
}

#[test]
fn a_tool_loop_with_foreign_reasoning_is_not_asked_to_think_in_a_budget() {
    let messages = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "A"}]);
    let fields = json!({"messages": messages, "reasoning_effort": "high"});
    assert!(written(Dialect::OpenAi, fields.clone(), &haiku()).get("thinking").is_none());
    assert!(written(Dialect::OpenAi, fields, &opus()).get("thinking").is_some());
}

#[test]
fn users_streams_and_media() {
    let long = "u".repeat(200);
    let user = from_messages(json!({"metadata": {"user_id": long}, "stream": true}), &sol());
    assert_eq!(user["safety_identifier"].as_str().unwrap().len(), 64);
    assert_eq!(user["stream_options"], json!({"include_usage": true}));
    assert_eq!(to_opus(json!({"safety_identifier": "s", "user": "u"}))["metadata"], json!({"user_id": "s"}));
    let file = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}});
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let sent = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let document = to_opus(sent(file));
    assert_eq!(
        document["messages"][0]["content"][0],
        json!({"type": "document", "title": "a.pdf",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}})
    );
    let jpeg = to_opus(sent(image("data:image/jpg;base64,QUJD")));
    assert_eq!(jpeg["messages"][0]["content"][0]["source"]["media_type"], "image/jpeg");
    let bitmap = translate(Dialect::OpenAi, &body(sent(image("data:image/bmp;base64,QUJD"))), &opus());
    assert_eq!(bitmap.unwrap_err(), Untranslatable::Feature("images of this type"));
    let text = json!({"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "words"}});
    let told = written(Dialect::Anthropic, sent(text), &vllm());
    assert_eq!(told["messages"][0]["content"], "T\nwords");
}

#[test]
fn a_body_that_is_no_request_is_named_by_its_field_and_not_quoted() {
    for (fields, named) in [
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": 5, "x": "secret"}]}]}),
            "messages",
        ),
        (json!({"messages": [{"role": "secret", "content": "x"}]}), "messages"),
        (chat(json!({"tools": [{"secret": 1}]})), "tools"),
        (chat(json!({"tool_choice": {"type": "function", "function": "secret"}})), "tool_choice"),
    ] {
        let error = translate(Dialect::OpenAi, &body(fields), &haiku()).unwrap_err();
        assert_eq!(error, Untranslatable::Malformed(named));
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
