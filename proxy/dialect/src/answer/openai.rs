//! Whole answers in the dialect of Chat Completions.

use serde_json::{Value, json};

use super::{Answer, AnswerContext, Block, Mint};
use crate::stop::StopReason;
use crate::stream::BlockKind;

pub(super) fn write(answer: &Answer, context: &AnswerContext) -> Value {
    let mut mint = Mint::new(context.id_seed);
    let id = mint.next("chatcmpl-");
    let model = if answer.model.is_empty() { &context.served_model } else { &answer.model };
    let reason = answer.stop.unwrap_or(StopReason::EndTurn).as_chat();
    json!({
        "id": id,
        "object": "chat.completion",
        "created": context.created,
        "model": model,
        "choices": [{
            "index": 0, "message": message(&answer.blocks, &mut mint), "logprobs": null, "finish_reason": reason,
        }],
        "usage": answer.usage.to_chat(),
    })
}

fn message(blocks: &[Block], mint: &mut Mint) -> Value {
    let said = |kind: &BlockKind| -> Value {
        let text: String =
            blocks.iter().filter(|block| block.kind == *kind).map(|block| block.text.as_str()).collect();
        if text.is_empty() { Value::Null } else { Value::from(text) }
    };
    let mut message = json!({
        "role": "assistant", "content": said(&BlockKind::Text), "refusal": said(&BlockKind::Refusal), "annotations": [],
    });
    let calls: Vec<Value> = blocks.iter().filter_map(|block| call(block, mint)).collect();
    // An empty list is not the same as none: some clients take it for a turn of tool calls.
    if !calls.is_empty() {
        message["tool_calls"] = Value::from(calls);
    }
    message
}

fn call(block: &Block, mint: &mut Mint) -> Option<Value> {
    let BlockKind::Tool { id, name } = &block.kind else { return None };
    let function = json!({ "name": name, "arguments": block.text });
    Some(json!({ "id": mint.tool_id("call_", id), "type": "function", "function": function }))
}
