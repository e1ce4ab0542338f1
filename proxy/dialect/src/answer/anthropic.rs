//! Whole answers in the dialect of Anthropic Messages.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Answer, AnswerContext, AnswerFault, Block, Mint};
use crate::stop::StopReason;
use crate::stream::BlockKind;

#[derive(Serialize)]
struct Message<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Content<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    usage: serde_json::Value,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text {
        text: &'a str,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    ToolUse {
        id: String,
        name: &'a str,
        /// As the model wrote it: the order of keys and the digits of numbers are its own.
        input: &'a RawValue,
    },
}

/// # Errors
/// [`AnswerFault::ToolArguments`] when a tool call's arguments are not an object: the dialect has no other form.
pub(super) fn write(answer: &Answer, context: &AnswerContext) -> Result<Vec<u8>, AnswerFault> {
    let mut mint = Mint::new(context.id_seed);
    let id = mint.next("msg_");
    let mut content = Vec::new();
    for block in &answer.blocks {
        content.extend(write_block(block, &mut mint)?);
    }
    let message = Message {
        id,
        kind: "message",
        role: "assistant",
        model: if answer.model.is_empty() { &context.served_model } else { &answer.model },
        content,
        stop_reason: answer.stop.unwrap_or(StopReason::EndTurn).as_anthropic(),
        stop_sequence: answer.stop_sequence.as_deref(),
        usage: answer.usage.to_anthropic(),
    };
    serde_json::to_vec(&message).map_err(|_| AnswerFault::Broken("the answer cannot be written"))
}

fn write_block<'a>(block: &'a Block, mint: &mut Mint) -> Result<Option<Content<'a>>, AnswerFault> {
    let text = block.text.as_str();
    Ok(match &block.kind {
        // An empty text block could not be sent back in the next turn.
        BlockKind::Text | BlockKind::Refusal => (!text.is_empty()).then_some(Content::Text { text }),
        // Reasoning without the vendor's seal would brick the conversation's next turn.
        BlockKind::Thinking => {
            block.signature.as_deref().map(|signature| Content::Thinking { thinking: text, signature })
        }
        BlockKind::Tool { id, name } => {
            Some(Content::ToolUse { id: mint.tool_id("toolu_", id), name, input: input(text)? })
        }
        BlockKind::Opaque => None,
    })
}

fn input(arguments: &str) -> Result<&RawValue, AnswerFault> {
    let arguments = if matches!(arguments.trim(), "" | "null") { "{}" } else { arguments };
    let input: &RawValue = serde_json::from_str(arguments).map_err(|_| AnswerFault::ToolArguments)?;
    if input.get().starts_with('{') { Ok(input) } else { Err(AnswerFault::ToolArguments) }
}
