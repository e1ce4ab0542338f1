//! The grammars of the three streams, strictly, and what an answer says in a form that can be compared.

use serde_json::Value;

/// What an answer says, ids left out.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// Kind, name and content of each part.
    pub(crate) parts: Vec<(String, String, String)>,
    pub(crate) stop: Value,
    pub(crate) usage: Value,
}

impl Said {
    fn open(&mut self, kind: &Value, name: &Value) {
        self.parts.push((text(kind), text(name), String::new()));
    }

    fn add(&mut self, content: &Value) {
        self.parts.last_mut().unwrap().2.push_str(content.as_str().unwrap());
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn parse(data: &str) -> Value {
    serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))
}

/// `message_start (ping | block)* message_delta message_stop`, blocks in sequence.
pub(crate) fn messages(events: &[(String, String)]) -> Said {
    let mut said = Said::default();
    let (mut open, mut blocks, mut phase) = (None, 0, "start");
    for (name, data) in events {
        let event = parse(data);
        assert_eq!(event["type"], name.as_str());
        match (phase, name.as_str()) {
            ("start", "message_start") => {
                assert!(event["message"]["content"].as_array().unwrap().is_empty());
                assert!(event["message"]["usage"]["input_tokens"].is_u64());
                phase = "content";
            }
            ("content", "ping") => {}
            ("content", "content_block_start") => {
                assert!(open.is_none() && event["index"] == blocks);
                open = Some(blocks);
                blocks += 1;
                said.open(&event["content_block"]["type"], &event["content_block"]["name"]);
            }
            ("content", "content_block_delta") => {
                assert_eq!(event["index"], open.unwrap());
                block_delta(&mut said, &event["delta"]);
            }
            ("content", "content_block_stop") => assert_eq!(event["index"], open.take().unwrap()),
            ("content", "message_delta") => {
                assert!(open.is_none());
                said.stop = event["delta"]["stop_reason"].clone();
                said.usage = event["usage"].clone();
                phase = "stop";
            }
            ("stop", "message_stop") => phase = "over",
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(phase, "over");
    truncated(said, "max_tokens")
}

fn block_delta(said: &mut Said, delta: &Value) {
    let kind = said.parts.last().unwrap().0.clone();
    match (kind.as_str(), delta["type"].as_str().unwrap()) {
        ("text", "text_delta") => said.add(&delta["text"]),
        ("thinking", "thinking_delta") => said.add(&delta["thinking"]),
        ("thinking", "signature_delta") => assert!(!text(&delta["signature"]).is_empty()),
        ("tool_use", "input_json_delta") => said.add(&delta["partial_json"]),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn whole_message(message: &Value) -> Said {
    let mut said =
        Said { stop: message["stop_reason"].clone(), usage: message["usage"].clone(), ..Said::default() };
    for block in message["content"].as_array().unwrap() {
        said.open(&block["type"], &block["name"]);
        match block["type"].as_str().unwrap() {
            "tool_use" => said.add(&block["input"].to_string().into()),
            kind => said.add(&block[kind]),
        }
    }
    truncated(said, "max_tokens")
}

/// The input of a call that was cut off has no whole form to be compared with.
fn truncated(mut said: Said, stop: &str) -> Said {
    if said.stop == stop {
        for part in said.parts.iter_mut().filter(|part| part.0 == "tool_use") {
            if serde_json::from_str::<Value>(&part.2).map_or(true, |input| input == serde_json::json!({})) {
                part.2.clear();
            }
        }
    }
    said
}

/// One role, one finish for each choice, usage only when asked for, `[DONE]` last.
pub(crate) fn chat(events: &[(String, String)], choices: u32, usage: bool) -> Said {
    let (last, chunks) = events.split_last().unwrap();
    assert_eq!(last.1, "[DONE]");
    let mut all: Vec<Said> = (0..choices).map(|_| Said::default()).collect();
    let (mut roles, mut counted, mut id) = (0, Value::Null, None);
    for (name, data) in chunks {
        let chunk = parse(data);
        assert!(name.is_empty() && chunk["object"] == "chat.completion.chunk");
        assert_eq!(*id.get_or_insert_with(|| chunk["id"].clone()), chunk["id"]);
        assert!(counted.is_null(), "nothing follows the usage");
        if chunk["usage"].is_object() {
            assert!(usage, "nobody asked for usage");
            counted = chunk["usage"].clone();
        }
        for choice in chunk["choices"].as_array().unwrap() {
            let said = &mut all[usize::try_from(choice["index"].as_u64().unwrap()).unwrap()];
            assert!(said.stop.is_null(), "nothing follows the finish");
            roles += u32::from(choice["delta"]["role"] == "assistant");
            said.stop = choice["finish_reason"].clone();
            delta(said, &choice["delta"]);
        }
    }
    assert_eq!((roles, counted.is_object()), (choices, usage));
    let mut said = all.pop().unwrap();
    assert!(
        !said.stop.is_null() && all.iter().all(|other| other.parts == said.parts && other.stop == said.stop)
    );
    said.usage = counted;
    said
}

fn delta(said: &mut Said, delta: &Value) {
    for (key, kind) in [("reasoning_content", "reasoning"), ("content", "text")] {
        if let Some(content) = delta[key].as_str().filter(|content| !content.is_empty()) {
            if said.parts.last().is_none_or(|part| part.0 != kind) {
                said.open(&kind.into(), &Value::Null);
            }
            said.add(&content.into());
        }
    }
    for call in delta["tool_calls"].as_array().into_iter().flatten() {
        if call.get("id").is_some() {
            let calls = said.parts.iter().filter(|part| part.0 == "call").count();
            assert!(call["index"] == calls && call["type"] == "function");
            said.open(&"call".into(), &call["function"]["name"]);
        }
        said.add(&call["function"]["arguments"]);
    }
}

pub(crate) fn whole_completion(completion: &Value, usage: bool) -> Said {
    let choice = &completion["choices"][0];
    let mut said = Said { stop: choice["finish_reason"].clone(), ..Said::default() };
    if usage {
        said.usage = completion["usage"].clone();
    }
    let message = &choice["message"];
    for (key, kind) in [("reasoning_content", "reasoning"), ("content", "text")] {
        if let Some(content) = message[key].as_str().filter(|content| !content.is_empty()) {
            said.open(&kind.into(), &Value::Null);
            said.add(&content.into());
        }
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        said.open(&"call".into(), &call["function"]["name"]);
        said.add(&call["function"]["arguments"]);
    }
    said
}

/// `created in_progress item* (completed | incomplete)`, numbered, every part opened and closed.
pub(crate) fn responses(events: &[(String, String)]) -> Said {
    let mut items: Vec<Value> = Vec::new();
    let mut open: Option<Value> = None;
    let mut streamed = String::new();
    let mut last = Value::Null;
    for (place, (name, data)) in events.iter().enumerate() {
        let event = parse(data);
        assert!(event["type"] == name.as_str() && event["sequence_number"] == place);
        assert!(last.is_null(), "nothing follows the terminal event");
        match name.as_str() {
            "response.created" => assert_eq!(place, 0),
            "response.in_progress" => assert_eq!(place, 1),
            "response.output_item.added" => {
                assert!(open.is_none() && event["output_index"] == items.len());
                open = Some(event["item"]["id"].clone());
                streamed.clear();
            }
            "response.output_item.done" => {
                assert_eq!(event["item"]["id"], open.take().unwrap());
                items.push(event["item"].clone());
            }
            "response.completed" | "response.incomplete" => last = event["response"].clone(),
            _ => {
                assert_eq!(Some(&event["item_id"]), open.as_ref());
                assert_eq!(event["output_index"], items.len());
                if name.ends_with(".delta") {
                    streamed.push_str(event["delta"].as_str().unwrap());
                }
                for key in ["text", "arguments"] {
                    if name.ends_with(".done") && event[key].is_string() {
                        assert_eq!(event[key], streamed.as_str());
                    }
                }
            }
        }
    }
    assert_eq!(last["output"], Value::from(items));
    whole_response(&last)
}

pub(crate) fn whole_response(response: &Value) -> Said {
    let mut said =
        Said { stop: response["status"].clone(), usage: response["usage"].clone(), ..Said::default() };
    for item in response["output"].as_array().unwrap() {
        said.open(&item["type"], &item["name"]);
        let content = [&item["content"][0]["text"], &item["summary"][0]["text"], &item["arguments"]];
        said.add(content.into_iter().find(|content| content.is_string()).unwrap());
    }
    said
}
