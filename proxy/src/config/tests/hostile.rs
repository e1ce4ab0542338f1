//! Anything at all as a configuration.

use proptest::{prelude::*, sample::Index};

use super::{EXAMPLE, parse, whole::FULL};
use crate::config::{Config, ConfigError, Source, Variables, nearest::distance};

/// A slip of the pen.
#[derive(Clone, Debug)]
enum Slip {
    Drop,
    Double,
    Swap,
    Other(char),
}

fn slips() -> impl Strategy<Value = Slip> {
    prop_oneof![
        Just(Slip::Drop),
        Just(Slip::Double),
        Just(Slip::Swap),
        proptest::char::range('a', 'z').prop_map(Slip::Other)
    ]
}

/// `word` with a slip at `at`.
fn slipped(word: &str, at: usize, slip: &Slip) -> String {
    let mut chars: Vec<char> = word.chars().collect();
    match slip {
        Slip::Drop => drop(chars.remove(at)),
        Slip::Double => chars.insert(at, chars[at]),
        Slip::Swap => chars.swap(at.max(1) - 1, at.max(1)),
        Slip::Other(other) => chars[at] = *other,
    }
    chars.into_iter().collect()
}

/// Keys of the schema in [`FULL`], by their place: those below `name:` lines are chosen and left out.
fn keys() -> Vec<(usize, &'static str)> {
    let chosen =
        ["opus", "llama", "anthropic", "inhouse", "x-tenant", "oncall", "alerts", "x-scope-orgid", "tier"];
    let mut keys = Vec::new();
    for (end, _) in FULL.match_indices(':') {
        let start =
            FULL[..end].rfind(|c: char| !(c.is_alphanumeric() || "_-".contains(c))).map_or(0, |at| at + 1);
        let key = &FULL[start..end];
        let ends = FULL[end + 1..].starts_with([' ', '\n']);
        if ends && !key.is_empty() && !key.starts_with(char::is_numeric) && !chosen.contains(&key) {
            keys.push((start, key));
        }
    }
    keys
}

fn told(result: Result<Config, ConfigError>) -> String {
    match result {
        Ok(config) => format!("{config:?}\n{}", config.to_yaml()),
        Err(error) => format!("{error}\n{error:?}"),
    }
}

proptest! {
    #[test]
    fn a_mistyped_key_is_refused_where_it_stands_with_the_right_one(
        which in any::<Index>(), at in any::<Index>(), slip in slips()
    ) {
        let keys = keys();
        let (start, key) = *which.get(&keys);
        let typo = slipped(key, at.index(key.len()), &slip);
        // A key may become another one.
        prop_assume!(typo.len() > 1 && typo != key && !keys.iter().any(|(_, known)| *known == typo));
        let text = format!("{}{typo}{}", &FULL[..start], &FULL[start + key.len()..]);
        let Err(ConfigError::Invalid(problems)) = parse(&text) else { panic!("accepted: {typo}") };
        let line = text[..start].split('\n').count();
        let column = start - text[..start].rfind('\n').map_or(0, |at| at + 1) + 1;
        prop_assert_eq!((problems[0].line, problems[0].column), (Some(line), Some(column)), "{}", problems[0]);
        let message = &problems[0].message;
        let hint = message.strip_prefix(&format!("unknown key `{typo}`, did you mean `")).and_then(|rest| rest.strip_suffix("`?"));
        // `pribe` may be `probe` or `price`.
        prop_assert!(hint.is_some_and(|hint| distance(&typo, hint) <= distance(&typo, key)), "{message}");
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sidestep.yaml");
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(Config::load(&Source::File(path), &Variables::default()).is_err());
    }

    #[test]
    fn no_damage_to_a_good_file_makes_it_panic_or_tell_a_secret(
        secret in "(sk-[a-zA-Z0-9]{20,40}|[a-f0-9]{31}[0-9]|xai-[A-Za-z0-9]{10,30})",
        form in prop_oneof![Just("{secret}"), Just("\"{secret}\""), Just("[{secret}]"), Just("{ key: {secret} }"), Just("|\n      {secret}")],
        damage in proptest::collection::vec((any::<Index>(), 0..12_usize, "[a-z:{}\\[\\]\"'|#&*\n -]{0,3}"), 0..4),
    ) {
        let value = form.replace("{secret}", &secret);
        let mut text = FULL.replace("{ env: ANTHROPIC_API_KEY }", &value).replace("team-${HOST}", &secret);
        text = text.replace("token: { env: ADMIN_TOKEN }", &format!("token: {value}"));
        for (at, length, other) in &damage {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            // The secret itself stays whole: half of it would not be found.
            if !text[start..].contains(&secret) || !text[end..].contains(&secret) { continue }
            let before = text.matches(&secret).count();
            let damaged = format!("{}{other}{}", &text[..start], &text[end..]);
            if damaged.matches(&secret).count() == before { text = damaged }
        }
        let told = told(parse(&text));
        prop_assert!(!told.contains(&secret), "{told}\n{text}");
    }

    #[test]
    fn no_line_torn_out_or_doubled_makes_it_panic(lines in proptest::collection::vec(any::<Index>(), 0..40)) {
        let all: Vec<&str> = EXAMPLE.lines().collect();
        let text: Vec<&str> = lines.iter().map(|line| *line.get(&all)).collect();
        let _ = told(parse(&text.join("\n")));
    }
}
