//! Whole answers in the dialect of OpenAI Responses.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, AnswerContext, AnswerFacts, Block, Mint};
use crate::stop::StopReason;
use crate::stream::BlockKind;
use crate::usage::Usage;

/// What stays the same in every event that repeats the response.
#[derive(Debug, Clone)]
pub(crate) struct ResponseFrame {
    pub(crate) id: String,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) model: String,
    /// The response as another began it, which has its settings.
    pub(crate) base: Option<Value>,
}

/// How far a response has got.
#[derive(Debug, Clone)]
pub(crate) enum Status {
    InProgress,
    Completed,
    /// With the reason.
    Incomplete(&'static str),
    Failed {
        code: Value,
        message: Value,
    },
}

/// The items of a response's `output`.
pub(crate) mod item {
    use serde_json::{Value, json};

    use crate::answer::AnswerContext;
    use crate::mark;

    pub(crate) fn message(id: &str, content: &Value, status: &str) -> Value {
        json!({ "id": id, "type": "message", "role": "assistant", "status": status, "content": content })
    }

    /// `[call_id, name, arguments]` are those of the call.
    pub(crate) fn function_call(id: &str, [call_id, name, arguments]: [&str; 3], status: &str) -> Value {
        json!({
            "id": id, "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments,
            "status": status,
        })
    }

    /// Reasoning of another vendor: marked, so that it is not replayed to OpenAI in the next turn.
    pub(crate) fn reasoning(id: &str, summary: &Value, context: &AnswerContext) -> Value {
        let mark = mark::mint(&context.served_model, context.id_seed);
        json!({ "id": id, "type": "reasoning", "summary": summary, "encrypted_content": mark })
    }

    pub(crate) fn text_part(text: &str) -> Value {
        json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
    }

    pub(crate) fn refusal_part(refusal: &str) -> Value {
        json!({ "type": "refusal", "refusal": refusal })
    }

    pub(crate) fn summary_part(text: &str) -> Value {
        json!({ "type": "summary_text", "text": text })
    }
}

impl Status {
    /// The status of an answer that has stopped. A refusal that is said is a completed answer.
    pub(crate) fn of(stop: StopReason, output: &[Value]) -> Self {
        let refuses =
            |item: &Value| item["content"].as_array().is_some_and(|parts| parts.iter().any(is_refusal));
        match stop.as_incomplete() {
            Some(_) if stop == StopReason::Refusal && output.iter().any(refuses) => Self::Completed,
            Some(reason) => Self::Incomplete(reason),
            None => Self::Completed,
        }
    }
}

fn is_refusal(part: &Value) -> bool {
    part["type"] == "refusal"
}

/// What no settings of a response can say.
const OWN: [&str; 8] = ["id", "object", "model", "output", "status", "error", "incomplete_details", "usage"];

impl ResponseFrame {
    /// A response with every key that the API reference requires. Settings of the request that have no part in
    /// the answer stand at their defaults.
    pub(crate) fn write(&self, status: &Status, output: &[Value], usage: Usage) -> Value {
        let mut response = json!({
            "id": self.id, "object": "response", "created_at": self.created, "model": self.model, "output": output,
            "status": "completed", "error": null, "incomplete_details": null, "usage": null,
            "background": false, "instructions": null, "max_output_tokens": null, "metadata": {},
            "parallel_tool_calls": true, "previous_response_id": null,
            "reasoning": { "effort": null, "summary": null }, "store": false, "temperature": null,
            "text": { "format": { "type": "text" } }, "tool_choice": "auto", "tools": [], "top_p": null,
            "truncation": "disabled",
        });
        if let Some(Value::Object(base)) = &self.base {
            for (key, value) in base.iter().filter(|(key, _)| !OWN.contains(&key.as_str())) {
                response[key] = value.clone();
            }
        }
        response["status"] = Value::from(match status {
            Status::InProgress => "in_progress",
            Status::Completed => "completed",
            Status::Incomplete(reason) => {
                response["incomplete_details"] = json!({ "reason": reason });
                "incomplete"
            }
            Status::Failed { code, message } => {
                response["error"] = json!({ "code": code, "message": message });
                "failed"
            }
        });
        if !matches!(status, Status::InProgress) {
            response["usage"] = usage.to_responses();
        }
        response
    }
}

pub(super) fn write(answer: &Answer, context: &AnswerContext) -> Value {
    let mut mint = Mint::new(context.id_seed);
    let model = if answer.model.is_empty() { &context.served_model } else { &answer.model };
    let (id, created) = (mint.next("resp_"), context.created);
    let frame = ResponseFrame { id, created, model: model.clone(), base: None };
    let output: Vec<Value> =
        answer.blocks.iter().filter_map(|block| write_block(block, &mut mint, context)).collect();
    let status = Status::of(answer.stop.unwrap_or(StopReason::EndTurn), &output);
    frame.write(&status, &output, answer.usage)
}

fn write_block(block: &Block, mint: &mut Mint, context: &AnswerContext) -> Option<Value> {
    if block.text.is_empty() && !matches!(block.kind, BlockKind::Tool { .. }) {
        return None;
    }
    let status = if block.sealed { "completed" } else { "incomplete" };
    Some(match &block.kind {
        BlockKind::Text => item::message(&mint.next("msg_"), &json!([item::text_part(&block.text)]), status),
        BlockKind::Refusal => {
            item::message(&mint.next("msg_"), &json!([item::refusal_part(&block.text)]), status)
        }
        BlockKind::Thinking => {
            item::reasoning(&mint.next("rs_"), &json!([item::summary_part(&block.text)]), context)
        }
        BlockKind::Tool { id, name } => {
            let call_id = mint.tool_id("call_", id);
            item::function_call(&mint.next("fc_"), [&call_id, name, &block.text], status)
        }
        BlockKind::Opaque => return None,
    })
}

/// The facts of a response that is made in the background: the caller asks for it again later.
pub(super) fn read_pending(body: &[u8]) -> Option<AnswerFacts> {
    #[derive(Deserialize)]
    struct Pending {
        status: String,
        model: String,
    }
    let pending: Pending = serde_json::from_slice(body).ok()?;
    let is_pending = matches!(pending.status.as_str(), "queued" | "in_progress");
    is_pending.then(|| AnswerFacts { model: pending.model, ..AnswerFacts::default() })
}
