//! The stream of Chat Completions, as OpenAI and the many that imitate it write it.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::blocks::{Blocks, Shape};
use super::decoder::{DONE, in_band};
use super::event::{BlockKind, Event, StreamFault};
use super::openai_tools::{FunctionFragment, ToolFragment, Tools};
use crate::sse::RawEvent;
use crate::stop::StopReason;
use crate::usage::OpenAiUsage;
use crate::wire::{Borrowed, Prose};
use crate::{Dialect, Flavor};

pub(super) struct OpenAiDecoder {
    flavor: Flavor,
    started: bool,
    ended: bool,
    blocks: Blocks,
    tools: Tools,
    text: Option<u32>,
    refusal: Option<u32>,
    thinking: Option<u32>,
    /// Sound or pictures.
    opaque: Option<u32>,
    choices: Choices,
    /// The first choice's reason to stop, once every choice has one: the answer is whole.
    pub(super) finished: Option<StopReason>,
    stop: Option<StopReason>,
}

/// Which of several answers have begun and which have stopped, a bit each.
#[derive(Debug, Default)]
struct Choices {
    begun: u64,
    stopped: u64,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    id: Option<Borrowed<'a>>,
    #[serde(borrow)]
    model: Option<Borrowed<'a>>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<OpenAiUsage>,
    x_groq: Option<Groq>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Groq's models report their usage here as well, older ones only here.
#[derive(Deserialize)]
struct Groq {
    usage: Option<OpenAiUsage>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<u32>,
    #[serde(borrow, alias = "message")]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Borrowed<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Delta<'a> {
    content: Option<Prose>,
    /// DeepSeek, xAI, vLLM.
    reasoning_content: Option<Prose>,
    /// OpenRouter, Groq; newer vLLM sends both.
    reasoning: Option<Prose>,
    refusal: Option<Prose>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolFragment<'a>>>,
    #[serde(borrow)]
    function_call: Option<FunctionFragment<'a>>,
    audio: Option<IgnoredAny>,
    /// OpenRouter's.
    images: Option<Vec<IgnoredAny>>,
}

impl OpenAiDecoder {
    pub(super) fn new(flavor: Flavor) -> Self {
        Self {
            flavor,
            started: false,
            ended: false,
            blocks: Blocks::default(),
            tools: Tools::default(),
            text: None,
            refusal: None,
            thinking: None,
            opaque: None,
            choices: Choices::default(),
            finished: None,
            stop: None,
        }
    }

    pub(super) fn decode(&mut self, raw: &RawEvent, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        if raw.data.trim_ascii() == DONE {
            self.ended = true;
            return self.finish(out);
        }
        if raw.name() == Some("error") {
            out.push(Event::Error { failure: in_band(Dialect::OpenAi, &raw.data) });
            return Ok(());
        }
        self.take(&raw.data, out)
    }

    /// A whole completion is a chunk whose messages have everything in them.
    pub(super) fn decode_whole(&mut self, body: &[u8], out: &mut Vec<Event>) -> Result<(), StreamFault> {
        self.take(body, out)?;
        if matches!(out.last(), Some(Event::Error { .. })) { Ok(()) } else { self.finish(out) }
    }

    fn take(&mut self, json: &[u8], out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let chunk: Chunk<'_> = serde_json::from_slice(json)
            .map_err(|_| StreamFault::Broken("not the JSON of a chat completion"))?;
        let failed = chunk.choices.iter().flatten().find_map(|choice| choice.error);
        if chunk.error.is_some() {
            out.push(Event::Error { failure: in_band(Dialect::OpenAi, json) });
            return Ok(());
        }
        if let Some(error) = failed {
            let body = format!("{{\"error\":{}}}", error.get());
            out.push(Event::Error { failure: in_band(Dialect::OpenAi, body.as_bytes()) });
            return Ok(());
        }
        let usage = chunk.usage.or(chunk.x_groq.and_then(|groq| groq.usage));
        let result = self.take_choices(chunk.choices.unwrap_or_default(), [chunk.id, chunk.model], out);
        if let Some(usage) = usage {
            out.push(Event::Usage(usage.to_usage(self.flavor)));
        }
        result
    }

    /// Ends the answer, which must have given its reason to stop.
    pub(super) fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let reason = self.finished.ok_or(StreamFault::Truncated)?;
        self.blocks.close_all(out);
        let settled = self.blocks.settle(reason);
        out.push(Event::Stop(settled, None));
        self.blocks.judge(settled)?;
        out.push(Event::End);
        Ok(())
    }

    pub(super) fn missing_terminal(&self) -> Option<&'static [u8]> {
        (self.finished.is_some() && !self.ended).then_some(b"data: [DONE]\n\n")
    }

    fn take_choices(
        &mut self,
        choices: Vec<Choice<'_>>,
        [id, model]: [Option<Borrowed<'_>>; 2],
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        // Azure's first chunk has no choices, no id and no model: the answer has not begun by it.
        if !choices.is_empty() && !self.started {
            self.started = true;
            let owned = |text: Option<Borrowed<'_>>| {
                text.map_or_else(String::new, |Borrowed(text)| text.into_owned())
            };
            out.push(Event::Start {
                id: owned(id),
                model: owned(model),
                usage: crate::usage::Usage::default(),
            });
        }
        for choice in choices {
            let index = choice.index.unwrap_or(0);
            self.choices.begin(index);
            if index == 0 {
                self.take_delta(choice.delta.unwrap_or_default(), out)?;
            }
            if let Some(Borrowed(reason)) = choice.finish_reason {
                self.stop_choice(index, &reason, out)?;
            }
        }
        Ok(())
    }

    fn take_delta(&mut self, delta: Delta<'_>, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let content = delta.content.unwrap_or_default();
        let reasoning = delta.reasoning_content.filter(|prose| !prose.text.is_empty()).or(delta.reasoning);
        self.say(Shape::Thinking, reasoning.unwrap_or_default().text, out);
        self.say(Shape::Thinking, content.thinking, out);
        self.say(Shape::Text, content.text, out);
        self.say(Shape::Refusal, delta.refusal.unwrap_or_default().text, out);
        for fragment in delta.tool_calls.iter().flatten() {
            self.tools.take(fragment, &mut self.blocks, out)?;
        }
        let has_media = delta.audio.is_some() || delta.images.is_some_and(|images| !images.is_empty());
        if has_media && self.opaque.is_none() {
            self.opaque = Some(self.blocks.open(BlockKind::Opaque, out));
        }
        if let Some(fragment) = &delta.function_call {
            self.tools.take_legacy(fragment, &mut self.blocks, out)?;
        }
        Ok(())
    }

    /// Adds to the open block of a kind, or opens one after closing those of the other kinds.
    fn say(&mut self, shape: Shape, text: String, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        let (slot, kind) = match shape {
            Shape::Refusal => (&mut self.refusal, BlockKind::Refusal),
            Shape::Thinking => (&mut self.thinking, BlockKind::Thinking),
            _ => (&mut self.text, BlockKind::Text),
        };
        let key = match slot.filter(|key| self.blocks.shape(*key).is_some()) {
            Some(key) => key,
            None => {
                self.blocks.close_shapes(&[Shape::Text, Shape::Refusal, Shape::Thinking], out);
                self.blocks.close_whole_tools(out);
                *slot.insert(self.blocks.open(kind, out))
            }
        };
        self.blocks.delta(key, text, out);
    }

    fn stop_choice(&mut self, index: u32, reason: &str, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        let reason = StopReason::from_chat(reason).ok_or(StreamFault::Finish)?;
        self.choices.stop(index);
        if index == 0 {
            if !self.tools.are_named() {
                return Err(StreamFault::Broken("a tool call without name"));
            }
            // Checked here and not at the end, so that a broken call is known before its finish is forwarded.
            self.blocks.close_all(out);
            self.blocks.judge(self.blocks.settle(reason))?;
            self.stop = Some(reason);
        }
        if self.choices.begun == self.choices.stopped {
            self.finished = self.stop;
        }
        Ok(())
    }
}

impl Choices {
    fn begin(&mut self, index: u32) {
        self.begun |= 1_u64.checked_shl(index).unwrap_or(0);
    }

    fn stop(&mut self, index: u32) {
        self.stopped |= 1_u64.checked_shl(index).unwrap_or(0);
    }
}
