//! Answers in prose, the places at which they break off, and what another model makes of that.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sidestep_dialect::{BlockKind, Event, StopReason, Usage};

/// What the second model does.
#[derive(Debug, Clone)]
pub(crate) enum Second {
    /// It goes on where the first stopped, with the blanks there or without.
    Exact {
        trimmed: bool,
        thinks: bool,
    },
    /// It says the last words again.
    Overlap {
        from: Index,
        reflowed: bool,
    },
    /// It says everything again.
    Restart {
        reflowed: bool,
    },
    /// It says the beginning again and then something else.
    Diverge {
        at: Index,
        other: String,
    },
    Preamble(&'static str),
    Empty(&'static str),
    Garbage(String),
    Tool,
    Refusal,
    Circle(String),
    Script,
}

pub(crate) const PREAMBLES: [&str; 6] = [
    "Sure! ",
    "Certainly, here is the rest:\n\n",
    "Here's the continuation of the text: ",
    "Continuing from where I left off: ",
    "I apologize for the interruption. ",
    "Voici la suite : ",
];

const OTHER_SCRIPT: &str = "Продолжение рассказа не имеет ничего общего с тем, что было сказано раньше.";

/// Words with what stands between them. Lower case, so that nothing looks like the beginning of a sentence.
fn prose(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let word =
        prop_oneof![8 => "[a-z]{1,9}", 1 => "[à-ý]{2,5}", 1 => "[一-龥]{2,6}", 1 => Just("🚲".to_owned())];
    let gap = select(vec![" ", " ", " ", " ", " ", ", ", "\n", ".\n\n", "\n```\n    ", "\n\n- ", " (", ") "]);
    // No word twice: then only one place can be meant.
    prop::collection::vec((word, gap), words).prop_map(|pairs| {
        let own = |at: usize, word: &str| {
            let at = u32::try_from(at).unwrap_or_default();
            let letter = |base: char, at: u32| char::from_u32(u32::from(base) + at).unwrap_or(base);
            if word.starts_with(|c| c > '一') {
                letter('丁', at).to_string()
            } else {
                ['x', letter('a', at / 26 % 26), letter('a', at % 26)].iter().collect()
            }
        };
        pairs.into_iter().enumerate().map(|(at, (word, gap))| own(at, &word) + &word + gap).collect()
    })
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => prose(8..60), 1 => prose(100..300)]
}

pub(crate) fn second() -> impl Strategy<Value = Second> {
    let index = any::<Index>;
    prop_oneof![
        4 => (any::<bool>(), any::<bool>()).prop_map(|(trimmed, thinks)| Second::Exact { trimmed, thinks }),
        4 => (index(), any::<bool>()).prop_map(|(from, reflowed)| Second::Overlap { from, reflowed }),
        3 => any::<bool>().prop_map(|reflowed| Second::Restart { reflowed }),
        2 => (index(), prose(4..80)).prop_map(|(at, other)| Second::Diverge { at, other }),
        1 => select(PREAMBLES.to_vec()).prop_map(Second::Preamble),
        1 => select(vec!["", " ", "\n\n\t"]).prop_map(Second::Empty),
        2 => prop_oneof![prose(1..80), ".{1,300}"].prop_map(Second::Garbage),
        1 => Just(Second::Tool),
        1 => Just(Second::Refusal),
        1 => prose(5..9).prop_map(Second::Circle),
        1 => Just(Second::Script),
    ]
}

/// Sets every blank outside of code anew.
fn reflow(text: &str) -> String {
    if text.contains("```") {
        return text.to_owned();
    }
    text.split_whitespace().collect::<Vec<_>>().join("\n ")
}

impl Second {
    /// What it says of the answer `all`, of which the first `said` bytes were said; nothing when it says no text.
    pub(crate) fn text(&self, all: &str, said: usize) -> String {
        let (said, rest) = all.split_at(said);
        match self {
            Self::Exact { trimmed, .. } => if *trimmed { rest.trim_start() } else { rest }.to_owned(),
            Self::Overlap { from, reflowed } => {
                let starts: Vec<usize> = words(said).filter(|at| visible(&said[*at..]) >= 12).collect();
                let Some(at) = (!starts.is_empty()).then(|| starts[from.index(starts.len())]) else {
                    return rest.to_owned();
                };
                if *reflowed { reflow(&all[at..]) } else { all[at..].to_owned() }
            }
            Self::Restart { reflowed: false } => all.to_owned(),
            Self::Restart { reflowed: true } => reflow(all),
            Self::Diverge { at, other } => {
                let places: Vec<usize> = said.char_indices().map(|(at, _)| at).collect();
                let at = if places.is_empty() { 0 } else { places[at.index(places.len())] };
                format!("{}§{other}", &said[..at])
            }
            Self::Preamble(preamble) => format!("{preamble}{rest}"),
            Self::Empty(blank) => (*blank).to_owned(),
            Self::Garbage(text) => text.clone(),
            Self::Tool | Self::Refusal => String::new(),
            Self::Circle(passage) => passage.repeat(80),
            Self::Script => OTHER_SCRIPT.to_owned(),
        }
    }

    /// The same as an answer.
    pub(crate) fn answer(&self, text: &str, cuts: &[Index]) -> Vec<Event> {
        let mut blocks = Vec::new();
        if matches!(self, Self::Exact { thinks: true, .. }) {
            blocks.push((BlockKind::Thinking, "Hm.".to_owned()));
        }
        if !text.is_empty() {
            blocks.push((BlockKind::Text, text.to_owned()));
        }
        let stop = match self {
            Self::Tool => {
                let (id, name) = ("call_2".to_owned(), "f".to_owned());
                blocks.push((BlockKind::Tool { id, name }, "{}".to_owned()));
                StopReason::ToolUse
            }
            Self::Refusal => {
                blocks.push((BlockKind::Refusal, "No.".to_owned()));
                StopReason::Refusal
            }
            _ => StopReason::MaxTokens,
        };
        answer("second", &blocks, cuts, stop)
    }
}

/// An answer in pieces.
pub(crate) fn answer(
    model: &str,
    blocks: &[(BlockKind, String)],
    cuts: &[Index],
    stop: StopReason,
) -> Vec<Event> {
    let usage = Usage { input: 1000, output: 5, ..Usage::default() };
    let mut events = vec![Event::Start { id: format!("id_{model}"), model: model.to_owned(), usage }];
    for (key, (kind, text)) in (0..).zip(blocks) {
        events.push(Event::Open { key, kind: kind.clone() });
        events.extend(pieces(text, cuts).into_iter().map(|text| Event::Delta { key, text }));
        events.push(Event::Close { key, sealed: true });
    }
    let usage = Usage { output: 77, ..usage };
    events.extend([Event::Usage(usage), Event::Stop(stop, None), Event::End]);
    events
}

fn pieces(text: &str, cuts: &[Index]) -> Vec<String> {
    let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| bounds[cut.index(bounds.len())]).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| text[pair[0]..pair[1]].to_owned()).collect()
}

/// Where words begin.
fn words(text: &str) -> impl Iterator<Item = usize> + '_ {
    let gaps = text.char_indices().zip(text.chars().skip(1));
    gaps.filter(|((_, a), b)| a.is_whitespace() && !b.is_whitespace()).map(|((at, a), _)| at + a.len_utf8())
}

pub(crate) fn visible(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}
