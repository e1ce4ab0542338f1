//! `POST /v1/responses`, read as OpenAI reads it.

mod items;

use serde_json::Value;

use super::chat::{effort, flag, read_choice, read_format, read_tool, unknown, unsupported, wrong_type};
use super::{Checked, Object, Rules, known_keys};
use crate::complaint::Complaint;
use crate::prompt::{Prompt, Speaker, Tool, Turn};

const PARAMETERS: &[&str] = &[
    "model",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "max_output_tokens",
    "max_tool_calls",
    "temperature",
    "top_p",
    "top_logprobs",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "include",
    "metadata",
    "store",
    "previous_response_id",
    "conversation",
    "background",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "truncation",
    "user",
    "context_management",
    "moderation",
];
/// The least `max_output_tokens` that the API takes.
const LEAST_OUTPUT: u64 = 16;

pub(crate) fn read(body: &Object, rules: &Rules<'_>) -> Checked<Prompt> {
    known_keys(body, PARAMETERS, unknown)?;
    stateless(body)?;
    let reasoning = body.get("reasoning").filter(|reasoning| !reasoning.is_null());
    let effort = effort(reasoning.map(|reasoning| &reasoning["effort"]), "reasoning.effort", rules)?;
    sampling(body, rules, effort || reasoning.is_none_or(|reasoning| reasoning["effort"] != "none"))?;
    let tools = tools(body)?;
    let choice = body.get("tool_choice").unwrap_or(&Value::Null);
    let choice = read_choice(choice, choice["name"].as_str(), &tools)?;
    let mut prompt = Prompt {
        stream: flag(body, "stream")?,
        include_usage: true,
        obfuscate: body.get("stream_options").is_none_or(|options| options["include_obfuscation"] != false),
        max_output: max_tokens(body, rules)?,
        tools,
        choice,
        one_call_at_most: body.get("parallel_tool_calls").is_some_and(|parallel| parallel == false),
        schema: format(body)?,
        reasoning: effort,
        cached: body.get("prompt_cache_key").is_some(),
        echo: body.clone(),
        ..Prompt::default()
    };
    if let Some(instructions) = body.get("instructions").and_then(Value::as_str) {
        prompt.turns.push(Turn { text: instructions.to_owned(), ..Turn::new(Speaker::System) });
    }
    prompt.turns.extend(items::read(body)?);
    Ok(prompt)
}

/// Nothing is stored here: what leans on stored state is answered as though it had been deleted.
fn stateless(body: &Object) -> Checked<()> {
    let Some(id) = body.get("previous_response_id").and_then(Value::as_str) else { return Ok(()) };
    let message = format!("Previous response with id '{id}' not found.");
    Err(Complaint::invalid(message).at("previous_response_id").coded("previous_response_not_found"))
}

fn sampling(body: &Object, rules: &Rules<'_>, reasons: bool) -> Checked<()> {
    let refused =
        ["temperature", "top_p"].iter().find(|key| body.get(**key).is_some_and(|value| !value.is_null()));
    match refused {
        Some(key) if reasons && !rules.model.traits.sampling => {
            Err(unsupported(key, format!("Unsupported parameter: '{key}' is not supported with this model.")))
        }
        _ => Ok(()),
    }
}

fn max_tokens(body: &Object, rules: &Rules<'_>) -> Checked<Option<u64>> {
    let key = "max_output_tokens";
    let Some(value) = body.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    let wanted = value.as_u64().ok_or_else(|| wrong_type(key, "an integer"))?;
    if wanted < LEAST_OUTPUT {
        let message =
            format!("Invalid '{key}': integer below minimum value. Expected a value >= {LEAST_OUTPUT}.");
        return Err(Complaint::invalid(message).at(key).coded("integer_below_min_value"));
    }
    if wanted > rules.model.traits.max_output_tokens {
        let message = format!("Invalid '{key}': integer above maximum value.");
        return Err(Complaint::invalid(message).at(key).coded("integer_above_max_value"));
    }
    Ok(Some(wanted))
}

/// Hosted tools are taken and never called.
fn tools(body: &Object) -> Checked<Vec<Tool>> {
    let Some(value) = body.get("tools").filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let all = value.as_array().ok_or_else(|| wrong_type("tools", "an array"))?;
    let called =
        |tool: &&Value| tool["type"] == "function" || tool["type"] == "custom" || tool["type"].is_null();
    all.iter()
        .filter(called)
        .enumerate()
        .map(|(place, tool)| read_tool(tool, tool, &format!("tools[{place}]")))
        .collect()
}

fn format(body: &Object) -> Checked<Option<Value>> {
    let Some(format) = body.get("text").map(|text| &text["format"]).filter(|format| !format.is_null()) else {
        return Ok(None);
    };
    read_format(format, format, "text.format")
}
