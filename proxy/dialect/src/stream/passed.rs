//! What must be known of events that were passed on as they came, to add more events to them.
//!
//! Nothing is read while the stream is well: the few events that matter are kept as they are, and read only when the
//! stream has to be continued.

use bytes::Bytes;
use serde_json::Value;

use crate::Dialect;
use crate::sse::{DONE, RawEvent};

/// More finished items than any answer has.
const MAX_ITEMS: usize = 256;

/// The chunks at the beginning of a Chat Completions stream in which the answer's id is looked for: Azure's first
/// has none.
const HEADS: usize = 3;

pub(super) enum Passed {
    Anthropic(PassedBlocks),
    OpenAi(Vec<Bytes>),
    Responses(Box<PassedItems>),
}

/// Blocks of an Anthropic message.
#[derive(Default)]
pub(super) struct PassedBlocks {
    started: bool,
    /// The event that began the newest block.
    newest: Option<Bytes>,
    closed: bool,
    irregular: bool,
}

/// Items of a response.
#[derive(Default)]
pub(super) struct PassedItems {
    pub(super) created: Option<Bytes>,
    /// The events that ended an item.
    pub(super) done: Vec<Bytes>,
    /// The event that began the item that is open.
    pub(super) item: Option<Bytes>,
    /// The events that ended a part of the open item.
    pub(super) parts: Vec<Bytes>,
    /// The event that began the part that is open.
    pub(super) part: Option<Bytes>,
    /// The open part has been said to be whole.
    pub(super) text_done: bool,
    pub(super) last: Option<Bytes>,
    irregular: bool,
}

impl Passed {
    pub(super) fn new(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Anthropic => Self::Anthropic(PassedBlocks::default()),
            Dialect::OpenAi => Self::OpenAi(Vec::new()),
            Dialect::Responses => Self::Responses(Box::default()),
        }
    }

    /// Takes note of an event. Whether a new place for text begins with it.
    pub(super) fn note(&mut self, raw: &RawEvent) -> bool {
        if raw.data.is_empty() || raw.data == DONE {
            return false;
        }
        match self {
            Self::Anthropic(blocks) => blocks.note(raw),
            Self::OpenAi(heads) => {
                // Chunks have no names; signs of life may.
                if heads.len() < HEADS && raw.name().is_none() {
                    heads.push(raw.data.clone());
                }
            }
            Self::Responses(items) => return items.note(raw),
        }
        false
    }

    /// Whether the events are not such as their dialect prescribes, so that nobody knows what may follow.
    pub(super) fn is_irregular(&self) -> bool {
        match self {
            Self::Anthropic(blocks) => blocks.irregular || !blocks.started,
            Self::OpenAi(heads) => heads.is_empty(),
            Self::Responses(items) => items.irregular || items.created.is_none(),
        }
    }
}

impl PassedBlocks {
    fn note(&mut self, raw: &RawEvent) {
        match raw.name() {
            Some("message_start") => self.started = true,
            Some("content_block_start") => {
                self.irregular |= self.newest.is_some() && !self.closed;
                self.newest = Some(raw.data.clone());
                self.closed = false;
            }
            Some("content_block_stop") => self.closed = true,
            Some(_) => {}
            // Clients go by the names.
            None => self.irregular = true,
        }
    }

    /// The index of the block that comes next or that is open, and whether one is; `None` when that one holds
    /// something else than text.
    pub(super) fn place(&self) -> Option<(u32, bool)> {
        let Some(newest) = &self.newest else { return Some((0, false)) };
        let newest = parse(newest)?;
        let index = u32::try_from(newest["index"].as_u64()?).ok()?;
        if self.closed {
            return Some((index + 1, false));
        }
        (newest["content_block"]["type"] == "text").then_some((index, true))
    }
}

impl PassedItems {
    fn note(&mut self, raw: &RawEvent) -> bool {
        let data = || raw.data.clone();
        match raw.name() {
            Some("response.created" | "response.queued" | "response.in_progress") => {
                self.created.get_or_insert_with(data);
            }
            Some("response.output_item.added") => {
                self.irregular |= self.item.is_some();
                (self.item, self.part, self.text_done) = (Some(data()), None, false);
                self.parts.clear();
            }
            Some("response.output_item.done") => {
                self.irregular |= self.done.len() >= MAX_ITEMS;
                (self.item, self.part) = (None, None);
                self.done.push(data());
            }
            Some("response.content_part.added") => (self.part, self.text_done) = (Some(data()), false),
            Some("response.output_text.done") => self.text_done = true,
            Some("response.content_part.done") => {
                self.irregular |= self.parts.len() >= MAX_ITEMS;
                self.part = None;
                self.parts.push(data());
            }
            Some(_) => {}
            None => self.irregular = true,
        }
        self.last = Some(data());
        matches!(raw.name(), Some("response.output_item.added" | "response.content_part.added"))
    }
}

/// The head of the chunks of a Chat Completions stream, up to the choices.
pub(super) fn chat_head(heads: &[Bytes]) -> Option<String> {
    let chunks: Vec<Value> =
        heads.iter().filter_map(parse).filter(|chunk| chunk["choices"].is_array()).collect();
    let named = chunks.iter().find(|chunk| chunk["id"].as_str().is_some_and(|id| !id.is_empty()));
    let named = named.or(chunks.first())?;
    let mut head = String::from("{");
    for key in ["id", "object", "created", "model", "system_fingerprint", "service_tier", "provider"] {
        if let Some(value) = named.get(key).filter(|value| !value.is_null()) {
            head.push_str(&format!("\"{key}\":{value},"));
        }
    }
    head.push_str("\"choices\":[");
    Some(head)
}

pub(super) fn parse(data: &Bytes) -> Option<Value> {
    serde_json::from_slice(data).ok()
}
