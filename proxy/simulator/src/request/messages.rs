//! `POST /v1/messages`, read as Anthropic reads it.

mod blocks;
mod history;

pub(crate) use blocks::signature;

use serde_json::Value;

use super::{Checked, Object, Rules, is_name, known_keys, strict};
use crate::complaint::Complaint;
use crate::prompt::{Choice, Prompt, Speaker, Tool, Turn};

const PARAMETERS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "system",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "metadata",
    "service_tier",
    "container",
    "context_management",
    "mcp_servers",
    "inference_geo",
    "speed",
    "diagnostics",
    "cache_control",
];

pub(crate) fn read(body: &Object, rules: &Rules<'_>) -> Checked<Prompt> {
    known_keys(body, PARAMETERS, |key| Complaint::invalid(format!("{key}: Extra inputs are not permitted")))?;
    let mut prompt = Prompt {
        stream: flag(body, "stream")?,
        include_usage: true,
        max_output: max_tokens(body, rules)?,
        stop: stop(body)?,
        tools: tools(body)?,
        cached: mentions_cache(body)?,
        ..Prompt::default()
    };
    sampling(body, rules)?;
    metadata(body)?;
    (prompt.choice, prompt.one_call_at_most) = choice(body, rules, &prompt.tools)?;
    prompt.reasoning = thinking(body, rules, &prompt)?;
    prompt.schema = output(body)?;
    prompt.turns = system(body)?.into_iter().collect();
    prompt.turns.extend(history::read(body, rules)?);
    Ok(prompt)
}

fn flag(body: &Object, key: &str) -> Checked<bool> {
    match body.get(key) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(Complaint::invalid(format!("{key}: Input should be a valid boolean"))),
    }
}

fn max_tokens(body: &Object, rules: &Rules<'_>) -> Checked<Option<u64>> {
    let most = rules.model.traits.max_output_tokens;
    match body.get("max_tokens") {
        None if rules.counting => Ok(None),
        None => Err(Complaint::invalid("max_tokens: Field required")),
        Some(value) => match value.as_u64() {
            Some(wanted) if wanted > most => Err(Complaint::invalid(format!(
                "max_tokens: {wanted} > {most}, which is the maximum allowed number of output tokens for {}",
                rules.model.name
            ))),
            Some(wanted) => Ok(Some(wanted)),
            None => Err(Complaint::invalid("max_tokens: Input should be a valid integer")),
        },
    }
}

fn stop(body: &Object) -> Checked<Vec<String>> {
    let Some(value) = body.get("stop_sequences") else { return Ok(Vec::new()) };
    let all =
        value.as_array().ok_or_else(|| Complaint::invalid("stop_sequences: Input should be a valid list"))?;
    all.iter()
        .map(|stop| match stop.as_str() {
            Some(stop) if !stop.trim().is_empty() => Ok(stop.to_owned()),
            _ => Err(Complaint::invalid("stop_sequences: each stop sequence must contain non-whitespace")),
        })
        .collect()
}

fn tools(body: &Object) -> Checked<Vec<Tool>> {
    let Some(value) = body.get("tools") else { return Ok(Vec::new()) };
    let all = value.as_array().ok_or_else(|| Complaint::invalid("tools: Input should be a valid list"))?;
    let mut tools: Vec<Tool> = Vec::new();
    for (place, tool) in all.iter().enumerate() {
        let name = tool["name"].as_str().unwrap_or_default();
        if !is_name(name, 128) {
            let message =
                format!("tools.{place}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'");
            return Err(Complaint::invalid(message));
        }
        if tools.iter().any(|known| known.name == name) {
            return Err(Complaint::invalid("tools: Tool names must be unique."));
        }
        // Hosted tools have a type of their own and no schema; they are taken and never called.
        if tool["type"].as_str().is_some_and(|kind| kind != "custom") {
            continue;
        }
        blocks::only(tool, TOOL, &format!("tools.{place}.custom"))?;
        if tool["input_schema"]["type"] != "object" {
            let message = format!("tools.{place}.custom.input_schema.type: Input should be 'object'");
            return Err(Complaint::invalid(message));
        }
        tools.push(Tool { name: name.to_owned(), schema: Some(tool["input_schema"].clone()) });
    }
    Ok(tools)
}

const TOOL: &[&str] = &[
    "type",
    "name",
    "description",
    "input_schema",
    "strict",
    "cache_control",
    "input_examples",
    "defer_loading",
    "eager_input_streaming",
    "allowed_callers",
];

fn choice(body: &Object, rules: &Rules<'_>, tools: &[Tool]) -> Checked<(Choice, bool)> {
    let Some(value) = body.get("tool_choice") else { return Ok((Choice::Auto, false)) };
    if body.get("tools").is_none_or(|tools| tools.as_array().is_none_or(Vec::is_empty)) {
        return Err(Complaint::invalid(
            "tool_choice: tool_choice may only be specified while providing tools.",
        ));
    }
    let name = value["name"].as_str().unwrap_or_default();
    let (choice, keys): (_, &[&str]) = match value["type"].as_str() {
        Some("auto") => (Choice::Auto, &["type", "disable_parallel_tool_use"]),
        Some("any") => (Choice::Any, &["type", "disable_parallel_tool_use"]),
        Some("tool") => (Choice::Named(name.to_owned()), &["type", "name", "disable_parallel_tool_use"]),
        Some("none") => (Choice::None, &["type"]),
        _ => {
            return Err(Complaint::invalid(
                "tool_choice: Input tag does not match 'auto', 'any', 'tool', 'none'",
            ));
        }
    };
    blocks::only(value, keys, "tool_choice")?;
    if matches!(choice, Choice::Named(_)) && !tools.iter().any(|tool| tool.name == name) {
        return Err(Complaint::invalid(format!("Tool '{name}' not found in provided tools")));
    }
    let forced = matches!(choice, Choice::Any | Choice::Named(_));
    if forced && !rules.model.traits.forced_tools {
        return Err(Complaint::invalid("tool_choice: forced tool use is not supported on this model."));
    }
    Ok((choice, value["disable_parallel_tool_use"] == true))
}

fn sampling(body: &Object, rules: &Rules<'_>) -> Checked<()> {
    for key in ["temperature", "top_p", "top_k"] {
        let Some(value) = body.get(key) else { continue };
        if rules.newest_version || !rules.model.traits.sampling {
            return Err(Complaint::invalid(format!("{key}: this parameter is not supported.")));
        }
        let value = value
            .as_f64()
            .ok_or_else(|| Complaint::invalid(format!("{key}: Input should be a valid number")))?;
        if key != "top_k" && !(0.0..=1.0).contains(&value) {
            return Err(Complaint::invalid(format!("{key}: range: 0..1")));
        }
    }
    Ok(())
}

fn metadata(body: &Object) -> Checked<()> {
    body.get("metadata").map_or(Ok(()), |metadata| blocks::only(metadata, &["user_id"], "metadata"))
}

fn thinking(body: &Object, rules: &Rules<'_>, prompt: &Prompt) -> Checked<bool> {
    let Some(thinking) = body.get("thinking") else { return Ok(false) };
    let on = match thinking["type"].as_str() {
        Some("disabled") if rules.model.traits.reasoning_off => return Ok(false),
        Some("disabled") => {
            return Err(Complaint::invalid("thinking: thinking cannot be disabled on this model."));
        }
        Some("adaptive" | "between_tools") => true,
        Some("enabled") => {
            let budget = thinking["budget_tokens"].as_u64().unwrap_or(0);
            if budget < 1024 {
                return Err(Complaint::invalid(
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                ));
            }
            if prompt.max_output.is_some_and(|most| most <= budget) {
                return Err(Complaint::invalid(
                    "`max_tokens` must be greater than `thinking.budget_tokens`.",
                ));
            }
            true
        }
        _ => return Err(Complaint::invalid("thinking: Input tag does not match the expected tags")),
    };
    if matches!(prompt.choice, Choice::Any | Choice::Named(_)) {
        return Err(Complaint::invalid("Thinking may not be enabled when tool_choice forces tool use."));
    }
    Ok(on)
}

fn output(body: &Object) -> Checked<Option<Value>> {
    let Some(config) = body.get("output_config") else { return Ok(None) };
    blocks::only(config, &["effort", "format", "task_budget"], "output_config")?;
    if let Some(effort) = config.get("effort")
        && !["low", "medium", "high", "xhigh", "max"].iter().any(|level| effort == level)
    {
        return Err(Complaint::invalid(
            "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        ));
    }
    let Some(format) = config.get("format").filter(|format| !format.is_null()) else { return Ok(None) };
    blocks::only(format, &["type", "schema"], "output_config.format")?;
    if format["type"] != "json_schema" || !format["schema"].is_object() {
        return Err(Complaint::invalid("output_config.format: Input should be a json_schema with a schema"));
    }
    if let Some(keyword) = strict::refused_keyword(&format["schema"]) {
        let message =
            format!("output_config.format.schema: For this type, property '{keyword}' is not supported");
        return Err(Complaint::invalid(message));
    }
    Ok(Some(format["schema"].clone()))
}

fn system(body: &Object) -> Checked<Option<Turn>> {
    let mut turn = Turn::new(Speaker::System);
    match body.get("system") {
        None => return Ok(None),
        Some(Value::String(text)) => turn.say(text),
        Some(Value::Array(parts)) => {
            for (place, part) in parts.iter().enumerate() {
                let place = format!("system.{place}");
                blocks::only(part, &["type", "text", "cache_control", "citations"], &place)?;
                turn.say(blocks::text(part, &place)?);
            }
        }
        Some(_) => return Err(Complaint::invalid("system: Input should be a valid string or list")),
    }
    Ok(Some(turn))
}

fn mentions_cache(body: &Object) -> Checked<bool> {
    let marks = cache_marks(&Value::Object(body.clone()));
    if marks > 4 {
        return Err(Complaint::invalid(format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {marks}."
        )));
    }
    Ok(marks > 0)
}

fn cache_marks(value: &Value) -> usize {
    match value {
        Value::Object(object) => {
            let own = usize::from(object.get("cache_control").is_some_and(|mark| !mark.is_null()));
            own + object.values().map(cache_marks).sum::<usize>()
        }
        Value::Array(all) => all.iter().map(cache_marks).sum(),
        _ => 0,
    }
}
