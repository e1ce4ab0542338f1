use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::capability::Effort;

fn look(dialect: Dialect, body: &str) -> Result<Ask, AskError> {
    peek(dialect, &HeaderMap::new(), body.as_bytes())
}

fn ask(dialect: Dialect, body: &Value) -> Ask {
    look(dialect, &body.to_string()).unwrap()
}

/// Any JSON, with keys that a careless reader would fall for.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}|\"model\":\"x\"|[\"\\\\{}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = "model|stream|type|role|content|source|[a-z\\\\\"]{0,4}";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn dialects() -> impl Strategy<Value = Dialect> {
    prop::sample::select(Dialect::ALL.to_vec())
}

proptest! {
    #[test]
    fn peek_agrees_with_a_tree_and_splicing_changes_the_model_alone(
        dialect in dialects(), model in "\\PC{1,20}", stream: Option<bool>, new in "\\PC{1,20}",
        extra in prop::collection::hash_map("messages|input|tools|system|thinking|text|tool_choice|stop|[a-z_]{1,8}", anything(), 0..6),
        pretty: bool,
    ) {
        let mut tree: serde_json::Map<String, Value> = extra.into_iter().collect();
        tree.insert("model".to_owned(), model.clone().into());
        tree.insert("stream".to_owned(), stream.into());
        let tree = Value::Object(tree);
        let body = if pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) };
        let body = Bytes::from(body.unwrap());
        let ask = peek(dialect, &HeaderMap::new(), &body).unwrap();
        prop_assert_eq!(&ask.model, &model);
        prop_assert_eq!(ask.stream, stream == Some(true));
        prop_assert_eq!(ask.size, body.len());
        let spliced = splice_model(&body, &ask.model_span, &new);
        let mut expected: Value = serde_json::from_slice(&body).unwrap();
        expected["model"] = new.into();
        prop_assert_eq!(serde_json::from_slice::<Value>(&spliced).unwrap(), expected);
        prop_assert_eq!(&spliced[..ask.model_span.start], &body[..ask.model_span.start]);
        prop_assert!(spliced.ends_with(&body[ask.model_span.end..]));
    }

    #[test]
    fn no_body_panics_and_no_error_quotes_it(body in "\\PC{0,40}|[\\[\\]{}\":, a-z]{0,40}", dialect in dialects()) {
        let secret = format!("{{\"model\": {body} \"zqxjkv");
        let error = look(dialect, &secret).unwrap_err();
        let told = format!("{error} {error:?}");
        prop_assert!(!told.contains("zqxjkv"), "{}", told);
    }
}

#[test]
fn splicing_is_not_fooled() {
    let body = Bytes::from_static(
        b"{ \"messages\":[{\"model\":\"a\",\"content\":\"\\\"model\\\":\\\"b\\\"\"}],\n \"m\\u006fdel\" :\t\"cla\\u0075de\" , \"x\":{\"model\":\"c\"}}",
    );
    let ask = peek(Dialect::OpenAi, &HeaderMap::new(), &body).unwrap();
    assert_eq!(ask.model, "claude");
    let spliced = splice_model(&body, &ask.model_span, "gpt \"6\"");
    let text = std::str::from_utf8(&spliced).unwrap();
    assert!(text.contains(":\t\"gpt \\\"6\\\"\" , \"x\":{\"model\":\"c\"}"), "{text}");
    assert_eq!(
        splice_model(&body, &ask.model_span, "claude").len(),
        body.len() - 5,
        "escapes are not the model's"
    );
}

#[test]
fn faults_are_told_with_their_place() {
    let fault = |body: &str| look(Dialect::OpenAi, body).map(|ask| ask.model).unwrap_err().to_string();
    assert_eq!(
        fault("{\"model\":\"a\",\n \"x\": tru}"),
        "the body is not valid JSON: unexpected character at line 2, column 10"
    );
    assert_eq!(
        fault("{\"model\":\"a\""),
        "the body is not valid JSON: it ends too early at line 1, column 13"
    );
    assert_eq!(fault("[1]"), "the body is not a JSON object at line 1, column 1");
    assert_eq!(fault("\n {}"), "`model` is missing at line 2, column 2");
    assert_eq!(fault("{\"model\":\"\"}"), "`model` is missing at line 1, column 1");
    assert_eq!(fault("{\"model\": 4}"), "`model` has the wrong type at line 1, column 11");
    assert_eq!(
        fault("{\"model\":\"a\",\"stream\":\"yes\"}"),
        "`stream` has the wrong type at line 1, column 23"
    );
    assert_eq!(fault("{\"model\":\"a\", \"model\":\"b\"}"), "`model` is given twice at line 1, column 23");
    assert_eq!(
        fault("{\"model\":\"a\"} x"),
        "the body is not valid JSON: unexpected character at line 1, column 15"
    );
    let deep = format!("{{\"model\":\"a\",\"x\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(fault(&deep).starts_with("the body nests too deeply"));
    let error = peek(Dialect::OpenAi, &HeaderMap::new(), b"{\"model\":\"\xff\"}").unwrap_err();
    assert_eq!((error.fault, error.column), (AskFault::NotUtf8, 11));
}

#[test]
fn what_only_looks_like_a_feature_is_none() {
    let decoy = json!({"type": "image", "source": {"type": "file", "file_id": "x"}, "thinking": true});
    let anthropic = ask(
        Dialect::Anthropic,
        &json!({
            "model": "m", "max_tokens": 5, "messages": [
                {"role": "user", "content": "{\"type\":\"image\"}"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": decoy}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]},
            ],
            "tools": [{"name": "n", "input_schema": {"type": "object", "properties": {"strict": true, "type": decoy}}}],
        }),
    );
    assert_eq!(anthropic.features.set, FeatureSet::of(&[Feature::Tools, Feature::ToolLoop]));
}

#[test]
fn features_of_messages_are_seen() {
    use Feature as F;
    let image =
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}});
    let seen = ask(Dialect::Anthropic, &json!({
        "model": "m", "thinking": {"type": "enabled", "budget_tokens": 2100}, "stop_sequences": ["a", "\n"],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true}, "tools": [{"type": "web_search_20250305", "name": "w"}],
        "messages": [
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [image]}]},
            {"role": "system", "content": "x"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": mark_of()}, {"type": "text", "text": "x"}]},
        ],
    })).features;
    for feature in [
        F::Tools,
        F::HostedTools,
        F::ToolResultImages,
        F::Images,
        F::MidSystem,
        F::ThinkingHistory,
        F::OwnMarks,
        F::Prefill,
        F::ForcedTool,
        F::SerialTools,
        F::BlankStop,
    ] {
        assert!(seen.has(feature), "{feature:?}");
    }
    assert_eq!((seen.effort, seen.stop_sequences), (Some(Effort::Medium), 2));
}

#[test]
fn features_of_chat_completions_are_seen() {
    use Feature as F;
    let seen = ask(Dialect::OpenAi, &json!({
        "model": "m", "n": 2, "stop": "x", "logprobs": true, "seed": 0, "store": false, "frobnicate": 1, "tool_choice": "required",
        "response_format": {"type": "json_schema", "json_schema": {}}, "parallel_tool_calls": false, "temperature": 1.0,
        "messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}],
        "tools": [{"type": "function", "function": {"name": "f", "strict": true}}, {"type": "custom", "custom": {}}],
    })).features;
    for feature in [
        F::ManyChoices,
        F::Logprobs,
        F::JsonSchema,
        F::SerialTools,
        F::Files,
        F::Documents,
        F::StrictTools,
        F::CustomTools,
        F::ForcedTool,
    ] {
        assert!(seen.has(feature), "{feature:?}");
    }
    assert!(
        seen.sets("seed") && !seen.sets("store") && !seen.sets("temperature") && seen.names("temperature")
    );
    assert_eq!(seen.unknown_fields, ["frobnicate"]);
}

#[test]
fn features_of_responses_are_seen() {
    use Feature as F;
    let seen = ask(Dialect::Responses, &json!({
        "model": "m", "reasoning": {"effort": "xhigh"}, "previous_response_id": "r", "text": {"format": {"type": "json_object"}},
        "input": [{"type": "reasoning", "summary": [], "encrypted_content": mark_of()}, {"role": "user", "content": "hi"},
            {"type": "web_search_call"}],
    })).features;
    for feature in [F::ServerState, F::ThinkingHistory, F::OwnMarks, F::HostedTools, F::JsonObject] {
        assert!(seen.has(feature), "{feature:?}");
    }
    assert!(seen.sets("store"), "kept unless told not to");
    assert_eq!(seen.effort, Some(Effort::XHigh));
}

fn mark_of() -> String {
    crate::mark::mint("grok-4.7", 1)
}

#[test]
fn limits_and_usage_are_read() {
    let chat = ask(
        Dialect::OpenAi,
        &json!({"model": "m", "max_tokens": 5, "max_completion_tokens": 7,
        "stream": true, "stream_options": {"include_usage": true}}),
    );
    assert_eq!((chat.max_tokens, chat.stream, chat.include_usage), (Some(7), true, true));
    assert!(!ask(Dialect::OpenAi, &json!({"model": "m", "stream": true})).include_usage);
    assert!(ask(Dialect::Anthropic, &json!({"model": "m"})).include_usage);
    let data = "A".repeat(1_000_000);
    let text = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": data}}]}]});
    assert!(ask(Dialect::OpenAi, &text).features.text_bytes < 100, "media are no text");
}
