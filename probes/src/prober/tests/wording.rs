//! One answer, worded in each dialect.

use serde_json::{Value, json};

use super::upstream::Act;

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

pub(super) fn messages(said: &str, called: bool, act: Act) -> Vec<String> {
    let usage = json!({ "input_tokens": 30, "output_tokens": 1 });
    let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage });
    let mut events = vec![event("message_start", &json!({ "type": "message_start", "message": message }))];
    if !said.is_empty() {
        let block = match called {
            true => json!({ "type": "tool_use", "id": "toolu_1", "name": "report", "input": {} }),
            false => json!({ "type": "text", "text": "" }),
        };
        let delta = match called {
            true => json!({ "type": "input_json_delta", "partial_json": said }),
            false => json!({ "type": "text_delta", "text": said }),
        };
        for (name, field, value) in
            [("content_block_start", "content_block", block), ("content_block_delta", "delta", delta)]
        {
            events.push(event(name, &json!({ "type": name, "index": 0, field: value })));
        }
        events.push(event("content_block_stop", &json!({ "type": "content_block_stop", "index": 0 })));
    }
    let stop = match (act, called) {
        (Act::Starved, _) => "max_tokens",
        (_, true) => "tool_use",
        (_, false) => "end_turn",
    };
    let delta = json!({ "stop_reason": stop, "stop_sequence": null });
    let end = json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": 10 } });
    events.push(event("message_delta", &end));
    events.push(event("message_stop", &json!({ "type": "message_stop" })));
    events
}

pub(super) fn completions(said: &str, called: bool, act: Act) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let head = json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": choices, "usage": usage });
        format!("data: {head}\n\n")
    };
    let choice = |delta: Value, finish: Value| {
        chunk(json!([{ "index": 0, "delta": delta, "finish_reason": finish }]), Value::Null)
    };
    let mut events = vec![choice(json!({ "role": "assistant", "content": "" }), Value::Null)];
    if called {
        let call = json!({ "index": 0, "id": "call_1", "type": "function",
            "function": { "name": "report", "arguments": said } });
        events.push(choice(json!({ "tool_calls": [call] }), Value::Null));
    } else if !said.is_empty() {
        events.push(choice(json!({ "content": said }), Value::Null));
    }
    let finish = match (act, called) {
        (Act::Starved, _) => "length",
        (_, true) => "tool_calls",
        (_, false) => "stop",
    };
    // The usage comes with the finish, as some vendors have it, so that two events end every answer.
    let usage = json!({ "prompt_tokens": 30, "completion_tokens": 10, "total_tokens": 40 });
    events.push(chunk(json!([{ "index": 0, "delta": {}, "finish_reason": finish }]), usage));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

pub(super) fn responses(said: &str, called: bool, act: Act) -> Vec<String> {
    let response = |status: &str, output: Value| {
        let details = (status == "incomplete").then(|| json!({ "reason": "max_output_tokens" }));
        json!({ "id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m",
            "output": output, "incomplete_details": details,
            "usage": { "input_tokens": 30, "output_tokens": 10, "total_tokens": 40 } })
    };
    let mut events = vec![("response.created", json!({ "response": response("in_progress", json!([])) }))];
    let mut output = json!([]);
    if !said.is_empty() {
        let (item, steps) = if called { call_item(said) } else { text_item(said) };
        events.extend(steps.into_iter().map(|(name, data)| (name, placed(data))));
        events.push(("response.output_item.done", placed(json!({ "item": item }))));
        output = json!([item]);
    }
    let starved = act == Act::Starved;
    let (last, status) =
        if starved { ("response.incomplete", "incomplete") } else { ("response.completed", "completed") };
    events.push((last, json!({ "response": response(status, output) })));
    let numbered = events.into_iter().enumerate().map(|(number, (name, mut data))| {
        data["type"] = json!(name);
        data["sequence_number"] = json!(number);
        event(name, &data)
    });
    numbered.collect()
}

type Steps = Vec<(&'static str, Value)>;

fn call_item(said: &str) -> (Value, Steps) {
    let item = |said: &str| json!({ "type": "function_call", "id": "it_1", "call_id": "call_1", "name": "report", "arguments": said });
    let steps = vec![
        ("response.output_item.added", json!({ "item": item("") })),
        ("response.function_call_arguments.delta", json!({ "delta": said })),
        ("response.function_call_arguments.done", json!({ "arguments": said })),
    ];
    (item(said), steps)
}

fn text_item(said: &str) -> (Value, Steps) {
    let part = |said: &str| json!({ "type": "output_text", "text": said, "annotations": [] });
    let item =
        |parts: Value| json!({ "type": "message", "id": "it_1", "role": "assistant", "content": parts });
    let steps = vec![
        ("response.output_item.added", json!({ "item": item(json!([])) })),
        ("response.content_part.added", json!({ "part": part("") })),
        ("response.output_text.delta", json!({ "delta": said })),
        ("response.output_text.done", json!({ "text": said })),
        ("response.content_part.done", json!({ "part": part(said) })),
    ];
    (item(json!([part(said)])), steps)
}

fn placed(mut data: Value) -> Value {
    data["item_id"] = json!("it_1");
    data["output_index"] = json!(0);
    data["content_index"] = json!(0);
    data
}
