//! The line of an error with a caret under it, and never a secret on it.
//!
//! A line is shown as written only if every key on it, and every key that it hangs under, is one whose values
//! are harmless. Otherwise its values are blotted out: a mistyped `api_key` is still followed by the key.

use std::ops::Range;

use super::place::Position;

/// Stands for each character that is not shown.
const BLOT: char = '·';

/// Longest part of a line that is shown, in characters.
const WIDTH: usize = 120;

/// Shortest run of letters and digits together that is taken for a secret.
const SECRET_RUN: usize = 20;

/// How the keys of well-known providers begin.
const SECRET_STARTS: [&str; 7] = ["sk-", "sk_", "xai-", "gsk_", "AIza", "eyJ", "Bearer"];

/// Keys under which anybody may choose the names.
const NAMED: [&str; 2] = ["providers", "models"];

/// Keys of the schema whose values are names, numbers and times: safe to show.
#[rustfmt::skip]
pub(super) const HARMLESS: &[&str] = &[
    "access", "admin", "allow", "answer_bytes", "body_bytes", "budget", "ca_file", "capabilities",
    "connect_timeout", "connections", "consecutive_failures", "context_window", "cooldown", "deadline", "dialect",
    "drain", "enabled", "env", "errors", "event_bytes", "events", "failure_rate_threshold", "faults",
    "first_token_timeout", "format", "grace", "header_bytes", "header_timeout", "health", "hedge", "hedge_budget",
    "hold", "http", "input_usd_per_million", "instance", "interval", "kind", "level", "limits", "listen", "log",
    "match", "max_attempts", "max_concurrency", "max_cooldown", "max_duration", "max_output_tokens", "max_rate",
    "model", "models", "notify", "on_lossy", "output_usd_per_million", "preset", "price", "probe", "probes", "propagate",
    "provider", "providers", "ratio", "rescue", "reserve_per_second", "retry", "retry_after_wait", "retry_budget",
    "routes", "runbook_url", "sample", "service", "service_name", "single_provider", "slow_start", "stall_timeout", "state",
    "status_url", "strip_prefix", "suspect_interval", "targets", "telemetry", "timeout", "tokens_per_day", "uri_bytes", "usd_per_day", "weight",
];

/// The line at `position` of `text` with its number, and a caret below; `None` if there is nothing to show.
pub(super) fn snippet(text: &str, position: Position) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(position.line).collect();
    let line = *lines.get(position.line.checked_sub(1)?)?;
    let column = position.column.checked_sub(1).filter(|column| *column < WIDTH)?;
    let shown = shown(&lines, line);
    if shown.trim().is_empty() {
        return None;
    }
    let number = position.line.to_string();
    let gutter = " ".repeat(number.len());
    Some(format!("  {number} | {shown}\n  {gutter} | {:column$}^", ""))
}

/// `text` without any word that looks like a secret.
pub(super) fn without_secrets(text: &str) -> String {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || "-_.+/=".contains(c);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(part_of_word) {
        let end = rest[start..].find(|c| !part_of_word(c)).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        clean.push_str(&rest[..start]);
        if looks_secret(word) {
            clean.extend(word.chars().map(|_| BLOT));
        } else {
            clean.push_str(word);
        }
        rest = &rest[end..];
    }
    clean.push_str(rest);
    clean
}

fn looks_secret(word: &str) -> bool {
    let known = SECRET_STARTS.iter().any(|start| word.starts_with(start)) && word.len() > 8;
    let random = |run: &str| {
        run.len() >= SECRET_RUN
            && run.contains(|c: char| c.is_ascii_digit())
            && run.contains(|c: char| c.is_ascii_alphabetic())
    };
    known || word.split(['-', '_', '.', '/']).any(random)
}

/// `line`, the last of `lines`, as far as it may be seen.
fn shown(lines: &[&str], line: &str) -> String {
    let bare: String = line.split(" #").next().unwrap_or_default().chars().take(WIDTH).collect();
    let bare = if bare.trim_start().starts_with('#') { String::new() } else { bare };
    let bare: String = bare.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let above = ancestors(lines);
    let own = keys(&bare);
    let listed = bare.trim_start().starts_with("- ");
    let visible = if !all_harmless(&above) || (own.is_empty() && !listed) {
        bare.chars().map(|c| if c == ' ' { c } else { BLOT }).collect()
    } else if all_harmless(&[above, own].concat()) {
        bare
    } else {
        only_keys(&bare)
    };
    without_secrets(visible.trim_end())
}

/// Whether the values under these keys, outermost first, may be seen.
fn all_harmless(keys: &[&str]) -> bool {
    let chosen = |at: usize| at == 1 && NAMED.contains(&keys[0]);
    keys.iter().enumerate().all(|(at, key)| chosen(at) || HARMLESS.contains(key))
}

/// The keys that the last of `lines` hangs under by its indentation, outermost first.
fn ancestors<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut chain = Vec::new();
    let Some((last, before)) = lines.split_last() else { return chain };
    let mut depth = indentation(last);
    for line in before.iter().rev().filter(|line| !line.trim().is_empty()) {
        if line.trim_start().starts_with('#') || indentation(line) >= depth {
            continue;
        }
        depth = indentation(line);
        chain.extend(keys(line).into_iter().rev());
    }
    chain.reverse();
    chain
}

/// Columns before the first character. An entry of a list is deeper than the key that it may stand right under.
fn indentation(line: &str) -> usize {
    let trimmed = line.trim_start();
    2 * (line.len() - trimmed.len()) + usize::from(trimmed.starts_with("- "))
}

/// The keys on a line, as far as that can be told from the line alone.
fn keys(line: &str) -> Vec<&str> {
    key_ranges(line).into_iter().map(|range| &line[range]).collect()
}

fn key_ranges(line: &str) -> Vec<Range<usize>> {
    let ends = line.match_indices(':').map(|(at, _)| at);
    let ends = ends.filter(|at| line[at + 1..].chars().next().is_none_or(char::is_whitespace));
    ends.map(|end| key_before(&line[..end])).filter(|range| !range.is_empty()).collect()
}

fn key_before(text: &str) -> Range<usize> {
    let end = text.trim_end().trim_end_matches(['"', '\'']).len();
    let part_of_key = |c: char| !c.is_whitespace() && !"{[,\"'".contains(c);
    let key = text[..end].chars().rev().take_while(|c| part_of_key(*c)).map(char::len_utf8).sum::<usize>();
    end - key..end
}

/// `line` with everything blotted out but its keys and punctuation.
fn only_keys(line: &str) -> String {
    let ranges = key_ranges(line);
    let seen = |at: usize, c: char| {
        c.is_whitespace() || "{}[],:\"'".contains(c) || ranges.iter().any(|range| range.contains(&at))
    };
    line.char_indices().map(|(at, c)| if seen(at, c) { c } else { BLOT }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, line: usize) -> String {
        let shown = snippet(text, Position { line, column: 1 }).unwrap_or_default();
        shown.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_harmless_line_is_shown_as_written() {
        let text = "routes:\n- match: a*\n  targets: [opsu, gpt] # sk-1\n  on_lossy: x\nmodels:\n  a: { provider: x }";
        assert_eq!(at(text, 3), "  3 |   targets: [opsu, gpt]");
        assert_eq!(at(text, 6), "  6 |   a: { provider: x }");
        let caret = snippet(text, Position { line: 3, column: 13 }).unwrap();
        assert_eq!(caret, "  3 |   targets: [opsu, gpt]\n    |             ^");
    }

    #[test]
    fn values_of_secret_and_unknown_keys_are_blotted_out() {
        for (text, line, shown) in [
            ("providers:\n  a:\n    api_key: hush", 3, "  3 |     api_key: ····"),
            ("providers:\n  a:\n    apikey: hush", 3, "  3 |     apikey: ····"),
            ("providers:\n  a: {api_key: hush, dialect: x}", 2, "  2 |   a: {api_key: ····, dialect: ·}"),
            ("providers:\n  a:\n    api_key:\n      hush: me", 4, "  4 |       ····· ··"),
            ("providers:\n  a:\n    headers:\n    - hush", 4, "  4 |     · ····"),
            ("{ api_key:\nhush }", 2, "  2 | ···· ·"),
            ("listen: sk-hush-hush", 1, "  1 | listen: ············"),
            ("sk-hush-hush-1: x", 1, "  1 | ··············: ·"),
            ("# api_key: hush", 1, ""),
        ] {
            assert_eq!(at(text, line), shown, "{text}");
        }
    }

    #[test]
    fn words_that_look_like_keys_are_secret_and_model_names_are_not() {
        for name in
            ["claude-haiku-4-5-20251001", "openai/gpt-oss-120b", "meta-llama/Llama-3.3-70B-Instruct-Turbo"]
        {
            assert_eq!(without_secrets(name), name);
        }
        assert_eq!(without_secrets("a 0123456789abcdef0123 b"), "a ···················· b");
    }
}
