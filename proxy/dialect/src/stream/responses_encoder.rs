//! Writes the stream of OpenAI Responses.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::encoder::{keep_alive, write_event};
use super::event::{BlockKind, Event};
use super::sequence::Writer;
use crate::Dialect;
use crate::answer::{AnswerContext, Mint, ResponseFrame, Status, item};
use crate::error::{ErrorForm, write_stream_error};
use crate::stop::StopReason;
use crate::usage::Usage;

pub(super) struct ResponsesWriter {
    context: AnswerContext,
    mint: Mint,
    pub(super) frame: Option<ResponseFrame>,
    pub(super) sequence_number: u64,
    /// The place in the answer of the item that is open, or of the next one.
    pub(super) index: u64,
    /// The items that are finished: the last event repeats them.
    pub(super) output: Vec<Value>,
    pub(super) open: Option<Open>,
    usage: Usage,
    stop: Option<StopReason>,
}

/// The item that is being written.
pub(super) struct Open {
    pub(super) kind: BlockKind,
    pub(super) id: String,
    /// The item as another announced it, where that was not this writer.
    pub(super) base: Option<Value>,
    /// The parts of it that are finished.
    pub(super) parts: Vec<Value>,
    pub(super) call_id: String,
    pub(super) text: String,
    /// Text is announced with its first word, so that there is no empty item.
    pub(super) announced: bool,
}

impl ResponsesWriter {
    pub(super) fn new(context: AnswerContext) -> Self {
        let mint = Mint::new(context.id_seed);
        let (frame, open, stop) = (None, None, None);
        Self {
            context,
            mint,
            frame,
            sequence_number: 0,
            index: 0,
            output: Vec::new(),
            open,
            usage: Usage::default(),
            stop,
        }
    }

    /// Ends the stream with an error, then with the failed response: each official client heeds one of the two.
    pub(super) fn fail(&mut self, form: &ErrorForm, out: &mut BytesMut) {
        let event = write_stream_error(Dialect::Responses, form);
        let body = event.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
        let mut error: Value = body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        if let Some(fields) = error.as_object_mut() {
            for bookkeeping in ["type", "sequence_number"] {
                fields.remove(bookkeeping);
            }
        }
        self.start("", out);
        let (code, message) = (error["code"].clone(), error["message"].clone());
        self.emit("error", error, out);
        let failed = Status::Failed { code, message };
        let response = self.response(&failed);
        self.emit("response.failed", json!({ "response": response }), out);
    }

    fn start(&mut self, model: &str, out: &mut BytesMut) {
        if self.frame.is_some() {
            return;
        }
        let model = if model.is_empty() { &self.context.served_model } else { model };
        let id = self.mint.next("resp_");
        let (created, model) = (self.context.created, model.to_owned());
        self.frame = Some(ResponseFrame { id, created, model, base: None });
        for name in ["response.created", "response.in_progress"] {
            let response = self.response(&Status::InProgress);
            self.emit(name, json!({ "response": response }), out);
        }
    }

    fn response(&self, status: &Status) -> Value {
        let output = if matches!(status, Status::InProgress) { &[][..] } else { &self.output[..] };
        self.frame.as_ref().map_or(Value::Null, |frame| frame.write(status, output, self.usage))
    }

    fn emit(&mut self, name: &str, mut body: Value, out: &mut BytesMut) {
        body["type"] = Value::from(name);
        body["sequence_number"] = Value::from(self.sequence_number);
        self.sequence_number += 1;
        write_event(Some(name), &body, out);
    }

    /// An event about the open item.
    pub(super) fn emit_item(&mut self, name: &str, mut body: Value, out: &mut BytesMut) {
        body["output_index"] = Value::from(self.index);
        self.emit(name, body, out);
    }

    fn open(&mut self, kind: &BlockKind, out: &mut BytesMut) {
        let (prefix, call_id) = match kind {
            BlockKind::Tool { id, .. } => ("fc_", self.mint.tool_id("call_", id)),
            BlockKind::Thinking => ("rs_", String::new()),
            _ => ("msg_", String::new()),
        };
        let id = self.mint.next(prefix);
        let (text, announced) = (String::new(), false);
        let (base, parts) = (None, Vec::new());
        self.open = Some(Open { kind: kind.clone(), id, base, parts, call_id, text, announced });
        if matches!(kind, BlockKind::Tool { .. }) {
            self.announce(out);
        }
    }

    fn announce(&mut self, out: &mut BytesMut) {
        let Some(open) = &mut self.open else { return };
        if std::mem::replace(&mut open.announced, true) {
            return;
        }
        let begun = open.item("in_progress", &self.context);
        let part = open.place(json!({ "part": open.part("") }));
        let name = open.name("part.added");
        self.emit_item("response.output_item.added", json!({ "item": begun }), out);
        if let Some(name) = name {
            self.emit_item(name, part, out);
        }
    }

    fn delta(&mut self, text: &str, out: &mut BytesMut) {
        self.announce(out);
        let Some(open) = &mut self.open else { return };
        open.text.push_str(text);
        let (body, name) = (open.place(json!({ "delta": text })), open.name("delta"));
        if let Some(name) = name {
            self.emit_item(name, body, out);
        }
    }

    fn close(&mut self, sealed: bool, out: &mut BytesMut) {
        let Some(open) = self.open.take().filter(|open| open.announced) else { return };
        if let Some(name) = open.name("done") {
            self.emit_item(name, open.place(open.whole()), out);
        }
        if let Some(name) = open.name("part.done") {
            self.emit_item(name, open.place(json!({ "part": open.part(&open.text) })), out);
        }
        let item = open.item(if sealed { "completed" } else { "incomplete" }, &self.context);
        self.emit_item("response.output_item.done", json!({ "item": &item }), out);
        self.output.push(item);
        self.index += 1;
    }

    fn end(&mut self, out: &mut BytesMut) {
        let status = Status::of(self.stop.unwrap_or(StopReason::EndTurn), &self.output);
        let name =
            if matches!(status, Status::Completed) { "response.completed" } else { "response.incomplete" };
        let response = self.response(&status);
        self.emit(name, json!({ "response": response }), out);
    }
}

impl Open {
    /// The name of an event about this item; nothing where the item has no such event.
    fn name(&self, what: &str) -> Option<&'static str> {
        Some(match (&self.kind, what) {
            (BlockKind::Text | BlockKind::Refusal, "part.added") => "response.content_part.added",
            (BlockKind::Text | BlockKind::Refusal, "part.done") => "response.content_part.done",
            (BlockKind::Text, "delta") => "response.output_text.delta",
            (BlockKind::Text, "done") => "response.output_text.done",
            (BlockKind::Refusal, "delta") => "response.refusal.delta",
            (BlockKind::Refusal, "done") => "response.refusal.done",
            (BlockKind::Thinking, "part.added") => "response.reasoning_summary_part.added",
            (BlockKind::Thinking, "part.done") => "response.reasoning_summary_part.done",
            (BlockKind::Thinking, "delta") => "response.reasoning_summary_text.delta",
            (BlockKind::Thinking, "done") => "response.reasoning_summary_text.done",
            (BlockKind::Tool { .. }, "delta") => "response.function_call_arguments.delta",
            (BlockKind::Tool { .. }, "done") => "response.function_call_arguments.done",
            _ => return None,
        })
    }

    /// Adds where in the answer an event belongs.
    pub(super) fn place(&self, mut body: Value) -> Value {
        body["item_id"] = Value::from(self.id.as_str());
        match self.kind {
            BlockKind::Thinking => body["summary_index"] = Value::from(0),
            BlockKind::Text | BlockKind::Refusal => {
                body["content_index"] = Value::from(self.parts.len());
            }
            BlockKind::Tool { .. } | BlockKind::Opaque => {}
        }
        if self.kind == BlockKind::Text && body.get("part").is_none() {
            body["logprobs"] = json!([]);
        }
        body
    }

    fn part(&self, text: &str) -> Value {
        match self.kind {
            BlockKind::Thinking => item::summary_part(text),
            BlockKind::Refusal => item::refusal_part(text),
            _ => item::text_part(text),
        }
    }

    fn whole(&self) -> Value {
        match &self.kind {
            BlockKind::Tool { name, .. } => json!({ "arguments": self.text, "name": name }),
            BlockKind::Refusal => json!({ "refusal": self.text }),
            _ => json!({ "text": self.text }),
        }
    }

    fn item(&self, status: &str, context: &AnswerContext) -> Value {
        let begun = status == "in_progress";
        match &self.kind {
            BlockKind::Tool { name, .. } => {
                item::function_call(&self.id, [&self.call_id, name, &self.text], status)
            }
            BlockKind::Thinking => {
                let parts = if begun { json!([]) } else { json!([self.part(&self.text)]) };
                item::reasoning(&self.id, &parts, context)
            }
            _ => {
                let mut parts = self.parts.clone();
                if !begun {
                    parts.push(self.part(&self.text));
                }
                self.message(&Value::from(parts), status)
            }
        }
    }
}

impl Writer for ResponsesWriter {
    fn shows(&self, kind: &BlockKind) -> bool {
        !matches!(kind, BlockKind::Opaque)
    }

    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { model, usage, .. } => {
                self.usage = *usage;
                self.start(model, out);
            }
            Event::Open { kind, .. } => {
                self.start("", out);
                self.open(kind, out);
            }
            Event::Delta { text, .. } => self.delta(text, out),
            Event::Close { sealed, .. } => self.close(*sealed, out),
            Event::Usage(usage) => self.usage = *usage,
            Event::Stop(reason, _) => self.stop = Some(*reason),
            Event::End => {
                self.start("", out);
                self.end(out);
            }
            Event::Ping => out.extend_from_slice(keep_alive(Dialect::Responses)),
            Event::Signature { .. } | Event::Error { .. } => {}
        }
    }
}
