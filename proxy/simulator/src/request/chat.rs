//! `POST /v1/chat/completions`, read as OpenAI reads it.

mod history;
mod tooling;

pub(super) use history::check_image;
pub(super) use tooling::{read_choice, read_format, read_tool};

use serde_json::Value;

use super::{Checked, Object, Rules, known_keys};
use crate::complaint::Complaint;
use crate::prompt::Prompt;
use crate::vendor::Maker;

const PARAMETERS: &[&str] = &[
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "seed",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "response_format",
    "reasoning_effort",
    "verbosity",
    "metadata",
    "store",
    "service_tier",
    "modalities",
    "audio",
    "prediction",
    "web_search_options",
    "moderation",
];
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

pub(super) fn unknown(key: &str) -> Complaint {
    Complaint::invalid(format!("Unknown parameter: '{key}'.")).at(key).coded("unknown_parameter")
}

pub(super) fn unsupported(key: &str, message: String) -> Complaint {
    Complaint::invalid(message).at(key).coded("unsupported_parameter")
}

pub(super) fn wrong_type(key: &str, wanted: &str) -> Complaint {
    Complaint::invalid(format!("Invalid type for '{key}': expected {wanted}.")).at(key).coded("invalid_type")
}

fn wrong_value(key: &str, message: impl Into<String>) -> Complaint {
    Complaint::invalid(message).at(key).coded("invalid_value")
}

pub(crate) fn read(body: &Object, rules: &Rules<'_>) -> Checked<Prompt> {
    // Self-hosted servers of the vLLM kind ignore what they do not know.
    if rules.maker != Maker::Generic {
        known_keys(body, PARAMETERS, unknown)?;
    }
    let stream = flag(body, "stream")?;
    let (include_usage, obfuscate) = stream_options(body, stream)?;
    let reasoning = effort(body.get("reasoning_effort"), "reasoning_effort", rules)?;
    sampling(body, rules)?;
    let tools = tooling::tools(body)?;
    let (choice, one_call_at_most) = tooling::choice(body, &tools)?;
    Ok(Prompt {
        stream,
        include_usage,
        obfuscate,
        max_output: max_tokens(body, rules)?,
        stop: stop(body, rules)?,
        tools,
        choice,
        one_call_at_most,
        schema: tooling::format(body)?,
        reasoning,
        cached: body.get("prompt_cache_key").is_some(),
        choices: choices(body)?,
        turns: history::read(body, rules)?,
        ..Prompt::default()
    })
}

pub(super) fn flag(body: &Object, key: &str) -> Checked<bool> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(wrong_type(key, "a boolean")),
    }
}

fn stream_options(body: &Object, stream: bool) -> Checked<(bool, bool)> {
    let Some(options) = body.get("stream_options").filter(|options| !options.is_null()) else {
        return Ok((false, true));
    };
    if !stream {
        return Err(wrong_value(
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ));
    }
    let known = options.as_object().ok_or_else(|| wrong_type("stream_options", "an object"))?;
    known_keys(known, &["include_usage", "include_obfuscation"], |key| {
        unknown(&format!("stream_options.{key}"))
    })?;
    Ok((options["include_usage"] == true, options["include_obfuscation"] != false))
}

/// True when the model will reason.
pub(super) fn effort(value: Option<&Value>, key: &str, rules: &Rules<'_>) -> Checked<bool> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(false) };
    let known = value.as_str().filter(|level| EFFORTS.contains(level));
    let level = known.ok_or_else(|| wrong_value(key, format!("Invalid value: {value}.")))?;
    let traits = &rules.model.traits;
    // A model that samples freely does not reason; one that does may not be able to stop.
    if rules.maker == Maker::OpenAi && traits.sampling {
        let message = format!("Unsupported parameter: '{key}' is not supported with this model.");
        return Err(unsupported(key, message));
    }
    if level == "none" && !traits.reasoning_off && rules.maker != Maker::Generic {
        let message = format!("Unsupported value: '{key}' does not support 'none' with this model.");
        return Err(Complaint::invalid(message).at(key).coded("unsupported_value"));
    }
    Ok(level != "none")
}

fn sampling(body: &Object, rules: &Rules<'_>) -> Checked<()> {
    let free =
        rules.model.traits.sampling || body.get("reasoning_effort").is_some_and(|effort| effort == "none");
    let numbers = [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
    ];
    for (key, least, most) in numbers {
        let Some(value) = body.get(key).filter(|value| !value.is_null()) else { continue };
        let number = value.as_f64().ok_or_else(|| wrong_type(key, "a number"))?;
        if !(least..=most).contains(&number) {
            return Err(wrong_value(
                key,
                format!("Invalid '{key}': expected a value between {least} and {most}."),
            ));
        }
        let penalty = key.ends_with("penalty");
        let (usual, free) = if penalty { (0.0, rules.model.traits.penalties) } else { (1.0, free) };
        if !free && (number - usual).abs() > f64::EPSILON {
            let message = format!("Unsupported value: '{key}' does not support {number} with this model.");
            return Err(Complaint::invalid(message).at(key).coded("unsupported_value"));
        }
    }
    if !free
        && let Some(key) =
            ["logprobs", "top_logprobs", "logit_bias"].iter().find(|key| body.contains_key(**key))
    {
        return Err(unsupported(
            key,
            format!("Unsupported parameter: '{key}' is not supported with this model."),
        ));
    }
    Ok(())
}

fn max_tokens(body: &Object, rules: &Rules<'_>) -> Checked<Option<u64>> {
    if body.get("max_tokens").is_some_and(|value| !value.is_null()) && !rules.model.traits.legacy_max_tokens {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                       'max_completion_tokens' instead.";
        return Err(unsupported("max_tokens", message.to_owned()));
    }
    for key in ["max_completion_tokens", "max_tokens"] {
        let Some(value) = body.get(key).filter(|value| !value.is_null()) else { continue };
        let wanted = value.as_u64().ok_or_else(|| wrong_type(key, "an integer"))?;
        if wanted == 0 {
            return Err(wrong_value(key, format!("Invalid '{key}': integer below minimum value.")));
        }
        if wanted > rules.model.traits.max_output_tokens {
            return Err(wrong_value(key, "max_tokens is too large for this model."));
        }
        return Ok(Some(wanted));
    }
    Ok(None)
}

fn stop(body: &Object, rules: &Rules<'_>) -> Checked<Vec<String>> {
    let stop: Vec<String> = match body.get("stop") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Some(_) => return Err(wrong_type("stop", "a string or an array of strings")),
    };
    if !rules.model.traits.stop {
        return Err(unsupported(
            "stop",
            "Unsupported parameter: 'stop' is not supported with this model.".to_owned(),
        ));
    }
    if stop.len() > 4 {
        return Err(wrong_value(
            "stop",
            "Invalid 'stop': array too long. Expected an array with maximum length 4.",
        ));
    }
    Ok(stop)
}

fn choices(body: &Object) -> Checked<u32> {
    match body.get("n").filter(|n| !n.is_null()) {
        None => Ok(1),
        Some(n) => match n.as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(n @ 1..=8) => Ok(n),
            _ => Err(wrong_value("n", "Invalid 'n': expected a value between 1 and 8.")),
        },
    }
}
