//! Tells a server that the last message is the beginning of its answer.

use super::history::{entries, items, list, object, replace};
use crate::Dialect;
use crate::ask::{Ask, Feature, member};
use crate::capability::{PrefillMark, Target};
use crate::gate::is_home;

/// The Chat Completions body with the mark that the target wants; `None` when it wants none, or has it already.
///
/// What an application sends to the model that it asked for goes as it is, but a continuation is not the
/// application's.
pub(super) fn mark(ask: &Ask, body: &[u8], target: &Target) -> Option<String> {
    let begun = ask.features.has(Feature::Prefill) && target.dialect == Dialect::OpenAi;
    if !begun || (is_home(ask, target) && !ask.features.has(Feature::Continued)) {
        return None;
    }
    let body = std::str::from_utf8(body).ok()?;
    match target.capabilities.prefill_mark {
        PrefillMark::None => None,
        PrefillMark::Prefix => in_message(body, "prefix"),
        PrefillMark::Partial => in_message(body, "partial"),
        PrefillMark::ContinueFinalMessage => {
            let marks = [("continue_final_message", "true"), ("add_generation_prompt", "false")];
            let mut kept = entries(body);
            kept.retain(|(key, _)| marks.iter().all(|(mark, _)| key != mark));
            kept.extend(marks);
            Some(object(&kept))
        }
    }
}

fn in_message(body: &str, mark: &str) -> Option<String> {
    let messages = items(member(body, "messages")?);
    let (last, before) = messages.split_last()?;
    if member(last, mark).is_some() {
        return None;
    }
    let mut fields = entries(last);
    fields.push((mark, "true"));
    let marked = object(&fields);
    let messages: Vec<&str> = before.iter().copied().chain([marked.as_str()]).collect();
    Some(replace(body, "messages", &list(&messages)))
}
