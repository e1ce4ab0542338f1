//! Requests that stay in their dialect.
//!
//! To the model that was asked, the application's bytes go as they are. To another model of the same dialect
//! they go with that model's name in place, and without what that model refuses: a field is cut out or
//! exchanged, everything else stays byte for byte.

use bytes::Bytes;

use super::history::{Strip, entries, object, replace, strip, without, without_developer};
use super::prefill;
use crate::ask::{Ask, Feature, splice_model};
use crate::capability::{Effort, Reasoning, Target};
use crate::gate::{is_home, stays_silent, talks_openai};
use crate::scan::{text_of, unescape};
use crate::{Dialect, Flavor, ask::member};

/// The body for a target of the same dialect.
///
/// Reasoning that Sidestep marked as foreign always goes; all other reasoning goes when the target's model
/// is not the one that was asked for. What else is dropped is what [`gate`](crate::gate::gate) named.
#[must_use]
pub fn same_dialect_request(ask: &Ask, body: &Bytes, target: &Target) -> Bytes {
    let body = adapted(ask, body, target);
    prefill::mark(ask, &body, target).map_or(body, Bytes::from)
}

fn adapted(ask: &Ask, body: &Bytes, target: &Target) -> Bytes {
    let home = is_home(ask, target);
    if home && !ask.features.has(Feature::OwnMarks) {
        return body.clone();
    }
    let strip = if home { Strip::Marked } else { Strip::All };
    let adapt = Adapt { ask, target, strip, home };
    adapt.rewrite(body).unwrap_or_else(|| splice_model(body, &ask.model_span, &target.model))
}

/// The body without any reasoning in its history, for one more try at a target that refused it with
/// [`HistorySignature`](crate::ErrorClass::HistorySignature); `None` when nothing of that can be removed.
#[must_use]
pub fn repair_history(ask: &Ask, body: &Bytes, target: &Target) -> Option<Bytes> {
    let adapt = Adapt { ask, target, strip: Strip::All, home: is_home(ask, target) };
    adapt.rewrite(body)
}

struct Adapt<'a> {
    ask: &'a Ask,
    target: &'a Target,
    strip: Strip,
    home: bool,
}

/// What becomes of a top-level field.
enum Edit {
    Keep,
    Drop,
    Value(String),
    Entry(&'static str, String),
}

impl Adapt<'_> {
    /// `None` when the model's name is all that changes.
    fn rewrite(&self, body: &Bytes) -> Option<Bytes> {
        let body = std::str::from_utf8(body).ok()?;
        let mut changed = false;
        let mut written: Vec<(String, String)> = Vec::new();
        for (key, value) in entries(body) {
            let name = unescape(key);
            let edit = if value == "null" { Edit::Keep } else { self.edit(&name, value) };
            changed |= name != "model" && !matches!(edit, Edit::Keep);
            match edit {
                Edit::Keep => written.push((key.to_owned(), value.to_owned())),
                Edit::Value(value) => written.push((key.to_owned(), value)),
                Edit::Entry(key, value) => written.push((key.to_owned(), value)),
                Edit::Drop => {}
            }
        }
        let written: Vec<(&str, &str)> = written.iter().map(|(key, value)| (&**key, &**value)).collect();
        changed.then(|| Bytes::from(object(&written)))
    }

    fn edit(&self, name: &str, raw: &str) -> Edit {
        match name {
            "model" => Edit::Value(serde_json::Value::from(self.target.model.as_str()).to_string()),
            "messages" | "input" => self.turns(raw),
            "thinking" if self.ask.dialect == Dialect::Anthropic => self.thinking(raw),
            _ if self.home => Edit::Keep,
            "reasoning_effort" => self.effort(Effort::of_raw(raw), |effort| Edit::Value(quoted(effort))),
            "reasoning" => self.effort(member(raw, "effort").and_then(Effort::of_raw), |effort| {
                Edit::Value(replace(raw, "effort", &quoted(effort)))
            }),
            "output_config" => self.output_config(raw),
            "max_tokens" | "max_completion_tokens" | "max_output_tokens" => self.max_tokens(name, raw),
            _ if self.refuses(name) => Edit::Drop,
            _ => Edit::Keep,
        }
    }

    fn turns(&self, raw: &str) -> Edit {
        let stripped = strip(self.ask.dialect, raw, self.strip);
        let renames = !self.home && talks_openai(self.target) && !self.target.capabilities.developer_role;
        let turns = stripped.as_deref().unwrap_or(raw);
        let renamed = if renames { without_developer(turns) } else { None };
        renamed.or(stripped).map_or(Edit::Keep, Edit::Value)
    }

    /// Sampling parameters are refused whatever their value, defaults included.
    fn refuses(&self, name: &str) -> bool {
        let can = &self.target.capabilities;
        match name {
            "temperature" => can.temperature_max.is_none(),
            "top_p" => !can.top_p,
            "top_k" => !can.top_k,
            "presence_penalty" | "frequency_penalty" => !can.penalties,
            "seed" => !can.seed,
            _ => false,
        }
    }

    fn max_tokens(&self, name: &str, raw: &str) -> Edit {
        let most = self.target.capabilities.max_output_tokens.unwrap_or(u64::MAX);
        let clamped = raw.parse::<u64>().is_ok_and(|wanted| wanted > most).then(|| most.to_string());
        // OpenAI's reasoning models refuse the older name.
        let older = name == "max_tokens"
            && self.ask.dialect == Dialect::OpenAi
            && self.target.flavor == Flavor::OpenAi;
        if older && !self.ask.features.names("max_completion_tokens") {
            return Edit::Entry("max_completion_tokens", clamped.unwrap_or_else(|| raw.to_owned()));
        }
        clamped.map_or(Edit::Keep, Edit::Value)
    }

    fn effort(&self, wanted: Option<Effort>, change: impl Fn(Effort) -> Edit) -> Edit {
        let Some(wanted) = wanted else { return Edit::Keep };
        match self.target.capabilities.effort(wanted) {
            None => Edit::Drop,
            Some(given) if given == wanted => Edit::Keep,
            Some(given) => change(given),
        }
    }

    fn output_config(&self, raw: &str) -> Edit {
        if member(raw, "effort").is_none() {
            return Edit::Keep;
        }
        let bare = || match without(raw, "effort") {
            empty if empty == "{}" => Edit::Drop,
            rest => Edit::Value(rest),
        };
        if self.target.capabilities.reasoning != Reasoning::Adaptive {
            return bare();
        }
        let wanted = member(raw, "effort").and_then(Effort::of_raw);
        match self.effort(wanted, |effort| Edit::Value(replace(raw, "effort", &quoted(effort)))) {
            Edit::Drop => bare(),
            edit => edit,
        }
    }

    /// Anthropic's models take thinking in the form of their generation only.
    fn thinking(&self, raw: &str) -> Edit {
        let can = &self.target.capabilities;
        if can.reasoning == Reasoning::Budget && self.strips() && stays_silent(self.ask, self.target) {
            return Edit::Drop;
        }
        if self.home {
            return Edit::Keep;
        }
        let kind = member(raw, "type").and_then(text_of);
        match (kind.as_deref(), can.reasoning) {
            (Some("disabled"), _) if can.effort(Effort::None) != Some(Effort::None) => Edit::Drop,
            (_, Reasoning::None | Reasoning::Effort) => Edit::Drop,
            (Some("enabled"), Reasoning::Adaptive) => Edit::Value(r#"{"type":"adaptive"}"#.to_owned()),
            (Some("adaptive"), Reasoning::Budget) => self.budget(),
            _ => Edit::Keep,
        }
    }

    fn budget(&self) -> Edit {
        let effort = self.ask.features.effort.and_then(|wanted| self.target.capabilities.effort(wanted));
        let budget = effort.map_or(0, Effort::budget);
        let room = self.ask.max_tokens.unwrap_or(0);
        // The budget must be under `max_tokens`, which is the application's to choose here.
        if budget == 0 || budget >= room {
            return Edit::Drop;
        }
        Edit::Value(format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#))
    }

    /// Whether the history loses reasoning on this way.
    fn strips(&self) -> bool {
        match self.strip {
            Strip::Marked => self.ask.features.has(Feature::OwnMarks),
            Strip::All => true,
        }
    }
}

fn quoted(effort: Effort) -> String {
    format!("\"{}\"", effort.as_str())
}
