//! The stream of OpenAI Responses.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::decoder::{DONE, in_band};
use super::event::{BlockKind, Event, StreamFault};
use super::responses_items::{Item, Items, Slot, Words};
use crate::sse::RawEvent;
use crate::stop::StopReason;
use crate::usage::{OpenAiUsage, Usage};
use crate::wire::Prose;
use crate::{Dialect, Flavor};

pub(super) struct ResponsesDecoder {
    flavor: Flavor,
    started: bool,
    items: Items,
    /// The item that was announced last, for events that do not name theirs.
    current: u32,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    output_index: Option<u32>,
    content_index: Option<u32>,
    summary_index: Option<u32>,
    #[serde(default)]
    delta: Prose,
    #[serde(default)]
    text: Prose,
    #[serde(default)]
    refusal: Prose,
    #[serde(default)]
    arguments: Prose,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(default)]
    id: Prose,
    #[serde(default)]
    model: Prose,
    #[serde(default)]
    status: Prose,
    #[serde(borrow)]
    output: Option<Vec<Item<'a>>>,
    usage: Option<OpenAiUsage>,
    incomplete_details: Option<IncompleteDetails>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(default)]
    status: Prose,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct IncompleteDetails {
    reason: Option<String>,
}

impl ResponsesDecoder {
    pub(super) fn new(flavor: Flavor) -> Self {
        Self { flavor, started: false, items: Items::default(), current: 0 }
    }

    pub(super) fn decode(&mut self, raw: &RawEvent, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        if raw.data.trim_ascii() == DONE {
            return Ok(());
        }
        let wire: Wire<'_> = parse(&raw.data)?;
        match &*wire.kind {
            "response.created" | "response.queued" | "response.in_progress" => self.start(wire.response, out),
            "response.output_item.added" | "response.output_item.done" => self.item(&wire, out),
            "response.completed" | "response.incomplete" => self.end(wire.response, out),
            "response.failed" => {
                let body = wire.response.map_or(&raw.data[..], |response| response.get().as_bytes());
                out.push(Event::Error { failure: in_band(Dialect::Responses, body) });
                Ok(())
            }
            "error" => {
                out.push(Event::Error { failure: in_band(Dialect::Responses, &raw.data) });
                Ok(())
            }
            "response.cancelled" => Err(StreamFault::Truncated),
            _ => self.part(wire, out),
        }
    }

    /// A whole response is the last event's.
    pub(super) fn decode_whole(&mut self, body: &[u8], out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let response: &RawValue = parse(body)?;
        let state: State<'_> = parse(body)?;
        if state.error.is_some() || state.status.text == "failed" {
            out.push(Event::Error { failure: in_band(Dialect::Responses, body) });
            return Ok(());
        }
        match state.status.text.as_str() {
            "completed" | "incomplete" => self.end(Some(response), out),
            "queued" | "in_progress" | "cancelled" => Err(StreamFault::Truncated),
            _ => Err(StreamFault::Broken("the body is not a response")),
        }
    }

    pub(super) fn lose_words(&mut self) {
        self.items.lose_words();
    }

    pub(super) fn words_lost(&mut self) -> Option<Words> {
        self.items.words()
    }

    fn start(&mut self, response: Option<&RawValue>, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        let response: Response<'_> = parse(response.map_or("{}", RawValue::get).as_bytes())?;
        out.push(Event::Start { id: response.id.text, model: response.model.text, usage: Usage::default() });
        Ok(())
    }

    fn item(&mut self, wire: &Wire<'_>, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let item = wire.item.ok_or(StreamFault::Broken("an item event without item"))?;
        let item: Item<'_> = parse(item.get().as_bytes())?;
        self.current = wire.output_index.unwrap_or(self.current);
        if wire.kind == "response.output_item.added" {
            self.items.announce(self.current, &item, out)
        } else {
            self.items.settle(self.current, &item, out)
        }
    }

    fn part(&mut self, wire: Wire<'_>, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let item = wire.output_index.unwrap_or(self.current);
        let content = (item, Slot::Content(wire.content_index.unwrap_or(0)));
        let reasoning = (item, Slot::Reasoning(wire.content_index.unwrap_or(0)));
        let summary = (item, Slot::Summary(wire.summary_index.unwrap_or(0)));
        let items = &mut self.items;
        match &*wire.kind {
            "response.output_text.delta" => items.append(content, BlockKind::Text, wire.delta.text, out),
            "response.output_text.done" => items.complete(content, BlockKind::Text, &wire.text.text, out),
            "response.refusal.delta" => items.append(content, BlockKind::Refusal, wire.delta.text, out),
            "response.refusal.done" => items.complete(content, BlockKind::Refusal, &wire.refusal.text, out),
            "response.reasoning_summary_text.delta" => {
                items.append(summary, BlockKind::Thinking, wire.delta.text, out);
            }
            "response.reasoning_summary_text.done" => {
                items.complete(summary, BlockKind::Thinking, &wire.text.text, out);
            }
            "response.reasoning_text.delta" => {
                items.append(reasoning, BlockKind::Thinking, wire.delta.text, out)
            }
            "response.reasoning_text.done" => {
                items.complete(reasoning, BlockKind::Thinking, &wire.text.text, out)
            }
            "response.function_call_arguments.delta" => items.append_arguments(item, wire.delta.text, out)?,
            "response.function_call_arguments.done" => {
                items.complete_arguments(item, &wire.arguments.text, out)
            }
            // Everything else is bookkeeping, or the progress of what only this dialect has.
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, response: Option<&RawValue>, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        self.start(response, out)?;
        if self.items.words() == Some(Words::Missing) {
            return Err(StreamFault::Broken("words were lost"));
        }
        let response: Response<'_> = parse(response.map_or("{}", RawValue::get).as_bytes())?;
        self.items.settle_rest(response.output.as_deref().unwrap_or_default(), out)?;
        self.items.blocks.close_all(out);
        if let Some(usage) = response.usage {
            out.push(Event::Usage(usage.to_usage(self.flavor)));
        }
        let cut = response.incomplete_details.and_then(|details| details.reason);
        let reason = match cut {
            Some(reason) => StopReason::from_incomplete(&reason).ok_or(StreamFault::Finish)?,
            None if response.status.text == "incomplete" => return Err(StreamFault::Finish),
            None => StopReason::EndTurn,
        };
        let settled = self.items.blocks.settle(reason);
        out.push(Event::Stop(settled, None));
        self.items.blocks.judge(settled)?;
        out.push(Event::End);
        Ok(())
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, StreamFault> {
    serde_json::from_slice(json)
        .map_err(|_| StreamFault::Broken("an event is not the JSON that its dialect prescribes"))
}
