//! Tools, the choice among them, and the wanted form of the output.

use serde_json::Value;

use super::super::{Checked, Object, is_name, strict};
use super::{wrong_type, wrong_value};
use crate::complaint::Complaint;
use crate::prompt::{Choice, Tool};

pub(super) fn tools(body: &Object) -> Checked<Vec<Tool>> {
    let Some(value) = body.get("tools").filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let all = value.as_array().ok_or_else(|| wrong_type("tools", "an array"))?;
    if all.is_empty() {
        return Err(wrong_value(
            "tools",
            "Invalid 'tools': empty array. Expected an array with minimum length 1.",
        ));
    }
    all.iter()
        .enumerate()
        .map(|(place, tool)| read_tool(tool, &tool["function"], &format!("tools[{place}]")))
        .collect()
}

/// Reads one tool; `function` is where its name and parameters are.
pub(in crate::request) fn read_tool(tool: &Value, function: &Value, place: &str) -> Checked<Tool> {
    let custom = tool["type"] == "custom";
    if !custom && tool["type"] != "function" {
        return Err(wrong_value(&format!("{place}.type"), format!("Invalid value: {}.", tool["type"])));
    }
    let inner = tool.get("custom").filter(|_| custom).unwrap_or(if custom { tool } else { function });
    let name = inner["name"].as_str().unwrap_or_default();
    if !is_name(name, 64) {
        let place = format!("{place}.function.name");
        return Err(wrong_value(
            &place,
            format!("Invalid '{place}': expected a string that matches '^[a-zA-Z0-9_-]+$'."),
        ));
    }
    if custom {
        return Ok(Tool { name: name.to_owned(), schema: None });
    }
    let schema = &inner["parameters"];
    let bad = |why: &str| {
        let message = format!("Invalid schema for function '{name}': {why}");
        Complaint::invalid(message)
            .at(format!("{place}.function.parameters"))
            .coded("invalid_function_parameters")
    };
    if !schema.is_null() && schema["type"] != "object" {
        return Err(bad("schema must be a JSON Schema of 'type: \"object\"'."));
    }
    if let Some(why) = strict::not_strict(schema).filter(|_| inner["strict"] == true) {
        return Err(bad(why));
    }
    Ok(Tool { name: name.to_owned(), schema: Some(schema.clone()) })
}

pub(super) fn choice(body: &Object, tools: &[Tool]) -> Checked<(Choice, bool)> {
    for key in ["tool_choice", "parallel_tool_calls"] {
        if body.get(key).is_some_and(|value| !value.is_null()) && tools.is_empty() {
            return Err(wrong_value(
                key,
                format!("Invalid value for '{key}': '{key}' is only allowed when 'tools' are specified."),
            ));
        }
    }
    let one = body.get("parallel_tool_calls").is_some_and(|parallel| parallel == false);
    let value = body.get("tool_choice").unwrap_or(&Value::Null);
    let name = value["function"]["name"].as_str().or_else(|| value["custom"]["name"].as_str());
    Ok((read_choice(value, name, tools)?, one))
}

pub(in crate::request) fn read_choice(value: &Value, name: Option<&str>, tools: &[Tool]) -> Checked<Choice> {
    match (value.as_str(), name) {
        (Some("auto"), _) => Ok(Choice::Auto),
        (Some("none"), _) => Ok(Choice::None),
        (Some("required"), _) => Ok(Choice::Any),
        (None, Some(name)) if tools.iter().any(|tool| tool.name == name) => {
            Ok(Choice::Named(name.to_owned()))
        }
        (None, Some(name)) => {
            Err(wrong_value("tool_choice", format!("Tool choice '{name}' not found in 'tools'.")))
        }
        (None, None) if value.is_null() => Ok(Choice::Auto),
        (None, None) if value["type"] == "allowed_tools" => Ok(Choice::Auto),
        _ => Err(wrong_value("tool_choice", "Invalid value for 'tool_choice'.")),
    }
}

pub(super) fn format(body: &Object) -> Checked<Option<Value>> {
    let Some(format) = body.get("response_format").filter(|format| !format.is_null()) else {
        return Ok(None);
    };
    read_format(format, &format["json_schema"], "response_format.json_schema")
}

/// Reads a wanted output form; `inner` is where the schema and its name are.
pub(in crate::request) fn read_format(format: &Value, inner: &Value, place: &str) -> Checked<Option<Value>> {
    match format["type"].as_str() {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(Value::Null)),
        Some("json_schema") => {
            let name = inner["name"].as_str().unwrap_or_default();
            if !is_name(name, 64) {
                return Err(wrong_value(
                    &format!("{place}.name"),
                    format!("Missing or invalid '{place}.name'."),
                ));
            }
            if let Some(why) = strict::not_strict(&inner["schema"]).filter(|_| inner["strict"] == true) {
                return Err(wrong_value(
                    place,
                    format!("Invalid schema for response_format '{name}': {why}."),
                ));
            }
            Ok(Some(if inner["schema"].is_object() { inner["schema"].clone() } else { Value::Null }))
        }
        _ => Err(wrong_value("response_format.type", "Invalid value for the output format's type.")),
    }
}
