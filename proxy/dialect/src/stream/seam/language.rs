//! Tells a continuation in another language.
//!
//! By the script, and among languages of the Latin script by their commonest words. An answer may well quote another
//! language, so only one of which what was said has nothing at all counts as another.

/// What must have been said of a language, and what must come of another, to tell the two: letters of a script.
const LETTERS: (usize, usize) = (60, 20);
/// The same for common words.
const WORDS: (usize, usize) = (6, 6);

/// Words that make up a good part of any text of a language and are none in the others: English, German, French,
/// Spanish, Italian, Portuguese, Dutch.
const COMMON: [[&str; 12]; LANGUAGES] = [
    ["the", "and", "of", "to", "that", "with", "for", "this", "are", "you", "it", "from"],
    ["der", "und", "das", "ist", "nicht", "mit", "ein", "den", "zu", "auf", "für", "sich"],
    ["les", "et", "est", "dans", "une", "pour", "vous", "pas", "qui", "sur", "avec", "sont"],
    ["el", "los", "las", "y", "por", "del", "más", "pero", "está", "muy", "también", "como"],
    ["il", "di", "che", "non", "per", "gli", "della", "sono", "nel", "è", "anche", "più"],
    ["os", "não", "uma", "com", "mais", "são", "ao", "muito", "isso", "você", "pela", "em"],
    ["het", "een", "van", "niet", "dat", "voor", "zijn", "ook", "maar", "met", "naar", "wordt"],
];

const LANGUAGES: usize = 7;
const SCRIPTS: usize = 8;

/// Whether the continuation `new` is in another language than all of `said`.
pub(super) fn changes(said: &str, new: &str) -> bool {
    changes_script(said, new) || changes_words(said, new)
}

fn changes_script(said: &str, new: &str) -> bool {
    let (before, after) = (Letters::of(said), Letters::of(new));
    let (Some((own, _)), Some((other, share))) = (before.main(), after.main()) else { return false };
    own != other
        && before.total >= LETTERS.0
        && before.count(other) == 0
        && after.total >= LETTERS.1
        && share * 10 >= after.total * 9
}

fn changes_words(said: &str, new: &str) -> bool {
    let (before, after) = (common(said), common(new));
    let (own, other) = (most(&before), most(&after));
    own != other
        && before[own] >= WORDS.0
        && after[other] >= WORDS.1
        && before[other] * 10 <= before[own]
        && after[own] * 5 <= after[other]
}

/// How many common words of each language a text has.
fn common(text: &str) -> [usize; LANGUAGES] {
    let mut counts = [0; LANGUAGES];
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty() && word.len() < 9) {
        let word = word.to_lowercase();
        for (count, common) in counts.iter_mut().zip(&COMMON) {
            *count += usize::from(common.contains(&word.as_str()));
        }
    }
    counts
}

fn most(counts: &[usize; LANGUAGES]) -> usize {
    (0..LANGUAGES).max_by_key(|&language| counts[language]).unwrap_or(0)
}

/// How many letters of which script a text has.
struct Letters {
    counts: [usize; SCRIPTS],
    total: usize,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self { counts: [0; SCRIPTS], total: 0 };
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            letters.counts[script(c)] += 1;
            letters.total += 1;
        }
        letters
    }

    fn main(&self) -> Option<(usize, usize)> {
        let main = (0..SCRIPTS).max_by_key(|&script| self.counts[script])?;
        (self.total > 0).then_some((main, self.counts[main]))
    }

    fn count(&self, script: usize) -> usize {
        self.counts[script]
    }
}

/// A number for a letter's script. Chinese and Japanese share their letters and count as one.
const fn script(c: char) -> usize {
    match c as u32 {
        0..=0x024f | 0x1e00..=0x1eff => 0,
        0x0370..=0x03ff | 0x1f00..=0x1fff => 1,
        0x0400..=0x052f => 2,
        0x0590..=0x05ff => 3,
        0x0600..=0x077f => 4,
        0x2e80..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff => 5,
        0x1100..=0x11ff | 0xac00..=0xd7af => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; LANGUAGES] = [
        "The water from the hills and the rain that falls for days are what this river is made of, and to you it is \
         one of the things that come with the land.",
        "Das Wasser der Berge und der Regen, der sich nicht zu halten weiß, ist mit den Jahren auf ein Dorf für alle \
         und auf den Fluss gefallen.",
        "Les eaux et les pluies qui tombent sur une colline sont dans les rivières, et vous ne les voyez pas avec une \
         carte: elle est pour qui marche.",
        "El agua de los montes y las lluvias del norte está muy fría, pero los que viven por el río y por las aldeas \
         la beben como también las cabras.",
        "Il fiume non è più largo di un ponte, e gli uomini che sono nel paese della valle sanno anche che non si \
         passa per il bosco.",
        "Não são muito largos os rios, mas em março você vê mais água com a chuva, e isso ao fim é uma festa em que \
         os sinos tocam pela noite.",
        "Het water van de bergen is niet voor een dorp alleen, maar ook voor het dal, dat met de regen naar zee wordt \
         gedragen en zijn oevers voedt.",
    ];

    #[test]
    fn languages_are_told_by_their_commonest_words() {
        for (at, said) in TEXTS.iter().enumerate() {
            for (other, new) in TEXTS.iter().enumerate() {
                assert_eq!(changes(said, new), at != other, "{at} {other}");
                // Of what has a part in what was said, more may come.
                let mixed = format!("{said} {new}");
                assert!(!changes(&mixed, new) && !changes(&mixed, said));
            }
            assert!(!changes(said, "fn main() { let x = 1; }"));
            assert!(changes(said, "Вода закипает раньше, чем внизу."));
        }
        assert!(!changes("Short.", TEXTS[1]), "too little to tell");
    }
}
