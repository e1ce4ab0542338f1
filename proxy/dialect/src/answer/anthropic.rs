//! Whole answers in the dialect of Anthropic Messages.

use serde_json::{Map, Value, json};

use super::{Answer, AnswerContext, AnswerFault, Block, Mint};
use crate::stop::StopReason;
use crate::stream::BlockKind;

/// # Errors
/// [`AnswerFault::ToolArguments`] when a tool call's arguments are not an object: the dialect has no other form.
pub(super) fn write(answer: &Answer, context: &AnswerContext) -> Result<Value, AnswerFault> {
    let mut mint = Mint::new(context.id_seed);
    let id = mint.next("msg_");
    let mut content = Vec::new();
    for block in &answer.blocks {
        content.extend(write_block(block, &mut mint)?);
    }
    let model = if answer.model.is_empty() { &context.served_model } else { &answer.model };
    Ok(json!({
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": answer.stop.unwrap_or(StopReason::EndTurn).as_anthropic(),
        "stop_sequence": answer.stop_sequence,
        "usage": answer.usage.to_anthropic(),
    }))
}

fn write_block(block: &Block, mint: &mut Mint) -> Result<Option<Value>, AnswerFault> {
    Ok(match &block.kind {
        // An empty text block could not be sent back in the next turn.
        BlockKind::Text | BlockKind::Refusal if block.text.is_empty() => None,
        BlockKind::Text | BlockKind::Refusal => Some(json!({ "type": "text", "text": block.text })),
        // Reasoning without the vendor's seal would brick the conversation's next turn.
        BlockKind::Thinking => block
            .signature
            .as_ref()
            .map(|signature| json!({ "type": "thinking", "thinking": block.text, "signature": signature })),
        BlockKind::Tool { id, name } => {
            let input = input(&block.text)?;
            Some(
                json!({ "type": "tool_use", "id": mint.tool_id("toolu_", id), "name": name, "input": input }),
            )
        }
        BlockKind::Opaque => None,
    })
}

fn input(arguments: &str) -> Result<Map<String, Value>, AnswerFault> {
    match arguments.trim() {
        "" | "null" => Ok(Map::new()),
        arguments => serde_json::from_str(arguments).map_err(|_| AnswerFault::ToolArguments),
    }
}
