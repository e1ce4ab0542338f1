//! Goes on with a Responses stream whose first events another has written.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::event::BlockKind;
use super::passed::{PassedItems, parse};
use super::responses_encoder::{Open, ResponsesWriter};
use crate::answer::{AnswerContext, ResponseFrame, item};

impl ResponsesWriter {
    /// Goes on where `items` end, which have said `text` in their newest part. A part that is whole is closed with its
    /// item: what is still to come is then an item of its own. `None` when the events cannot be read, or when
    /// something else than a message is open.
    pub(super) fn resumed(
        context: AnswerContext,
        items: &PassedItems,
        text: &str,
        out: &mut BytesMut,
    ) -> Option<Self> {
        let created = parse(items.created.as_ref()?)?.get_mut("response")?.take();
        let frame = ResponseFrame {
            id: created["id"].as_str()?.to_owned(),
            created: created["created_at"].as_u64().unwrap_or(context.created),
            model: created["model"].as_str().unwrap_or(&context.served_model).to_owned(),
            base: Some(created),
        };
        let mut writer = Self::new(context);
        writer.frame = Some(frame);
        // Some servers do not number their events.
        let last = items.last.as_ref().and_then(parse).and_then(|last| last["sequence_number"].as_u64());
        writer.sequence_number = last.map_or(0, |last| last + 1);
        for done in &items.done {
            let mut done = parse(done)?;
            writer.index = writer.index.max(done["output_index"].as_u64()? + 1);
            writer.output.push(done.get_mut("item")?.take());
        }
        if let Some(item) = &items.item {
            writer.resume_item(&parse(item)?, items, text, out)?;
        }
        Some(writer)
    }

    fn resume_item(
        &mut self,
        added: &Value,
        items: &PassedItems,
        text: &str,
        out: &mut BytesMut,
    ) -> Option<()> {
        let base = added.get("item").filter(|item| item["type"] == "message")?;
        self.index = added["output_index"].as_u64()?;
        let parts: Option<Vec<Value>> =
            items.parts.iter().map(|done| parse(done)?.get_mut("part").map(Value::take)).collect();
        let mut open = Open {
            kind: BlockKind::Text,
            id: base["id"].as_str()?.to_owned(),
            base: Some(base.clone()),
            parts: parts?,
            call_id: String::new(),
            text: text.to_owned(),
            announced: true,
        };
        let between = items.part.is_none() && !open.parts.is_empty();
        if between {
            self.end_item(&open, out);
        } else if items.part.is_none() && text.is_empty() {
            let part = open.place(json!({ "part": item::text_part("") }));
            self.emit_item("response.content_part.added", part, out);
            self.open = Some(open);
        } else if items.text_done {
            let part = open.place(json!({ "part": item::text_part(text) }));
            self.emit_item("response.content_part.done", part, out);
            open.parts.push(item::text_part(text));
            self.end_item(&open, out);
        } else {
            self.open = Some(open);
        }
        Some(())
    }

    /// Ends an item whose parts are all finished.
    fn end_item(&mut self, open: &Open, out: &mut BytesMut) {
        let item = open.message(&Value::from(open.parts.clone()), "completed");
        self.emit_item("response.output_item.done", json!({ "item": &item }), out);
        self.output.push(item);
        self.index += 1;
    }

    /// Whether an item is being written.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

impl Open {
    /// The message that this item is, with what another announced of it.
    pub(super) fn message(&self, content: &Value, status: &str) -> Value {
        let mut message = item::message(&self.id, content, status);
        if let (Some(Value::Object(base)), Some(fields)) = (&self.base, message.as_object_mut()) {
            for (key, value) in base {
                fields.entry(key.as_str()).or_insert_with(|| value.clone());
            }
        }
        message
    }
}
