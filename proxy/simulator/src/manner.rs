//! How a model takes it when it is given the beginning of an answer.

use serde::{Deserialize, Serialize};

/// What a model makes of an answer that another one has begun. By default it goes on where that one stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// It begins again.
    Restart,
    /// It begins again, and soon says something else.
    Diverge,
    /// It says the last words again.
    Overlap,
    /// It leaves out the blank between what was said and what it says.
    Lean,
    /// It talks about going on before it does.
    Preamble,
    /// It says nothing but blanks.
    Blank,
    /// It goes on, and then says the same again and again.
    Circles,
    /// It goes on in another language.
    Foreign,
    /// It calls a tool, if it has one.
    Call,
}

/// Of the words that are said again, in characters.
const OVERLAP: usize = 40;
const CIRCLES: usize = 400;

impl Manner {
    /// What is said after `said`, of which `whole` is the whole.
    pub(crate) fn go_on(self, said: &str, whole: &str) -> String {
        let rest = whole.strip_prefix(said).unwrap_or(whole);
        match self {
            Self::Restart => whole.to_owned(),
            Self::Diverge => {
                let again: String = whole.chars().take(60).collect();
                again + " – or so it seemed until the sea took all of it back without a word."
            }
            Self::Overlap => last_words(said).to_owned() + rest,
            Self::Lean => rest.trim_start().to_owned(),
            Self::Preamble => format!("Sure, here is the rest of my answer: {rest}"),
            Self::Blank => " \n ".to_owned(),
            Self::Circles => rest.to_owned() + &" and the bells rang softly".repeat(CIRCLES),
            Self::Foreign => {
                " Потом маяк погас, и никто не заметил, как над гаванью поднялся туман.".repeat(8)
            }
            Self::Call => rest.to_owned(),
        }
    }
}

/// The end of `said`, from the beginning of a word.
fn last_words(said: &str) -> &str {
    let from = said.char_indices().rev().nth(OVERLAP).map_or(0, |(at, _)| at);
    let tail = said.get(from..).unwrap_or_default();
    tail.find(' ').filter(|_| from > 0).and_then(|at| tail.get(at + 1..)).unwrap_or(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_begins_with_a_word() {
        let said = "The lighthouse stood on the rock for a hundred years, and nobody";
        let whole = format!("{said} asked why.");
        assert_eq!(
            Manner::Overlap.go_on(said, &whole),
            "the rock for a hundred years, and nobody asked why."
        );
        assert_eq!(Manner::Overlap.go_on("The", "The end"), "The end");
        assert_eq!(Manner::Lean.go_on(said, &whole), "asked why.");
        assert_eq!(Manner::Restart.go_on(said, &whole), whole);
    }
}
