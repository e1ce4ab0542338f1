//! Beginnings that no continuation has.

/// What models say about what they are going to do, or cannot do, in lower case. Only what no answer to a question of
/// anybody's would say: `Here is the full code:` and `Continuing with the example` stand in many.
const ALWAYS: [&str; 60] = [
    "here is the rest",
    "here's the rest",
    "here is the continuation",
    "here's the continuation",
    "here is where i left off",
    "here's where i left off",
    "continuing from",
    "continuing where",
    "continuing my",
    "continuing the answer",
    "continuing the response",
    "continuing the reply",
    "continuing the previous",
    "continuing the text",
    "continuing with the rest",
    "continuing:",
    "continuing...",
    "continuing…",
    "continuation:",
    "[continued",
    "[continuing",
    "[continuation",
    "(continued",
    "(continuing",
    "(continuation",
    "**continued",
    "**continuing",
    "**continuation",
    "picking up where",
    "resuming where",
    "i'll continue from",
    "i'll continue where",
    "i will continue from",
    "i will continue where",
    "let me continue from",
    "let me continue where",
    "to continue from where",
    "as i was saying",
    "my previous reply was",
    "my previous response was",
    "i apologize for the interruption",
    "sorry for the interruption",
    "apologies for the interruption",
    "i'm sorry, but i can",
    "i am sorry, but i can",
    "i cannot continue",
    "i can't continue",
    "i'm unable to continue",
    "i am unable to continue",
    "i can't help with",
    "i cannot help with",
    "i can't assist with",
    "i cannot assist with",
    // What it was told itself.
    "[automatic continuation",
    "<last_words>",
    "hier ist die fortsetzung",
    "voici la suite",
    "aquí está la continuación",
    "ecco la continuazione",
    "aqui está a continuação",
];

/// The same in scripts without upper case.
const ELSEWHERE: [&str; 8] =
    ["以下是", "继续上", "好的，", "続きです", "以下は続き", "続きを", "계속해서", "продолжение:"];

/// How models agree before they begin, in lower case. Followed by a mark, for prose may begin with such words too.
const AGREEING: [&str; 32] = [
    "sure",
    "sure thing",
    "certainly",
    "of course",
    "absolutely",
    "understood",
    "got it",
    "okay",
    "ok",
    "alright",
    "no problem",
    "gladly",
    "my apologies",
    "apologies",
    "i apologize",
    "sorry",
    "i'm sorry",
    "continuing",
    "natürlich",
    "gerne",
    "selbstverständlich",
    "bien sûr",
    "certainement",
    "d'accord",
    "claro",
    "por supuesto",
    "desde luego",
    "certo",
    "certamente",
    "com certeza",
    "конечно",
    "хорошо",
];

/// Whether a continuation of `said` begins with words about itself.
pub(super) fn is_preamble(said: &str, new: &str) -> bool {
    if is_within_sentence(said, new) {
        return false;
    }
    let opening = opening(new);
    if ALWAYS.iter().chain(&ELSEWHERE).any(|phrase| opening.starts_with(phrase)) {
        return true;
    }
    let agreed = AGREEING.iter().filter_map(|word| opening.strip_prefix(word)).find_map(|rest| {
        let mark = rest.chars().next()?;
        matches!(mark, '!' | '.' | ',' | ':' | ';' | '—' | '–' | '\n' | '…').then_some((mark, rest))
    });
    let Some((mark, rest)) = agreed else { return false };
    // In the middle of a sentence nobody agrees; at the beginning of one a comma may follow in earnest.
    let talks =
        || ALWAYS.iter().any(|phrase| rest.contains(phrase)) || rest.lines().next().is_some_and(is_lead);
    !ends_sentence(said) || matches!(mark, '!' | ':') || talks()
}

/// Whether more of it might make a preamble.
pub(super) fn may_become_preamble(said: &str, new: &str) -> bool {
    if is_within_sentence(said, new) {
        return false;
    }
    let opening = opening(new);
    let phrases = ALWAYS.iter().chain(&ELSEWHERE).chain(&AGREEING);
    let mut begun = phrases.filter(|phrase| phrase.starts_with(&opening) || opening.starts_with(**phrase));
    // A line of a preamble that is begun must be seen to its end.
    begun.next().is_some() && !opening.contains('\n')
}

/// Whether a sentence goes on: in the middle of one, with a small letter.
fn is_within_sentence(said: &str, new: &str) -> bool {
    new.trim_start().starts_with(char::is_lowercase) && !ends_sentence(said)
}

/// A line that announces what stands below it.
fn is_lead(line: &str) -> bool {
    line.trim_end().ends_with(':')
}

fn ends_sentence(said: &str) -> bool {
    let end = said.trim_end().trim_end_matches(['"', '\'', '”', '’', ')', '*', '_', '`', '»']);
    said.trim().is_empty()
        || end.ends_with(['.', '!', '?', ':', '。', '！', '？', '…', '|'])
        || said.ends_with('\n')
}

/// The first words, without marks around them, in lower case and with plain apostrophes.
fn opening(new: &str) -> String {
    let start = new.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '“' | '>' | '#'));
    start.chars().take(200).flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect()
}
