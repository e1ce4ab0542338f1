//! Puts turns into an order that every provider takes.
//!
//! Chat Completions histories may be loose: several messages of one side in a row, tool results anywhere,
//! missing or twice, ids used again in a later turn. Anthropic (and OpenAI for results) answers each of those
//! with a 400.

use std::collections::{HashMap, HashSet};

use super::Untranslatable;
use super::conversation::{Call, Outcome, Part, Role, Turn};
use crate::tool_id;

/// What a target asks of the order.
pub(super) struct Order {
    /// Takes system messages after the first turn.
    pub(super) system_mid: bool,
    /// Anthropic's rules: the user speaks first, no text is blank, later system messages follow the user.
    pub(super) anthropic: bool,
}

const NO_RESULT: &str = "No result was recorded for this tool call.";

/// Leading system turns first, then turns that alternate, each call answered in the turn that follows it.
pub(super) fn arrange(turns: Vec<Turn>, order: &Order) -> Result<Vec<Turn>, Untranslatable> {
    let mut turns = order.clean(turns);
    rename(&mut turns);
    let lead = turns.iter().take_while(|turn| turn.role == Role::System).count();
    let mut talk = order.merge(turns.split_off(lead));
    if talk.is_empty() {
        // Nothing but a system prompt: it is what shall be answered.
        let parts: Vec<Part> = turns.drain(..).flat_map(|turn| turn.parts).collect();
        talk = vec![Turn { role: Role::User, parts }];
    }
    if talk.iter().all(|turn| turn.parts.is_empty()) {
        return Err(Untranslatable::Empty);
    }
    if order.anthropic && talk.first().is_some_and(|turn| turn.role != Role::User) {
        turns.push(Turn::text(Role::User, "(The assistant speaks first.)"));
    }
    turns.extend(pair(talk));
    Ok(turns)
}

impl Order {
    fn clean(&self, turns: Vec<Turn>) -> Vec<Turn> {
        let blank = |part: &Part| {
            part.as_text()
                .is_some_and(|text| if self.anthropic { text.trim().is_empty() } else { text.is_empty() })
        };
        let clean = turns.into_iter().map(|mut turn| {
            turn.parts.retain(|part| !blank(part));
            turn
        });
        clean.filter(|turn| !turn.parts.is_empty()).collect()
    }

    fn merge(&self, turns: Vec<Turn>) -> Vec<Turn> {
        let mut merged: Vec<Turn> = Vec::with_capacity(turns.len());
        let mut held: Vec<Turn> = Vec::new();
        for turn in turns {
            let owed = merged.last().is_some_and(Turn::calls);
            match turn.role {
                // Nothing may stand between a call and its result.
                Role::System if owed => held.push(turn),
                Role::System => self.system(&mut merged, turn),
                role => {
                    join(&mut merged, turn);
                    if role == Role::User {
                        held.drain(..).for_each(|turn| self.system(&mut merged, turn));
                    }
                }
            }
        }
        held.into_iter().for_each(|turn| self.system(&mut merged, turn));
        merged
    }

    /// A system message after the first turn: as it is where the target takes it, else in the user's voice.
    fn system(&self, merged: &mut Vec<Turn>, turn: Turn) {
        let after_user = merged.last().is_some_and(|last| last.role == Role::User);
        if self.system_mid && (!self.anthropic || after_user) {
            merged.push(turn);
            return;
        }
        for part in turn.parts {
            let text = part.as_text().unwrap_or_default();
            join(merged, Turn::text(Role::User, format!("<system>\n{text}\n</system>")));
        }
    }
}

impl Turn {
    fn calls(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Call(_)))
    }
}

fn join(merged: &mut Vec<Turn>, turn: Turn) {
    match merged.last_mut() {
        Some(last) if last.role == turn.role => last.parts.extend(turn.parts),
        _ => merged.push(turn),
    }
}

/// Gives every call an id that all providers take and that no other call has; results follow the latest
/// call of their id.
fn rename(turns: &mut [Turn]) {
    let mut used: HashSet<String> = HashSet::new();
    let mut latest: HashMap<String, String> = HashMap::new();
    for part in turns.iter_mut().flat_map(|turn| turn.parts.iter_mut()) {
        match part {
            Part::Call(Call { id, .. }) => {
                let mut new = tool_id::conform(id).into_owned();
                let mut again = 1;
                while !used.insert(new.clone()) {
                    again += 1;
                    new = tool_id::conform(&format!("{id}#{again}")).into_owned();
                }
                latest.insert(std::mem::replace(id, new.clone()), new);
            }
            Part::Result(Outcome { id, .. }) => {
                *id = latest.get(id).cloned().unwrap_or_else(|| tool_id::conform(id).into_owned());
            }
            _ => {}
        }
    }
}

/// Puts the results of a turn's calls first into the next turn, in the calls' order.
fn pair(talk: Vec<Turn>) -> Vec<Turn> {
    let mut paired: Vec<Turn> = Vec::with_capacity(talk.len() + 1);
    let mut owed: Vec<String> = Vec::new();
    for turn in talk {
        if turn.role == Role::User {
            let parts = settle(std::mem::take(&mut owed), turn.parts);
            join(&mut paired, Turn { role: Role::User, parts });
            continue;
        }
        if !owed.is_empty() {
            paired.push(Turn { role: Role::User, parts: settle(std::mem::take(&mut owed), Vec::new()) });
        }
        let ids = turn
            .parts
            .iter()
            .filter_map(|part| if let Part::Call(call) = part { Some(&call.id) } else { None });
        owed.extend(ids.cloned());
        paired.push(turn);
    }
    if !owed.is_empty() {
        paired.push(Turn { role: Role::User, parts: settle(owed, Vec::new()) });
    }
    paired
}

fn settle(owed: Vec<String>, parts: Vec<Part>) -> Vec<Part> {
    let mut given: HashMap<String, Outcome> = HashMap::new();
    let mut rest = Vec::new();
    for part in parts {
        match part {
            Part::Result(outcome) if owed.contains(&outcome.id) && !given.contains_key(&outcome.id) => {
                given.insert(outcome.id.clone(), outcome);
            }
            Part::Result(stray) => {
                rest.push(Part::Text("Result of an earlier tool call:".to_owned()));
                rest.extend(stray.parts);
            }
            other => rest.push(other),
        }
    }
    let missing = |id: String| Outcome { id, parts: vec![Part::Text(NO_RESULT.to_owned())], failed: true };
    let results = owed.into_iter().map(|id| Part::Result(given.remove(&id).unwrap_or_else(|| missing(id))));
    let mut parts: Vec<Part> = results.collect();
    parts.extend(rest);
    parts
}
