//! Turns, tools, results and ids.

use super::*;

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "look", "arguments": arguments}})
}

fn calls(calls: &[Value]) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

fn result(id: &str, text: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": text})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn to_opus(messages: &[Value]) -> Value {
    written(Dialect::OpenAi, json!({"messages": messages}), &opus())["messages"].take()
}

#[test]
fn results_are_merged_into_one_user_turn_in_the_order_of_their_calls() {
    let messages = to_opus(&[
        user("go"),
        calls(&[call("a", "{\"x\": 0.7, \"big\": 123456789012345678901234567890}"), call("b", "")]),
        result("b", "B"),
        user("and then?"),
        result("a", "A"),
    ]);
    assert_eq!(messages.as_array().unwrap().len(), 3);
    let answer = messages[2]["content"].as_array().unwrap();
    assert_eq!((&answer[0]["tool_use_id"], &answer[1]["tool_use_id"]), (&json!("a"), &json!("b")));
    assert_eq!(answer[0]["content"][0]["text"], "A");
    assert_eq!(answer[2]["text"], "and then?");
    assert_eq!(messages[1]["content"][1]["input"], json!({}));
}

#[test]
fn missing_stray_and_repeated_results_leave_a_valid_history() {
    let messages = to_opus(&[
        user("go"),
        calls(&[call("a", "{}"), call("b", "{}")]),
        result("a", "first"),
        result("a", "again"),
        result("zzz", "stray"),
        json!({"role": "assistant", "content": "done"}),
        result("b", "late"),
    ]);
    let answer = &messages[2]["content"];
    assert_eq!(answer[0]["content"][0]["text"], "first");
    assert_eq!((&answer[1]["tool_use_id"], &answer[1]["is_error"]), (&json!("b"), &json!(true)));
    let told: Vec<_> = answer.as_array().unwrap()[2..].iter().map(|part| part["text"].clone()).collect();
    assert!(told.contains(&json!("again")) && told.contains(&json!("stray")));
    assert_eq!(messages[4]["content"][1]["text"], "late");
    let trailing = to_opus(&[user("go"), calls(&[call("a", "{}")])]);
    assert_eq!(trailing[2]["content"][0]["is_error"], true);
}

#[test]
fn ids_are_made_to_fit_and_stay_paired_even_when_used_twice() {
    let odd = "functions.look:0";
    let messages = to_opus(&[
        user("go"),
        calls(&[call(odd, "{}")]),
        result(odd, "1"),
        calls(&[call(odd, "{}")]),
        result(odd, "2"),
    ]);
    let first = messages[1]["content"][0]["id"].as_str().unwrap();
    let second = messages[3]["content"][0]["id"].as_str().unwrap();
    assert!(crate::tool_id::conforms(first) && crate::tool_id::conforms(second) && first != second);
    assert_eq!(messages[2]["content"][0]["tool_use_id"], first);
    assert_eq!(messages[4]["content"][0]["tool_use_id"], second);
    assert_eq!(messages[4]["content"][0]["content"][0]["text"], "2");
}

#[test]
fn arguments_that_are_no_object_stay_readable() {
    let messages = to_opus(&[user("go"), calls(&[call("a", "[1, 2]"), call("b", "{\"x\":")])]);
    let content = &messages[1]["content"];
    assert_eq!(content[0]["input"], json!({"value": [1, 2]}));
    assert!(content[1]["text"].as_str().unwrap().contains("{\"x\":"));
    assert_eq!(content[2]["input"], json!({}));
}

#[test]
fn numbers_in_arguments_and_schemas_are_carried_as_they_stand() {
    let args = "{\"x\":0.7,\"big\":123456789012345678901234567890,\"e\":1e2}";
    let fields = json!({"messages": [user("go"), calls(&[call("a", args)])]});
    let raw = body(fields);
    let ask = peek(Dialect::OpenAi, &HeaderMap::new(), &raw).unwrap();
    let translated = translate_request(&ask, &raw, &opus()).unwrap();
    assert!(String::from_utf8(translated.body).unwrap().contains(args));
    let text = r#"{"model":"m","max_tokens":9,"temperature":0.7,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[
        {"type":"tool_use","id":"t","name":"n","input":{ "big" : 123456789012345678901234567890, "x" :0.70 }}]}]}"#;
    let ask = peek(Dialect::Anthropic, &HeaderMap::new(), text.as_bytes()).unwrap();
    let back = String::from_utf8(translate_request(&ask, text.as_bytes(), &vllm()).unwrap().body).unwrap();
    assert!(
        back.contains(r#"{\"big\":123456789012345678901234567890,\"x\":0.70}"#)
            && back.contains("\"temperature\":0.7}"),
        "{back}"
    );
}

#[test]
fn images_in_tool_results_reach_every_target() {
    let image =
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}});
    let messages = json!([
        user("look"),
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "is_error": true, "content": [
            {"type": "text", "text": "half"}, image]}, {"type": "text", "text": "so?"}]},
    ]);
    let raw = body(json!({"messages": messages}));
    let (chat, lost) = translate(Dialect::Anthropic, &raw, &talker()).unwrap();
    assert_eq!(lost, ["tool_result"]);
    assert_eq!(chat["messages"][2], json!({"role": "tool", "tool_call_id": "t", "content": "Error: half"}));
    assert_eq!(chat["messages"][3]["content"][0]["image_url"]["url"], "data:image/png;base64,QUJD");
    assert_eq!(chat["messages"][3]["content"][1]["text"], "so?");
    let (items, lost) = translate(Dialect::Anthropic, &raw, &responses()).unwrap();
    assert!(lost.is_empty());
    let output = &items["input"][2];
    assert_eq!((&output["type"], &output["call_id"]), (&json!("function_call_output"), &json!("t")));
    assert_eq!(output["output"][0], json!({"type": "input_text", "text": "Error: half"}));
    assert_eq!(output["output"][1]["detail"], "auto");
}

#[test]
fn system_messages_keep_their_place_or_become_the_users() {
    let messages = [
        json!({"role": "developer", "content": "rules"}),
        json!({"role": "system", "content": "more"}),
        user("hi"),
        json!({"role": "system", "content": "now in French"}),
        calls(&[call("a", "{}")]),
        json!({"role": "system", "content": "between"}),
        result("a", "A"),
    ];
    let new = written(Dialect::OpenAi, json!({"messages": messages}), &opus());
    assert_eq!(new["system"], json!([{"type": "text", "text": "rules"}, {"type": "text", "text": "more"}]));
    let roles: Vec<_> = new["messages"].as_array().unwrap().iter().map(|turn| turn["role"].clone()).collect();
    assert_eq!(roles, ["user", "system", "assistant", "user", "system"]);
    let raw = body(json!({"messages": messages}));
    let (old, lost) = translate(Dialect::OpenAi, &raw, &haiku()).unwrap();
    assert_eq!(lost, ["system"]);
    assert_eq!(old["messages"][0]["content"][1]["text"], "<system>\nnow in French\n</system>");
    assert_eq!(old["messages"][2]["content"][0]["type"], "tool_result");
    assert_eq!(old["messages"][2]["content"][1]["text"], "<system>\nbetween\n</system>");
    let system = json!({"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}], "messages": [user("x")]});
    assert_eq!(
        written(Dialect::Anthropic, system.clone(), &sol())["messages"][0],
        json!({"role": "developer", "content": "a"})
    );
    assert_eq!(
        written(Dialect::Anthropic, system.clone(), &vllm())["messages"][1],
        json!({"role": "system", "content": "b"})
    );
    assert_eq!(written(Dialect::Anthropic, system, &responses())["instructions"], "a\n\nb");
}

#[test]
fn histories_that_anthropic_refuses_are_mended() {
    let mended = to_opus(&[
        json!({"role": "assistant", "content": "Welcome!"}),
        json!({"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "hi"}]}),
        json!({"role": "assistant", "content": ""}),
        user("there?"),
    ]);
    let roles: Vec<_> = mended.as_array().unwrap().iter().map(|turn| turn["role"].clone()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(
        mended[2]["content"],
        json!([{"type": "text", "text": "hi"}, {"type": "text", "text": "there?"}])
    );
    let alone = to_opus(&[json!({"role": "system", "content": "Say hi."})]);
    assert_eq!(alone, json!([{"role": "user", "content": [{"type": "text", "text": "Say hi."}]}]));
    assert_eq!(
        translate(Dialect::OpenAi, &body(json!({"messages": []})), &opus()).unwrap_err(),
        Untranslatable::Empty
    );
    // A history with calls needs their tools declared, though the model must not call them now.
    let declared = written(
        Dialect::OpenAi,
        json!({"messages": [user("go"), calls(&[call("a", "{}")]), result("a", "A")]}),
        &opus(),
    );
    assert_eq!(
        (&declared["tools"][0]["name"], &declared["tool_choice"]["type"]),
        (&json!("look"), &json!("none"))
    );
}

#[test]
fn a_responses_conversation_becomes_turns() {
    let input = json!([
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}, {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "zzz"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": "{\"a\":1}"},
        {"type": "function_call", "id": "fc_2", "call_id": "c2", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c2", "output": "two"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "one"}]},
    ]);
    let raw = body(json!({"instructions": "be kind", "input": input, "store": false}));
    let (messages, lost) = translate(Dialect::Responses, &raw, &opus()).unwrap();
    assert_eq!(lost, ["thinking"]);
    assert_eq!(
        messages["messages"][0]["content"][1]["source"],
        json!({"type": "url", "url": "https://x/y.png"})
    );
    assert_eq!(
        messages["messages"][1]["content"][1],
        json!({"type": "tool_use", "id": "c1", "name": "look", "input": {"a": 1}})
    );
    assert_eq!(messages["messages"][2]["content"][0]["tool_use_id"], "c1");
    let (chat, _) = translate(Dialect::Responses, &raw, &talker()).unwrap();
    assert_eq!(chat["messages"][2]["tool_calls"].as_array().unwrap().len(), 2);
    assert_eq!(
        chat["messages"][1]["content"][1]["image_url"],
        json!({"url": "https://x/y.png", "detail": "low"})
    );
    assert_eq!(chat["messages"][3], json!({"role": "tool", "tool_call_id": "c1", "content": "one"}));
}
