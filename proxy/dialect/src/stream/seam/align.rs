//! Finds in what was said the place at which a continuation begins.

use crate::continuation::Tier;

/// The least that is taken for a repetition, in characters that are not blank.
const MIN_OVERLAP: usize = 12;

/// A whole line may be shorter.
const MIN_LINE: usize = 8;

/// So may two words or more at the beginning of a turn, which repeats words to show where it goes on.
const MIN_WORDS: usize = 8;

/// From here on a repetition is none by chance, in characters, of blanks one at a time.
const MIN_REPEAT: usize = 40;

/// So much of a passage in the middle of what was said is none either: similar lines of a table are not as long.
const MIN_PASSAGE: usize = 160;

/// How far from the end a repetition of the last words is looked for, in bytes; a longer one is found by its
/// beginning.
const TAIL: usize = 4096;

/// How many characters are compared in search of a repetition in the middle: what is all alike has one everywhere.
const MAX_EFFORT: usize = 4 << 20;

/// What was said.
pub(super) struct Said {
    text: String,
    /// Where lines begin that open or close a code fence.
    fences: Vec<usize>,
    /// Blanks count everywhere as they do outside of code.
    loose: bool,
    tier: Tier,
}

/// How a continuation stands to what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alignment {
    /// It repeats nothing.
    New,
    /// Its first bytes, so many, repeat the end of what was said.
    Overlaps(usize),
    /// All of it so far repeats what was said from this byte on.
    Repeats(usize),
    /// It starts over, and says something else then.
    Diverged,
    /// More of it must be seen.
    Undecided,
}

/// How far a text follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// To the other's end.
    Whole { used: usize },
    /// To its own end: up to the byte `at` of the other, with `used` bytes of its own.
    More { at: usize, used: usize },
    /// Not so far: after so many characters, of blanks one at a time.
    Diverged { matched: usize },
}

impl Said {
    pub(super) fn new(text: &str, tier: Tier) -> Self {
        let mut fences = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let mark = line.trim_start_matches(' ');
            if line.len() - mark.len() < 4 && (mark.starts_with("```") || mark.starts_with("~~~")) {
                fences.push(at);
            }
            at += line.len();
        }
        Self { text: text.to_owned(), fences, loose: false, tier }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Finds the place. `full` says that there will not be more to judge by. Code that is repeated with other blanks
    /// is not the same, and not anything new either.
    pub(super) fn align(&mut self, new: &str, full: bool) -> Alignment {
        let exact = self.alignment(new, full);
        if exact != Alignment::New || self.fences.is_empty() {
            return exact;
        }
        self.loose = true;
        let loose = self.alignment(new, full);
        self.loose = false;
        match loose {
            Alignment::Overlaps(_) | Alignment::Repeats(_) => Alignment::Diverged,
            loose => loose,
        }
    }

    fn alignment(&self, new: &str, full: bool) -> Alignment {
        let lead = new.len() - new.trim_start().len();
        let new = &new[lead..];
        if let Some(used) = self.overlap(new, full) {
            return Alignment::Overlaps(lead + used);
        }
        let start = self.text.len() - self.text.trim_start().len();
        match self.follow(start, new) {
            Step::More { .. } if length(new) >= MIN_REPEAT => return Alignment::Repeats(start),
            Step::Diverged { matched } if matched >= MIN_REPEAT => return Alignment::Diverged,
            Step::More { .. } if !full => return Alignment::Undecided,
            _ => {}
        }
        match self.repeated(new) {
            Ok(from) if length(new) >= MIN_REPEAT => Alignment::Repeats(from),
            Ok(_) if !full => Alignment::Undecided,
            Err(matched) if matched >= MIN_PASSAGE => Alignment::Diverged,
            _ => Alignment::New,
        }
    }

    /// The longest repetition of the last words, as bytes of `new`.
    fn overlap(&self, new: &str, full: bool) -> Option<usize> {
        let floor = self.text.len().saturating_sub(TAIL);
        let from = self.places(new, floor).find_map(|at| match self.follow(at, new) {
            Step::Whole { used } if self.counts(at, &new[..used]) => Some(used),
            // Up to blanks, of which there will be no more.
            Step::More { at: end, used } if full && self.text[end..].trim().is_empty() => {
                let blank = common(&self.text[end..], &new[used..]);
                self.counts(at, &new[..used]).then_some(used + blank)
            }
            _ => None,
        });
        from.filter(|used| *used > 0)
    }

    /// Whether a repetition from `at` to the end is none by chance.
    fn counts(&self, at: usize, overlap: &str) -> bool {
        let size = visible(overlap);
        let before = &self.text[..at];
        // However short: no answer begins with the same word twice.
        let whole = before.trim().is_empty() && overlap.contains(char::is_alphanumeric);
        let line = before.is_empty() || before.trim_end_matches([' ', '\t']).ends_with('\n');
        let words = self.tier == Tier::Instruct && !before.ends_with(char::is_alphanumeric);
        let (blank, code) = (overlap.trim().contains(char::is_whitespace), self.fenced(at));
        size >= MIN_OVERLAP
            || whole
            || (line && size >= MIN_LINE && (!code || overlap.contains('\n')))
            || (words && size >= MIN_WORDS && blank && !code)
    }

    /// The last place from which all of `new` is a repetition; else how much of it is one at most, in characters.
    fn repeated(&self, new: &str) -> Result<usize, usize> {
        let (mut effort, mut most) = (0, 0);
        for at in self.places(new, 0).rev() {
            let matched = match self.follow(at, new) {
                Step::More { .. } => return Ok(at),
                Step::Whole { .. } => 0,
                Step::Diverged { matched } => matched,
            };
            most = most.max(matched);
            effort += matched;
            if effort > MAX_EFFORT {
                break;
            }
        }
        Err(most)
    }

    /// The places at which the first character of `new` stands, from byte `floor` on.
    fn places<'s>(&'s self, new: &str, floor: usize) -> impl DoubleEndedIterator<Item = usize> + 's {
        let first = new.chars().next().map(fold);
        let floor = (floor..=self.text.len()).find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
        let tail = &self.text[floor..];
        tail.char_indices().filter(move |(_, c)| Some(fold(*c)) == first).map(move |(at, _)| floor + at)
    }

    /// Follows what was said from byte `from` on with `new`. Blanks at the end of `new` are left for when it is known
    /// what follows them.
    pub(super) fn follow(&self, from: usize, new: &str) -> Step {
        let (mut at, mut used, mut matched) = (from, 0, 0);
        loop {
            let Some(wanted) = self.text[at..].chars().next() else { return Step::Whole { used } };
            let rest = &new[used..];
            if wanted.is_whitespace() && !self.fenced(at) {
                let blank = rest.len() - rest.trim_start().len();
                let run = self.blank_run(at);
                if blank == rest.len() {
                    return Step::More { at, used };
                }
                if blank == 0 {
                    let over = at + run == self.text.len();
                    return if over { Step::Whole { used } } else { Step::Diverged { matched } };
                }
                let over = at + run == self.text.len();
                used += if over { common(&self.text[at..], rest) } else { blank };
                (at, matched) = (at + run, matched + 1);
                continue;
            }
            match rest.chars().next() {
                None => return Step::More { at, used },
                Some(c) if self.same(wanted, c, at, used == 0) => {
                    at += wanted.len_utf8();
                    used += c.len_utf8();
                    matched += 1;
                }
                Some(_) => return Step::Diverged { matched },
            }
        }
    }

    /// Whether two characters are the same to a reader: models set other quotes and dashes, and begin a turn of their
    /// own in upper case. In code they are not.
    fn same(&self, wanted: char, c: char, at: usize, first: bool) -> bool {
        wanted == c || (!self.fenced(at) && (plain(wanted) == plain(c) || (first && fold(wanted) == fold(c))))
    }

    /// The length of the blanks at a place outside of code.
    fn blank_run(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let run = rest.len() - rest.trim_start().len();
        let mut fences = self.fences.iter().filter(|_| !self.loose);
        let fence = fences.find(|fence| **fence > at && **fence <= at + run);
        fence.map_or(run, |fence| fence - at)
    }

    fn fenced(&self, at: usize) -> bool {
        !self.loose && self.fences.partition_point(|fence| *fence <= at) % 2 == 1
    }

    /// How many bytes of `rest` are blanks at the end of what was said that the repetition `used` has not come to.
    pub(super) fn blanks_left(&self, used: &str, rest: &str) -> usize {
        let blanks = |text: &str| text.trim_end().len();
        let left = self.text[blanks(&self.text)..].strip_prefix(&used[blanks(used)..]);
        left.map_or(0, |left| common(left, rest))
    }

    /// How many bytes of `new` are dots in the place of what was said. `None` while that cannot be told.
    pub(super) fn dots(&self, new: &str) -> Option<usize> {
        let mark = new.trim_start();
        let dots = ["...", "…"].into_iter().find(|dots| mark.starts_with(dots));
        match dots.filter(|_| !self.text.trim_end().ends_with(['.', '…'])) {
            Some(dots) => Some(new.len() - mark.len() + dots.len()),
            None if mark.len() < 3 && "...".starts_with(mark) => None,
            None => Some(0),
        }
    }

    /// How many bytes of `new` open a code fence once more in which what was said ends; a fence that is closed says
    /// no language. `None` while that cannot be told.
    pub(super) fn reopened(&self, new: &str) -> Option<usize> {
        let mark = new.trim_start();
        if self.fences.len().is_multiple_of(2) || !(mark.starts_with("```") || "```".starts_with(mark)) {
            return Some(0);
        }
        let line = mark.find('\n')?;
        let tag = mark[..line].trim_start_matches('`').trim();
        Some(if tag.is_empty() { 0 } else { new.len() - mark.len() + line + 1 })
    }
}

/// How many bytes of blanks two texts have in common.
pub(super) fn common(a: &str, b: &str) -> usize {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b && a.is_whitespace());
    same.map(|(c, _)| c.len_utf8()).sum()
}

/// A quote or dash in its plainest form.
const fn plain(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2010}'..='\u{2014}' => '-',
        other => other,
    }
}

fn fold(c: char) -> char {
    plain(c).to_lowercase().next().unwrap_or(c)
}

fn visible(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

fn length(text: &str) -> usize {
    let blank = |pair: (char, char)| pair.0.is_whitespace() && pair.1.is_whitespace();
    text.chars().count() - text.chars().zip(text.chars().skip(1)).filter(|pair| blank(*pair)).count()
}
