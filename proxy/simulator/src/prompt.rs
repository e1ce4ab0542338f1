//! What a request asks for, whatever form it came in.

use serde_json::{Map, Value};

/// A valid request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prompt {
    pub(crate) stream: bool,
    /// Usage is wanted in the stream (Chat Completions only tells when asked).
    pub(crate) include_usage: bool,
    /// `stream_options.include_obfuscation` was not switched off.
    pub(crate) obfuscate: bool,
    pub(crate) max_output: Option<u64>,
    pub(crate) turns: Vec<Turn>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) choice: Choice,
    pub(crate) one_call_at_most: bool,
    /// The answer must be JSON: of this schema, or any object for `Null`.
    pub(crate) schema: Option<Value>,
    pub(crate) stop: Vec<String>,
    /// Reasoning is wanted; visible where the form can show it.
    pub(crate) reasoning: bool,
    /// The request marks a part of itself for the prompt cache.
    pub(crate) cached: bool,
    /// `n` of Chat Completions.
    pub(crate) choices: u32,
    /// The request's own fields, for the form that repeats them in its answer.
    pub(crate) echo: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    System,
    User,
    Assistant,
}

/// One message, flattened.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) speaker: Speaker,
    pub(crate) text: String,
    pub(crate) images: usize,
    /// What tools gave back, in this turn.
    pub(crate) results: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// Of its arguments; none for a tool that takes free text.
    pub(crate) schema: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    #[default]
    Auto,
    None,
    Any,
    Named(String),
}

/// The turns, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gist {
    /// What the user wants.
    pub(crate) asked: String,
    /// What of the answer was said already and is to be continued.
    pub(crate) said: String,
    pub(crate) results: Vec<String>,
    pub(crate) images: usize,
}

/// `Reply with only this code: {nonce} {a}+{b}=?`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Riddle {
    pub(crate) nonce: String,
    pub(crate) sum: u64,
}

impl Turn {
    pub(crate) const fn new(speaker: Speaker) -> Self {
        Self { speaker, text: String::new(), images: 0, results: Vec::new() }
    }

    pub(crate) fn say(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }
}

impl Prompt {
    /// An estimate: four characters to a token, 256 tokens to an image.
    pub(crate) fn tokens(&self) -> u64 {
        let text: usize = self.turns.iter().map(|turn| length(&turn.text) + 12).sum();
        let results: usize = self.turns.iter().flat_map(|turn| &turn.results).map(|text| length(text)).sum();
        let tools: usize = self
            .tools
            .iter()
            .map(|tool| tool.name.len() + tool.schema.as_ref().map_or(0, written_length))
            .sum();
        let images: usize = self.turns.iter().map(|turn| turn.images).sum();
        u64::try_from((text + results + tools).div_ceil(4) + images * 256).unwrap_or(u64::MAX)
    }

    pub(crate) fn gist(&self) -> Gist {
        let spoken: Vec<&Turn> = self.turns.iter().filter(|turn| turn.speaker != Speaker::System).collect();
        let images = spoken.iter().map(|turn| turn.images).sum();
        // A trailing assistant turn is the beginning of the answer.
        if let Some((last, before)) = spoken.split_last()
            && last.speaker == Speaker::Assistant
        {
            return Gist { asked: wish(before), said: last.text.clone(), results: Vec::new(), images };
        }
        let answered = spoken.iter().rposition(|turn| turn.speaker == Speaker::Assistant);
        let (before, now) = spoken.split_at(answered.map_or(0, |place| place + 1));
        let results: Vec<String> = now.iter().flat_map(|turn| turn.results.clone()).collect();
        let latest = wish(now);
        if latest.is_empty() {
            return Gist { asked: wish(before), said: String::new(), results, images };
        }
        if let Some(partial) = before.last().filter(|_| is_continuation(&latest)) {
            let asked = wish(before.get(..before.len() - 1).unwrap_or_default());
            return Gist { asked, said: partial.text.clone(), results, images };
        }
        Gist { asked: latest, said: String::new(), results, images }
    }
}

impl Riddle {
    pub(crate) fn find(text: &str) -> Option<Self> {
        let mut before = "";
        for word in text.split_whitespace() {
            if let Some(sum) = sum(word) {
                let nonce = before.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
                return Some(Self { nonce, sum });
            }
            before = word;
        }
        None
    }
}

/// The last text of the user in these turns.
fn wish(turns: &[&Turn]) -> String {
    let spoken =
        turns.iter().rev().find(|turn| turn.speaker == Speaker::User && !turn.text.trim().is_empty());
    spoken.map(|turn| turn.text.clone()).unwrap_or_default()
}

fn is_continuation(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("continue")
        && ["cut off", "reply off", "interrupted"].iter().any(|word| text.contains(word))
}

fn sum(word: &str) -> Option<u64> {
    let (left, rest) = word.split_once('+')?;
    let (right, _) = rest.split_once("=?")?;
    left.parse::<u64>().ok()?.checked_add(right.parse::<u64>().ok()?)
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn written_length(value: &Value) -> usize {
    value.to_string().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(speaker: Speaker, text: &str) -> Turn {
        Turn { text: text.to_owned(), ..Turn::new(speaker) }
    }

    fn gist(turns: Vec<Turn>) -> Gist {
        Prompt { turns, ..Prompt::default() }.gist()
    }

    #[test]
    fn the_wish_is_found_through_results_prefills_and_continuations() {
        let ask = turn(Speaker::User, "Tell me of whales");
        let partial = turn(Speaker::Assistant, "Whales are");
        let plain = gist(vec![turn(Speaker::System, "Be brief"), ask.clone()]);
        assert_eq!((plain.asked.as_str(), plain.said.as_str()), ("Tell me of whales", ""));
        let prefill = gist(vec![ask.clone(), partial.clone()]);
        assert_eq!((prefill.asked.as_str(), prefill.said.as_str()), ("Tell me of whales", "Whales are"));
        let nudge = turn(Speaker::User, "Your reply was cut off. Continue from exactly that point.");
        assert_eq!(gist(vec![ask.clone(), partial.clone(), nudge]), prefill);
        let nudge = turn(Speaker::User, "A failure cut your previous reply off. Please continue it.");
        assert_eq!(gist(vec![ask.clone(), partial.clone(), nudge]), prefill);
        let results = Turn { results: vec!["rain".to_owned()], ..Turn::new(Speaker::User) };
        let told = gist(vec![ask, partial, results]);
        assert_eq!((told.asked.as_str(), told.results.len()), ("Tell me of whales", 1));
    }

    #[test]
    fn a_riddle_is_its_nonce_and_sum() {
        let riddle = Riddle::find("Reply with only this code: bcdf 17+25=?").unwrap();
        assert_eq!(riddle, Riddle { nonce: "bcdf".to_owned(), sum: 42 });
        assert_eq!(Riddle::find("What is 2+x=?"), None);
    }
}
