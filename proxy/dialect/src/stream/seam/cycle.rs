//! Notices a model that goes round in circles.

use super::SeamFault;

/// How much of the newest text is looked at, in characters.
const WINDOW: usize = 1600;

/// How much must have come since it was last looked at, in bytes.
const STEP: usize = 256;

/// A passage of this many characters or more that stands there four times in a row, and for so many characters in
/// all, is a circle: tables have rows that are alike.
const PASSAGE: usize = 20;
const TIMES: usize = 4;
const SHORTEST: usize = 600;

/// A shorter one must have gone on for this long: rows of dashes and zeros are nothing bad.
const LONG: usize = 1200;

/// The answer's first words, in bytes: said again in the middle of the continuation they are a second answer.
const HEAD: usize = 200;

/// The newest text of a continuation.
pub(super) struct Cycle {
    head: String,
    recent: String,
    unseen: usize,
}

impl Cycle {
    pub(super) fn new(said: &str) -> Self {
        let said = said.trim_start();
        let cut = (HEAD..said.len()).find(|&at| said.is_char_boundary(at)).unwrap_or(said.len());
        let head = if said.len() > HEAD { said[..cut].to_owned() } else { String::new() };
        Self { head, recent: String::new(), unseen: 0 }
    }

    /// Takes more text.
    pub(super) fn check(&mut self, text: &str) -> Result<(), SeamFault> {
        self.recent.push_str(text);
        self.unseen += text.len();
        if self.unseen < STEP {
            return Ok(());
        }
        self.unseen = 0;
        if !self.head.is_empty() && self.recent.contains(&self.head) {
            return Err(SeamFault::Diverged);
        }
        let surplus = self.recent.chars().count().saturating_sub(WINDOW);
        let cut = self.recent.char_indices().nth(surplus).map_or(0, |(at, _)| at);
        self.recent.drain(..cut);
        let newest: Vec<char> = self.recent.chars().rev().collect();
        if is_circle(&newest) { Err(SeamFault::Loops) } else { Ok(()) }
    }
}

/// Whether a text, given backwards, ends in a passage that is repeated. By the borders of its prefixes (Knuth,
/// Morris and Pratt, 1977): a prefix whose longest border is shorter by d has the period d.
fn is_circle(backwards: &[char]) -> bool {
    let mut borders = vec![0_usize; backwards.len()];
    for at in 1..backwards.len() {
        let mut border = borders[at - 1];
        while border > 0 && backwards[at] != backwards[border] {
            border = borders[border - 1];
        }
        borders[at] = border + usize::from(backwards[at] == backwards[border]);
        let (length, period) = (at + 1, at + 1 - borders[at]);
        let worded = || backwards[..period].iter().any(|c| c.is_alphabetic());
        let long = period >= PASSAGE && length >= (TIMES * period).max(SHORTEST);
        if (long || length >= LONG && period < PASSAGE) && worded() {
            return true;
        }
    }
    false
}
