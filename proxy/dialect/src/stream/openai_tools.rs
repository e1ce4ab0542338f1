//! Tool calls in Chat Completions streams, put together from their fragments.
//!
//! OpenAI numbers the calls and names id and function once, in the first fragment. Others leave the index out,
//! give every call the index 0, start at 1, or repeat id and name in every fragment.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::blocks::{Blocks, Shape, is_whole};
use super::event::{BlockKind, Event, StreamFault};
use crate::wire::{Borrowed, arguments};

#[derive(Deserialize)]
pub(super) struct ToolFragment<'a> {
    index: Option<u32>,
    #[serde(borrow)]
    id: Option<Borrowed<'a>>,
    #[serde(borrow)]
    function: Option<FunctionFragment<'a>>,
    custom: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct FunctionFragment<'a> {
    #[serde(borrow)]
    name: Option<Borrowed<'a>>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// The calls so far, in the order of their first fragments.
#[derive(Default)]
pub(super) struct Tools {
    calls: Vec<Call>,
}

#[derive(Default)]
struct Call {
    index: Option<u32>,
    id: String,
    /// The call's block, once its name is known.
    key: Option<u32>,
    /// What has come of the arguments.
    arguments: String,
}

/// A fragment, reduced to what counts.
struct Fragment<'a> {
    index: Option<u32>,
    id: &'a str,
    name: &'a str,
    arguments: String,
    opaque: bool,
}

impl Tools {
    /// Takes one fragment of `tool_calls`.
    pub(super) fn take(
        &mut self,
        fragment: &ToolFragment<'_>,
        blocks: &mut Blocks,
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        let function = fragment.function.as_ref();
        self.add(
            Fragment {
                index: fragment.index,
                id: text(fragment.id.as_ref()),
                name: text(function.and_then(|function| function.name.as_ref())),
                arguments: arguments(function.and_then(|function| function.arguments)),
                opaque: fragment.custom.is_some(),
            },
            blocks,
            out,
        )
    }

    /// Takes one fragment of the `function_call` that `tool_calls` replaced.
    pub(super) fn take_legacy(
        &mut self,
        fragment: &FunctionFragment<'_>,
        blocks: &mut Blocks,
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        let (name, arguments) = (text(fragment.name.as_ref()), arguments(fragment.arguments));
        self.add(Fragment { index: Some(0), id: "", name, arguments, opaque: false }, blocks, out)
    }

    /// Whether every call has a name.
    pub(super) fn are_named(&self) -> bool {
        self.calls.iter().all(|call| call.key.is_some())
    }

    fn add(
        &mut self,
        fragment: Fragment<'_>,
        blocks: &mut Blocks,
        out: &mut Vec<Event>,
    ) -> Result<(), StreamFault> {
        let at = match self.locate(&fragment) {
            Some(at) => at,
            None => {
                self.calls.push(Call { index: fragment.index, ..Call::default() });
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            fragment.id.clone_into(&mut call.id);
        }
        if call.key.is_none() && (fragment.opaque || !fragment.name.is_empty()) {
            blocks.close_shapes(&[Shape::Text, Shape::Refusal, Shape::Thinking], out);
            blocks.close_whole_tools(out);
            call.open(&fragment, blocks, out);
        }
        call.extend(fragment.arguments, blocks, out)
    }

    fn locate(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let is_next = |call: &Call| {
            let other_id = !fragment.id.is_empty() && !call.id.is_empty() && call.id != fragment.id;
            let over = !fragment.arguments.trim().is_empty() && call.is_whole();
            !fragment.name.is_empty() && (other_id || over)
        };
        if let Some(index) = fragment.index {
            return self
                .calls
                .iter()
                .rposition(|call| call.index == Some(index))
                .filter(|&at| !is_next(&self.calls[at]));
        }
        if !fragment.id.is_empty() {
            return self.calls.iter().rposition(|call| call.id == fragment.id);
        }
        self.calls.len().checked_sub(1).filter(|_| fragment.name.is_empty() && !fragment.opaque)
    }
}

impl Call {
    fn open(&mut self, fragment: &Fragment<'_>, blocks: &mut Blocks, out: &mut Vec<Event>) {
        let kind = if fragment.opaque {
            BlockKind::Opaque
        } else {
            BlockKind::Tool { id: self.id.clone(), name: fragment.name.to_owned() }
        };
        let key = blocks.open(kind, out);
        self.key = Some(key);
        blocks.delta(key, self.arguments.clone(), out);
    }

    fn extend(&mut self, more: String, blocks: &mut Blocks, out: &mut Vec<Event>) -> Result<(), StreamFault> {
        self.arguments.push_str(&more);
        let Some(key) = self.key else { return Ok(()) };
        if blocks.shape(key).is_none() && !more.trim().is_empty() {
            return Err(StreamFault::Broken("arguments of a tool call after its end"));
        }
        blocks.delta(key, more, out);
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.arguments.trim_end().ends_with('}') && is_whole(&self.arguments)
    }
}

fn text<'a>(text: Option<&'a Borrowed<'_>>) -> &'a str {
    text.map_or("", |Borrowed(text)| match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => text,
    })
}
