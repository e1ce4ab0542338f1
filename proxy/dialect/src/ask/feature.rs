//! What a request needs of a target.

use std::ops::BitOrAssign;

use super::field::{Field, Known, Rule, flag_in, is_neutral, member};
use crate::Dialect;
use crate::capability::Effort;
use crate::scan::text_of;

/// One thing that not every target can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Feature {
    /// Function tools, or calls of them in the history.
    Tools,
    /// Tools that the vendor runs, or traces of them in the history.
    HostedTools,
    /// Freeform and grammar tools.
    CustomTools,
    /// The `functions` of before `tools`.
    LegacyFunctions,
    /// Tools whose arguments must follow their schema.
    StrictTools,
    /// A tool call is demanded.
    ForcedTool,
    /// At most one tool call at a time.
    SerialTools,
    /// Conversation, prompt or container kept by the vendor.
    ServerState,
    /// Files kept by the vendor.
    Files,
    /// Images in the prompt.
    Images,
    /// Images within tool results.
    ToolResultImages,
    /// PDF and other binary documents in the prompt.
    Documents,
    /// Documents that only a URL leads to.
    DocumentUrls,
    /// Audio or video in the prompt.
    Audio,
    /// Audio in the answer.
    AudioOutput,
    /// Citations of given documents.
    Citations,
    /// An answer that follows a JSON schema.
    JsonSchema,
    /// An answer that is any JSON object.
    JsonObject,
    /// Token probabilities.
    Logprobs,
    /// Biased tokens.
    LogitBias,
    /// More than one answer.
    ManyChoices,
    /// Vendor-side moderation of the answer.
    Moderation,
    /// A place where the data must stay.
    Residency,
    /// A beta whose meaning is not known.
    UnknownBeta,
    /// Content of an unknown kind.
    UnknownContent,
    /// The application wants to see the reasoning.
    VisibleReasoning,
    /// A stop sequence of blanks only.
    BlankStop,
    /// The last message is the assistant's, to be continued.
    Prefill,
    /// System messages after the first turn.
    MidSystem,
    /// Reasoning of earlier turns, sealed by its vendor.
    ThinkingHistory,
    /// Reasoning of earlier turns that Sidestep marked as foreign.
    OwnMarks,
    /// The last turn is a tool's result, so that the model is in the midst of its reasoning.
    ToolLoop,
    /// Sidestep asks for the rest of an answer of its own accord.
    Continued,
}

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeatureSet(u64);

/// What a request needs of a target, and how much of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// What is needed.
    pub set: FeatureSet,
    /// The top-level fields that are set, `model` aside.
    pub fields: Vec<Field>,
    /// Set fields that the dialect, as Sidestep knows it, does not have. Names that could not stand in a
    /// header are given as `unknown`.
    pub unknown_fields: Vec<String>,
    /// How many stop sequences are given.
    pub stop_sequences: usize,
    /// Bytes of text, tool definitions included and media excluded: what the context must hold.
    pub text_bytes: u64,
    /// How much reasoning is asked for.
    pub effort: Option<Effort>,
    /// Whose turn the last message is.
    pub(crate) last: Option<LastTurn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastTurn {
    System,
    User,
    Assistant,
    ToolCall,
    ToolResult,
}

/// More names than this say nothing more to a reader of the header.
const MAX_UNKNOWN: usize = 8;

impl FeatureSet {
    /// Whether `feature` is in the set.
    #[must_use]
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u8) != 0
    }

    /// Adds `feature`.
    pub const fn insert(&mut self, feature: Feature) {
        self.0 |= 1 << feature as u8;
    }

    pub(crate) fn of(features: &[Feature]) -> Self {
        let mut set = Self::default();
        features.iter().for_each(|feature| set.insert(*feature));
        set
    }
}

impl BitOrAssign for FeatureSet {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Features {
    /// Whether `feature` is needed.
    #[must_use]
    pub const fn has(&self, feature: Feature) -> bool {
        self.set.has(feature)
    }

    /// Whether the top-level field is set to something else than its default.
    #[must_use]
    pub fn sets(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name && !field.neutral)
    }

    /// Whether the top-level field is there at all.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    pub(super) fn unknown(&mut self, name: &str) {
        let plain = !name.is_empty()
            && name.len() <= 48
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let name = if plain { name } else { "unknown" };
        if self.unknown_fields.len() < MAX_UNKNOWN && !self.unknown_fields.iter().any(|known| known == name) {
            self.unknown_fields.push(name.to_owned());
        }
    }

    /// Takes note of a field that is set; content has been walked already.
    pub(super) fn field(&mut self, field: &'static Known, raw: &str) {
        let neutral = is_neutral(field.name, raw);
        self.fields.push(Field { name: field.name, neutral });
        if let (Rule::Needs(feature), false) = (field.rule, neutral) {
            self.set.insert(feature);
        }
        match field.name {
            "stop" | "stop_sequences" => self.stops(raw),
            "tool_choice" => self.tool_choice(raw),
            "parallel_tool_calls" if raw == "false" => self.set.insert(Feature::SerialTools),
            "thinking" => self.thinking(raw),
            "reasoning_effort" => self.effort = Effort::of_raw(raw),
            "reasoning" => self.reasoning(raw),
            "output_config" => {
                self.format(member(raw, "format"));
                let effort = member(raw, "effort").and_then(Effort::of_raw);
                // Switched off is switched off, however hard the model should have tried.
                self.effort = effort.filter(|_| self.effort != Some(Effort::None)).or(self.effort);
            }
            "output_format" | "response_format" => self.format(Some(raw)),
            "text" => self.format(member(raw, "format")),
            "include" if raw.contains("message.output_text.logprobs") => self.set.insert(Feature::Logprobs),
            "logit_bias" if !neutral => self.set.insert(Feature::LogitBias),
            _ => {}
        }
    }

    /// What can only be told once everything is read.
    pub(super) fn conclude(&mut self, dialect: Dialect) {
        match self.last {
            Some(LastTurn::Assistant) => self.set.insert(Feature::Prefill),
            Some(LastTurn::ToolResult) => self.set.insert(Feature::ToolLoop),
            _ => {}
        }
        // Responses keeps every answer unless told not to.
        if dialect == Dialect::Responses && !self.names("store") {
            self.fields.push(Field { name: "store", neutral: false });
        }
    }

    fn stops(&mut self, raw: &str) {
        let mut count = 0;
        let mut blank = false;
        let mut one = |raw: &str| {
            if let Some(stop) = text_of(raw) {
                count += 1;
                blank |= stop.trim().is_empty();
            }
        };
        if raw.starts_with('[') {
            let walked = crate::scan::Scanner::new(raw).items(&mut |scanner| scanner.raw().map(&mut one));
            debug_assert!(walked.is_ok(), "the body has been validated");
        } else {
            one(raw);
        }
        self.stop_sequences = count;
        if blank {
            self.set.insert(Feature::BlankStop);
        }
    }

    fn tool_choice(&mut self, raw: &str) {
        let kind = if raw.starts_with('{') { member(raw, "type") } else { Some(raw) };
        match kind.and_then(text_of).as_deref() {
            Some("any" | "tool" | "required" | "function") => self.set.insert(Feature::ForcedTool),
            Some("allowed_tools") => {
                let allowed = member(raw, "allowed_tools").unwrap_or(raw);
                if member(allowed, "mode").and_then(text_of).as_deref() == Some("required") {
                    self.set.insert(Feature::ForcedTool);
                }
            }
            Some("custom") => self.set.insert(Feature::CustomTools),
            Some("auto" | "none") | None => {}
            Some(_) => self.set.insert(Feature::HostedTools),
        }
        if flag_in(raw, "disable_parallel_tool_use") {
            self.set.insert(Feature::SerialTools);
        }
    }

    fn reasoning(&mut self, raw: &str) {
        self.effort = member(raw, "effort").and_then(Effort::of_raw);
        if member(raw, "summary").is_some_and(|summary| summary != "null") {
            self.set.insert(Feature::VisibleReasoning);
        }
    }

    fn thinking(&mut self, raw: &str) {
        let told = |name| member(raw, name).and_then(text_of);
        match told("type").as_deref() {
            Some("disabled") => self.effort = Some(Effort::None),
            Some("enabled") => {
                let budget = member(raw, "budget_tokens").and_then(|budget| budget.parse().ok());
                self.effort = self.effort.or(budget.map(Effort::of_budget));
            }
            // Anthropic documents `high` as what the absence of an effort means.
            Some("adaptive") => self.effort = self.effort.or(Some(Effort::High)),
            _ => {}
        }
        if told("display").is_some_and(|display| display != "omitted") {
            self.set.insert(Feature::VisibleReasoning);
        }
    }

    fn format(&mut self, raw: Option<&str>) {
        match raw.and_then(|raw| member(raw, "type")).and_then(text_of).as_deref() {
            Some("json_schema") => self.set.insert(Feature::JsonSchema),
            Some("json_object") => self.set.insert(Feature::JsonObject),
            None | Some("text") => {}
            Some(_) => self.set.insert(Feature::UnknownContent),
        }
    }
}
