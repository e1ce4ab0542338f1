//! Requests in the three dialects, with the smallest caps at which each class of model still answers.

use bytes::Bytes;
use serde_json::{Value, json};
use sidestep_dialect::capability::{Effort, Reasoning};
use sidestep_dialect::{Dialect, Flavor, Target};
use sidestep_table::ProbeKind;

use super::{Room, TOOL};

/// Output tokens of a model that thinks whether asked or not: smaller caps end in an empty answer.
const AMPLE: u64 = 512;
/// What a call of the tool takes beyond a plain answer.
const CALL: u64 = 64;
/// The Responses API refuses smaller caps.
const RESPONSES_FLOOR: u64 = 16;

/// How much a model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thought {
    /// It does not reason.
    Never,
    /// It reasons, and can be told not to.
    Optional,
    /// It always reasons; it can be told to be quick.
    Quick,
    /// It always reasons, and takes no instruction about it.
    Unbidden,
}

/// The body and the cap on output tokens in it.
pub(super) fn write(text: &str, kind: ProbeKind, target: &Target, room: Room) -> (Bytes, u64) {
    let thought = thought(target);
    let cap = cap(target, thought, kind, room);
    let mut body = match target.dialect {
        Dialect::Anthropic => messages(text, thought, cap),
        Dialect::OpenAi => completions(text, target, thought, cap),
        Dialect::Responses => responses(text, target, thought, cap),
    };
    body["model"] = json!(target.model);
    body["stream"] = json!(true);
    if kind == ProbeKind::Tool {
        body["tools"] = json!([tool(target.dialect)]);
        body["tool_choice"] = tool_choice(target);
    }
    (Bytes::from(body.to_string()), cap)
}

fn thought(target: &Target) -> Thought {
    let can = &target.capabilities;
    match can.reasoning {
        // xAI's models think without being asked and take no word about it, but for those named after it.
        Reasoning::None if target.flavor == Flavor::Xai && !target.model.contains("non-reasoning") => {
            Thought::Unbidden
        }
        // A thinking budget that is not given is no thinking.
        Reasoning::None | Reasoning::Budget => Thought::Never,
        Reasoning::Effort | Reasoning::Adaptive if can.efforts.contains(&Effort::None) => Thought::Optional,
        Reasoning::Effort | Reasoning::Adaptive => Thought::Quick,
    }
}

/// The name of the least effort that the model takes.
fn least(target: &Target) -> &'static str {
    target.capabilities.effort(Effort::None).unwrap_or(Effort::Low).as_str()
}

fn cap(target: &Target, thought: Thought, kind: ProbeKind, room: Room) -> u64 {
    let answer = match (thought, target.dialect) {
        _ if room == Room::Ample => AMPLE,
        (Thought::Quick | Thought::Unbidden, _) => AMPLE,
        (_, Dialect::Anthropic) => 24,
        (Thought::Optional, _) => 32,
        (Thought::Never, _) => 16,
    };
    let call = if kind == ProbeKind::Tool { CALL } else { 0 };
    (answer + call).max(RESPONSES_FLOOR)
}

fn messages(text: &str, thought: Thought, cap: u64) -> Value {
    let mut body = json!({ "max_tokens": cap, "messages": [{ "role": "user", "content": text }] });
    if thought == Thought::Optional {
        body["thinking"] = json!({ "type": "disabled" });
    }
    if matches!(thought, Thought::Optional | Thought::Quick) {
        body["output_config"] = json!({ "effort": "low" });
    }
    body
}

fn completions(text: &str, target: &Target, thought: Thought, cap: u64) -> Value {
    let mut body = json!({
        "messages": [{ "role": "user", "content": text }],
        "stream_options": { "include_usage": true },
    });
    let name = if target.flavor == Flavor::Generic { "max_tokens" } else { "max_completion_tokens" };
    body[name] = json!(cap);
    match thought {
        Thought::Never if target.capabilities.temperature_max.is_some() => body["temperature"] = json!(0),
        Thought::Optional | Thought::Quick => body["reasoning_effort"] = json!(least(target)),
        Thought::Never | Thought::Unbidden => {}
    }
    body
}

fn responses(text: &str, target: &Target, thought: Thought, cap: u64) -> Value {
    let mut body = json!({ "input": text, "max_output_tokens": cap, "store": false });
    if matches!(thought, Thought::Optional | Thought::Quick) {
        body["reasoning"] = json!({ "effort": least(target) });
    }
    body
}

fn tool(dialect: Dialect) -> Value {
    let description = "Reports a code and a sum.";
    let schema = json!({
        "type": "object",
        "properties": { "code": { "type": "string" }, "sum": { "type": "integer" } },
        "required": ["code", "sum"],
        "additionalProperties": false,
    });
    match dialect {
        Dialect::Anthropic => json!({ "name": TOOL, "description": description, "input_schema": schema }),
        Dialect::OpenAi => json!({
            "type": "function",
            "function": { "name": TOOL, "description": description, "parameters": schema },
        }),
        Dialect::Responses => json!({
            "type": "function", "name": TOOL, "description": description, "parameters": schema, "strict": false,
        }),
    }
}

fn tool_choice(target: &Target) -> Value {
    match (target.dialect, target.capabilities.forced_tools) {
        (Dialect::Anthropic, true) => json!({ "type": "tool", "name": TOOL }),
        (Dialect::Anthropic, false) => json!({ "type": "auto" }),
        (Dialect::OpenAi, true) => json!({ "type": "function", "function": { "name": TOOL } }),
        (Dialect::Responses, true) => json!({ "type": "function", "name": TOOL }),
        (_, false) => json!("auto"),
    }
}
