//! What an answer or an event of it says, in either dialect.

use serde_json::Value;

/// Text, arguments of calls and stop reason, as one dialect's answer or events have them.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) arguments: String,
    pub(crate) stop: Option<String>,
    pub(crate) ended: bool,
    pub(crate) error: bool,
    /// A call was announced, or said something.
    pub(crate) called: bool,
    /// Two envelopes, another id on the way, or something after the end.
    pub(crate) doubled: bool,
    id: Option<String>,
}

impl Said {
    /// One event of a stream.
    pub(crate) fn event(&mut self, messages: bool, event: &Value) {
        self.doubled |= self.ended;
        self.error |= event["type"] == "error" || event["error"].is_object();
        if messages {
            return self.messages_event(event);
        }
        self.identify(&event["id"]);
        let choice = &event["choices"][0];
        self.text += choice["delta"]["content"].as_str().unwrap_or_default();
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            self.called = true;
            self.arguments += call["function"]["arguments"].as_str().unwrap_or_default();
        }
        self.stop(&choice["finish_reason"]);
    }

    fn messages_event(&mut self, event: &Value) {
        if event["type"] == "message_start" {
            self.doubled |= self.id.is_some();
            self.identify(&event["message"]["id"]);
        }
        self.called |= event["content_block"]["type"] == "tool_use";
        self.text += event["delta"]["text"].as_str().unwrap_or_default();
        self.arguments += event["delta"]["partial_json"].as_str().unwrap_or_default();
        self.stop(&event["delta"]["stop_reason"]);
        self.ended |= event["type"] == "message_stop";
    }

    /// The end marker of Chat Completions.
    pub(crate) fn done(&mut self) {
        self.doubled |= self.ended;
        self.ended = true;
    }

    /// Something that a reader would take for the begin of an answer has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.called || !self.text.is_empty()
    }

    /// A whole answer.
    pub(crate) fn whole(&mut self, messages: bool, answer: &Value) {
        self.ended = true;
        if messages {
            for block in answer["content"].as_array().into_iter().flatten() {
                self.text += block["text"].as_str().unwrap_or_default();
                if block["type"] == "tool_use" {
                    self.arguments += &block["input"].to_string();
                }
            }
            return self.stop(&answer["stop_reason"]);
        }
        let choice = &answer["choices"][0];
        self.text += choice["message"]["content"].as_str().unwrap_or_default();
        for call in choice["message"]["tool_calls"].as_array().into_iter().flatten() {
            self.arguments += call["function"]["arguments"].as_str().unwrap_or_default();
        }
        self.stop(&choice["finish_reason"]);
    }

    fn identify(&mut self, id: &Value) {
        if let Some(id) = id.as_str() {
            self.doubled |= self.id.as_deref().is_some_and(|known| known != id);
            self.id = Some(id.to_owned());
        }
    }

    fn stop(&mut self, reason: &Value) {
        if let Some(reason) = reason.as_str() {
            self.stop = Some(reason.to_owned());
        }
    }
}
