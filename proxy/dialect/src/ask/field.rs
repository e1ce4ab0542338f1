//! The top-level fields of each dialect, and what becomes of them in another one.

use super::Feature;
use crate::Dialect;
use crate::scan::{Scanner, unescape};

/// A field that the application set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether its value is the default, so that nothing is lost without it.
    pub neutral: bool,
}

/// What becomes of a field when the target speaks another dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It is translated, or its loss is judged by what it asks for.
    Carried,
    /// It is dropped, and only cost or speed can change.
    Free,
    /// It is dropped and named.
    Hint,
    /// The answer depends on it: no other dialect has it.
    Needs(Feature),
}

/// A field of a dialect.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) rule: Rule,
}

const fn known_as(name: &'static str, rule: Rule) -> Known {
    Known { name, rule }
}

const fn carried(name: &'static str) -> Known {
    known_as(name, Rule::Carried)
}

const fn free(name: &'static str) -> Known {
    known_as(name, Rule::Free)
}

const fn hint(name: &'static str) -> Known {
    known_as(name, Rule::Hint)
}

const fn needs(name: &'static str, feature: Feature) -> Known {
    known_as(name, Rule::Needs(feature))
}

static ANTHROPIC: [Known; 26] = [
    carried("model"),
    carried("messages"),
    carried("max_tokens"),
    carried("system"),
    carried("stream"),
    carried("tools"),
    carried("tool_choice"),
    carried("stop_sequences"),
    carried("temperature"),
    carried("top_p"),
    carried("top_k"),
    carried("thinking"),
    carried("output_config"),
    carried("output_format"),
    carried("metadata"),
    free("cache_control"),
    free("diagnostics"),
    carried("service_tier"),
    hint("speed"),
    hint("context_management"),
    hint("fallbacks"),
    needs("inference_geo", Feature::Residency),
    needs("container", Feature::ServerState),
    needs("mcp_servers", Feature::HostedTools),
    free("anthropic_version"),
    free("betas"),
];

static OPENAI: [Known; 40] = [
    carried("model"),
    carried("messages"),
    carried("max_tokens"),
    carried("max_completion_tokens"),
    carried("stream"),
    carried("stream_options"),
    carried("stop"),
    carried("temperature"),
    carried("top_p"),
    carried("top_k"),
    carried("presence_penalty"),
    carried("frequency_penalty"),
    carried("seed"),
    carried("tools"),
    carried("tool_choice"),
    carried("parallel_tool_calls"),
    carried("response_format"),
    carried("reasoning_effort"),
    carried("verbosity"),
    carried("user"),
    carried("safety_identifier"),
    carried("service_tier"),
    needs("n", Feature::ManyChoices),
    needs("logprobs", Feature::Logprobs),
    needs("top_logprobs", Feature::Logprobs),
    needs("logit_bias", Feature::LogitBias),
    needs("functions", Feature::LegacyFunctions),
    needs("function_call", Feature::LegacyFunctions),
    needs("modalities", Feature::AudioOutput),
    needs("audio", Feature::AudioOutput),
    needs("web_search_options", Feature::HostedTools),
    needs("search_parameters", Feature::HostedTools),
    needs("moderation", Feature::Moderation),
    hint("prediction"),
    hint("metadata"),
    hint("store"),
    free("prompt_cache_key"),
    free("prompt_cache_options"),
    free("prompt_cache_retention"),
    free("reasoning_split"),
];

static RESPONSES: [Known; 34] = [
    carried("model"),
    carried("input"),
    carried("instructions"),
    carried("max_output_tokens"),
    carried("stream"),
    free("stream_options"),
    carried("temperature"),
    carried("top_p"),
    carried("tools"),
    carried("tool_choice"),
    carried("parallel_tool_calls"),
    carried("text"),
    carried("reasoning"),
    carried("user"),
    carried("safety_identifier"),
    carried("service_tier"),
    carried("include"),
    hint("store"),
    hint("truncation"),
    hint("max_tool_calls"),
    hint("metadata"),
    hint("context_management"),
    needs("previous_response_id", Feature::ServerState),
    needs("conversation", Feature::ServerState),
    needs("prompt", Feature::ServerState),
    needs("background", Feature::ServerState),
    needs("top_logprobs", Feature::Logprobs),
    needs("moderation", Feature::Moderation),
    free("prompt_cache_key"),
    free("prompt_cache_options"),
    free("prompt_cache_retention"),
    carried("presence_penalty"),
    carried("frequency_penalty"),
    carried("logit_bias"),
];

/// Values (without blanks) that say no more than the field's absence does.
const NEUTRAL: [(&str, &[&str]); 15] = [
    ("n", &["1"]),
    ("logprobs", &["false"]),
    ("top_logprobs", &["0"]),
    ("logit_bias", &["{}"]),
    ("temperature", &["1", "1.0"]),
    ("top_p", &["1", "1.0"]),
    ("presence_penalty", &["0", "0.0"]),
    ("frequency_penalty", &["0", "0.0"]),
    ("store", &["false"]),
    ("background", &["false"]),
    ("truncation", &["\"disabled\""]),
    ("service_tier", &["\"auto\"", "\"default\"", "\"standard_only\""]),
    ("modalities", &["[\"text\"]"]),
    ("metadata", &["{}"]),
    ("mcp_servers", &["[]"]),
];

/// The dialect's field of this name.
pub(crate) fn known(dialect: Dialect, name: &str) -> Option<&'static Known> {
    let fields: &'static [Known] = match dialect {
        Dialect::Anthropic => &ANTHROPIC,
        Dialect::OpenAi => &OPENAI,
        Dialect::Responses => &RESPONSES,
    };
    fields.iter().find(|field| field.name == name)
}

/// Whether a value says no more than its absence.
pub(crate) fn is_neutral(name: &str, raw: &str) -> bool {
    let listed = NEUTRAL.iter().find(|(field, _)| *field == name);
    // Only short values are compared, blanks aside; the listed ones are all short.
    listed.is_some_and(|(_, values)| {
        let bare: String = raw.chars().take(64).filter(|c| !c.is_ascii_whitespace()).collect();
        values.contains(&bare.as_str())
    })
}

/// Whether an object has `true` under `name`.
pub(crate) fn flag_in(raw: &str, name: &str) -> bool {
    member(raw, name) == Some("true")
}

/// The raw value of an object's entry; the last one when there are several, as tree parsers have it.
pub(crate) fn member<'a>(raw: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    let walked = Scanner::new(raw).entries(&mut |scanner, key| {
        let value = scanner.raw()?;
        if unescape(key) == name {
            found = Some(value);
        }
        Ok(())
    });
    walked.ok().and(found)
}
