//! What a target cannot do: what changes the answer rules the target out, what is a hint is dropped and named.
//!
//! A request that goes where it was addressed, to the same model in the same dialect, is never judged: what
//! that model cannot do, its vendor tells the application itself.

use crate::ask::{Ask, Feature, Rule, known_field};
use crate::capability::{Capabilities, Effort, Reasoning, Target};
use crate::{Dialect, Flavor};

/// Bytes of text that are one token at the very most: a prompt is ruled out only when it cannot fit.
const MAX_BYTES_PER_TOKEN: u64 = 5;

/// Something that the answer goes without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degraded {
    /// The request's field, in the application's dialect.
    pub field: String,
    /// What became of it; never content.
    pub reason: &'static str,
}

/// Whether a request may go to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may, without these.
    Pass {
        /// What is dropped or changed.
        degraded: Vec<Degraded>,
    },
    /// It may not: the answer depends on something that the target lacks.
    Skip {
        /// What it lacks, for a person.
        feature: &'static str,
    },
}

/// Whether a feature survives the way into another dialect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Every dialect has it; the model decides.
    Anywhere,
    /// Only its own dialect has it.
    AtHome,
}

struct Need {
    feature: Feature,
    name: &'static str,
    reach: Reach,
    met: fn(&Capabilities) -> bool,
}

const fn anywhere(feature: Feature, name: &'static str, met: fn(&Capabilities) -> bool) -> Need {
    Need { feature, name, reach: Reach::Anywhere, met }
}

const fn at_home(feature: Feature, name: &'static str, met: fn(&Capabilities) -> bool) -> Need {
    Need { feature, name, reach: Reach::AtHome, met }
}

static NEEDS: [Need; 24] = [
    anywhere(Feature::Tools, "tools", |can| can.tools),
    anywhere(Feature::StrictTools, "strict tools", |can| can.strict_tools),
    anywhere(Feature::ForcedTool, "forced tool choice", |can| can.forced_tools),
    anywhere(Feature::SerialTools, "serial tool calls", |can| can.parallel_toggle),
    anywhere(Feature::Images, "images", |can| can.images),
    anywhere(Feature::Documents, "documents", |can| can.documents),
    anywhere(Feature::JsonSchema, "json schema output", |can| can.json_schema),
    anywhere(Feature::JsonObject, "json object output", |can| can.json_object),
    anywhere(Feature::Prefill, "assistant prefill", |can| can.prefill),
    at_home(Feature::HostedTools, "hosted tools", |can| can.hosted_tools),
    at_home(Feature::CustomTools, "custom tools", |can| can.custom_tools),
    at_home(Feature::LegacyFunctions, "legacy functions", |can| can.tools),
    at_home(Feature::ServerState, "server-side state", |can| can.server_state),
    at_home(Feature::Files, "uploaded files", |can| can.server_state),
    at_home(Feature::Audio, "audio input", |can| can.audio),
    at_home(Feature::AudioOutput, "audio output", |can| can.audio),
    at_home(Feature::Citations, "citations", |can| can.citations),
    at_home(Feature::Logprobs, "logprobs", |can| can.logprobs),
    at_home(Feature::LogitBias, "logit bias", |can| can.logit_bias),
    at_home(Feature::ManyChoices, "several choices", |can| can.many_choices),
    at_home(Feature::Moderation, "moderation", |_| true),
    at_home(Feature::Residency, "data residency", |can| can.server_state),
    at_home(Feature::UnknownBeta, "unknown beta", |_| true),
    at_home(Feature::UnknownContent, "unknown content", |_| true),
];

/// Whether `ask` may go to `target`, and what it loses there.
#[must_use]
pub fn gate(ask: &Ask, target: &Target) -> Gate {
    if is_home(ask, target) {
        return Gate::Pass { degraded: Vec::new() };
    }
    match missing(ask, target) {
        Some(feature) => Gate::Skip { feature },
        None => Gate::Pass { degraded: losses(ask, target) },
    }
}

/// Whether the request goes where it was addressed.
pub(crate) fn is_home(ask: &Ask, target: &Target) -> bool {
    ask.dialect == target.dialect && ask.model == target.model
}

fn missing(ask: &Ask, target: &Target) -> Option<&'static str> {
    let can = &target.capabilities;
    let abroad = ask.dialect != target.dialect;
    let unmet = NEEDS.iter().find(|need| {
        let reached = need.reach == Reach::Anywhere || !abroad;
        ask.features.has(need.feature) && !(reached && (need.met)(can))
    });
    if let Some(need) = unmet {
        return Some(need.name);
    }
    let stops = if target.dialect == Dialect::Responses { 0 } else { can.stop_sequences };
    if ask.features.stop_sequences > stops {
        return Some("stop sequences");
    }
    if ask.features.has(Feature::BlankStop) && target.dialect == Dialect::Anthropic {
        return Some("blank stop sequences");
    }
    if abroad && ask.features.has(Feature::DocumentUrls) && target.dialect == Dialect::OpenAi {
        return Some("documents by URL");
    }
    let room = can.max_input_tokens.map_or(u64::MAX, |tokens| tokens.saturating_mul(MAX_BYTES_PER_TOKEN));
    (ask.features.text_bytes > room).then_some("context length")
}

fn losses(ask: &Ask, target: &Target) -> Vec<Degraded> {
    let mut degraded = Vec::new();
    let mut lose = |field: &str, reason| degraded.push(Degraded { field: field.to_owned(), reason });
    let abroad = ask.dialect != target.dialect;
    for field in ask.features.fields.iter().filter(|field| !field.neutral) {
        if let Some(reason) = loss(ask, field.name, target, abroad) {
            lose(field.name, reason);
        }
    }
    for field in ask.features.unknown_fields.iter().filter(|_| abroad) {
        lose(field, "unknown field dropped");
    }
    if ask.features.has(Feature::ThinkingHistory) {
        lose("thinking", "earlier reasoning of another model dropped");
    }
    if ask.features.has(Feature::VisibleReasoning) && (abroad || !target.capabilities.visible_reasoning) {
        lose("thinking", "reasoning not shown");
    }
    if ask.features.has(Feature::MidSystem) && !target.capabilities.system_mid {
        lose("system", "later system message sent as the user's");
    }
    if abroad && ask.features.has(Feature::ToolResultImages) && target.dialect == Dialect::OpenAi {
        lose("tool_result", "images moved out of the tool result");
    }
    degraded
}

/// Why a set field is not, or not fully, carried.
fn loss(ask: &Ask, field: &'static str, target: &Target, abroad: bool) -> Option<&'static str> {
    let can = &target.capabilities;
    const REFUSED: Option<&str> = Some("not taken by the target");
    match field {
        "temperature" if can.temperature_max.is_none() => REFUSED,
        "top_p" if !can.top_p => REFUSED,
        "top_k" if !can.top_k || is_strict(target) => REFUSED,
        "presence_penalty" | "frequency_penalty" if !can.penalties || !talks_openai(target) => REFUSED,
        "seed" if !can.seed || !talks_openai(target) => REFUSED,
        "service_tier" if abroad => Some("dropped: no such tier at the target"),
        "verbosity" if target.dialect == Dialect::Anthropic => REFUSED,
        "reasoning_effort" | "reasoning" | "thinking" | "output_config" => effort_loss(ask, target),
        "response_format" | "text" if by_prompt(ask, target) => Some("asked for in the prompt"),
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" => {
            let clamped = ask.max_tokens.zip(can.max_output_tokens).is_some_and(|(wanted, max)| wanted > max);
            clamped.then_some("clamped to the target's maximum")
        }
        "stop_sequences" | "stop" => None,
        _ if abroad => match known_field(ask.dialect, field)?.rule {
            Rule::Hint => Some("dropped: no such field at the target"),
            Rule::Carried | Rule::Free | Rule::Needs(_) => None,
        },
        _ => None,
    }
}

fn effort_loss(ask: &Ask, target: &Target) -> Option<&'static str> {
    let wanted = ask.features.effort?;
    match target.capabilities.effort(wanted) {
        None if wanted == Effort::None => None,
        None => Some("reasoning cannot be asked for at the target"),
        Some(_) if stays_silent(ask, target) => Some("reasoning left out"),
        Some(given) if given != wanted && wanted != Effort::Minimal => Some("nearest effort of the target"),
        Some(_) => None,
    }
}

/// Whether thinking must be left out for something that Anthropic's API does not combine with it: a forced
/// tool, or, with a budget, a tool's result whose reasoning is not this model's.
pub(crate) fn stays_silent(ask: &Ask, target: &Target) -> bool {
    let forced = ask.features.has(Feature::ForcedTool) || ask.features.has(Feature::Prefill);
    let looped = ask.features.has(Feature::ToolLoop) && target.capabilities.reasoning == Reasoning::Budget;
    target.dialect == Dialect::Anthropic && (forced || looped)
}

/// Whether JSON is only asked for in words: Anthropic's API knows schemas but no "any object".
pub(crate) fn by_prompt(ask: &Ask, target: &Target) -> bool {
    ask.features.has(Feature::JsonObject) && target.dialect == Dialect::Anthropic
}

pub(crate) fn talks_openai(target: &Target) -> bool {
    target.dialect == Dialect::OpenAi
}

/// OpenAI and xAI refuse fields that they do not know; `top_k` is one.
fn is_strict(target: &Target) -> bool {
    target.dialect != Dialect::Anthropic && matches!(target.flavor, Flavor::OpenAi | Flavor::Xai)
}

#[cfg(test)]
mod tests;
