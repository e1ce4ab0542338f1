//! What is said to what was asked.

use serde_json::Value;

use super::{Style, hash};
use crate::prompt::{Choice, Gist, Prompt, Riddle, Tool};
use crate::sample::Source;

const LONGEST: usize = 100_000;
const WORDS: [&str; 32] = [
    "the", "harbour", "was", "quiet", "and", "a", "café", "opened", "late", "while", "rain", "fell", "over",
    "seven", "bridges", "naïve", "gulls", "circled", "東京", "station", "in", "slow", "arcs", "of", "light",
    "–", "nobody", "spoke", "🚲", "bells", "rang", "softly",
];

/// The prompt's riddle, with a wrong sum when the answer is to be wrong.
pub(super) fn riddle(asked: &str, wrong: bool) -> Option<Riddle> {
    Riddle::find(asked).map(|riddle| Riddle { sum: riddle.sum + u64::from(wrong), ..riddle })
}

/// The tools to call: forced ones, or those that the prompt mentions, unless they have answered already.
pub(super) fn chosen<'a>(prompt: &'a Prompt, gist: &Gist) -> Vec<&'a Tool> {
    let asked = gist.asked.to_lowercase();
    let mentioned = |tool: &&Tool| {
        let name = tool.name.to_lowercase();
        asked.contains(&name) || name.split(['_', '-']).any(|part| part.len() >= 4 && asked.contains(part))
    };
    let every = asked.split(|c: char| !c.is_alphanumeric()).any(|word| word == "both");
    let mut tools: Vec<&Tool> = match (&prompt.choice, prompt.tools.as_slice()) {
        (Choice::None, _) | (_, []) => Vec::new(),
        (Choice::Named(name), tools) => tools.iter().filter(|tool| tool.name == *name).collect(),
        (Choice::Auto, _) if !gist.results.is_empty() => Vec::new(),
        (_, [one]) if every => vec![one, one],
        (_, tools) if every => tools.iter().collect(),
        (_, tools) => tools.iter().filter(mentioned).collect(),
    };
    if tools.is_empty() && prompt.choice == Choice::Any {
        tools.extend(prompt.tools.first());
    }
    if prompt.one_call_at_most {
        tools.truncate(1);
    }
    tools
}

pub(super) fn structured(prompt: &Prompt, gist: &Gist, riddle: Option<Riddle>) -> String {
    let mut source = Source::new(&gist.asked, riddle);
    match &prompt.schema {
        Some(schema @ Value::Object(_)) => source.value(schema).to_string(),
        _ => serde_json::json!({ "answer": gist.asked }).to_string(),
    }
}

pub(super) fn told(gist: &Gist, riddle: Option<Riddle>, style: &Style<'_>) -> String {
    let whole = match riddle {
        Some(riddle) => format!("{} {}", riddle.nonce, riddle.sum),
        None if style.wrong => "Purple staplers dream of nothing that was asked.".to_owned(),
        None => prose(gist, style.words),
    };
    if let Some(manner) = style.manner.filter(|_| !gist.said.is_empty()) {
        return manner.go_on(&gist.said, &whole);
    }
    // What was said already is not said again; an answer that does not go on from there starts anew.
    whole.strip_prefix(gist.said.as_str()).map(str::to_owned).unwrap_or(whole)
}

/// What every simulated model says, in full, to a plain prompt that says how long the answer should be
/// (`… in 30 words`): the measure of what arrives.
#[must_use]
pub fn full_answer(asked: &str) -> String {
    let gist = Gist { asked: asked.to_owned(), said: String::new(), results: Vec::new(), images: 0 };
    prose(&gist, 0)
}

fn prose(gist: &Gist, usual: usize) -> String {
    let mut text = String::new();
    if gist.images > 0 {
        text.push_str(&format!("I see {} image{}. ", gist.images, if gist.images == 1 { "" } else { "s" }));
    }
    if gist.results.is_empty() {
        let echoed: Vec<&str> = gist.asked.split_whitespace().take(12).collect();
        text.push_str(&format!("You asked: {}.", echoed.join(" ")));
    } else {
        text.push_str(&format!("The tools answered: {}.", gist.results.join("; ")));
    }
    let wanted = wanted_words(&gist.asked).unwrap_or(usual).min(LONGEST);
    let mut state = hash(&gist.asked);
    for _ in text.split_whitespace().count()..wanted {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = usize::try_from(state >> 59).unwrap_or(0);
        text.push(' ');
        text.push_str(WORDS.get(word).unwrap_or(&"and"));
    }
    text
}

/// `… in 300 words`
fn wanted_words(asked: &str) -> Option<usize> {
    let words: Vec<&str> = asked.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| pair.get(1).is_some_and(|word| word.starts_with("word")));
    pairs.filter_map(|pair| pair.first()?.parse().ok()).next_back()
}

/// A piece to a word, its white space before it: white space is where streams are joined wrongly.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for character in text.chars() {
        let begins = character.is_whitespace()
            && pieces.last().is_none_or(|last| !last.ends_with(char::is_whitespace));
        match pieces.last_mut() {
            Some(last) if !begins => last.push(character),
            _ => pieces.push(character.into()),
        }
    }
    pieces
}

/// A piece to so many characters, as the arguments of a call come.
pub(super) fn chunks(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(7).map(|chunk| chunk.iter().collect()).collect()
}
