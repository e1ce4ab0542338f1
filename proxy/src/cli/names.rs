//! What a shell offers where a name is wanted: asked of the running Sidestep, else read from the configuration.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;
use http::Method;
use serde_json::Value;
use tokio::time::timeout;

use super::client::AdminAddress;
use crate::config::{Config, Source, Variables};

/// Somebody has pressed a key and waits for the next one.
const PATIENCE: Duration = Duration::from_millis(500);
/// Where a configuration is looked for when nobody answers: here, and where the chart mounts it.
const FILES: [&str; 2] = ["sidestep.yaml", "/etc/sidestep/sidestep.yaml"];

/// A name, and what to say beside it.
type Named = (String, String);

/// Providers and models whose names begin with what was typed.
pub(super) fn subjects(typed: &OsStr) -> Vec<CompletionCandidate> {
    let names = ask("/status").map(|status| told(&status)).or_else(configured);
    candidates(typed, names.unwrap_or_default())
}

/// Incidents whose ids begin with what was typed.
pub(super) fn incidents(typed: &OsStr) -> Vec<CompletionCandidate> {
    let told = ask("/incidents").unwrap_or_default();
    let kept = told["incidents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let kept = kept.iter().map(|incident| (word(incident, "id"), word(incident, "title")));
    let last = ("last".to_owned(), "the latest one".to_owned());
    candidates(typed, std::iter::once(last).chain(kept).collect())
}

fn candidates(typed: &OsStr, names: Vec<Named>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let fitting = names.into_iter().filter(|(name, _)| name.starts_with(&*typed) && is_plain(name));
    let candidate = |(name, help): Named| {
        let help = super::terminal::tame(&help);
        CompletionCandidate::new(name).help((!help.is_empty()).then(|| help.into()))
    };
    fitting.map(candidate).collect()
}

/// Nothing that a shell could take for more than a word, whoever answered.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn told(status: &Value) -> Vec<Named> {
    let all = |key: &str| status[key].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let providers =
        all("providers").map(|one| (word(one, "id"), format!("provider, {}", word(one, "verdict"))));
    let models = all("models").map(|one| {
        (word(one, "id"), format!("model at {}, {}", word(one, "provider"), word(one, "verdict")))
    });
    providers.chain(models).collect()
}

fn word(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// What the admin side says, if it does at once.
fn ask(path: &str) -> Option<Value> {
    let client = AdminAddress::at(&address(std::env::args())).client().ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let asked = async { timeout(PATIENCE, client.ask(Method::GET, path, None)).await };
    runtime.block_on(asked).ok()?.ok()
}

/// The admin side that the line being typed names, or the usual one.
fn address(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    let apart = words.windows(2).filter(|pair| pair[0] == "--admin").map(|pair| pair[1].clone());
    let joined = words.iter().filter_map(|word| word.strip_prefix("--admin=").map(str::to_owned));
    let found = apart.chain(joined).last().filter(|found| !found.is_empty());
    found.unwrap_or_else(|| AdminAddress::USUAL.to_owned())
}

/// The names in the first configuration that is found and right; without a file, what the keys in the environment make.
fn configured() -> Option<Vec<Named>> {
    let files = FILES.iter().map(PathBuf::from).filter(|file| file.exists()).map(Source::File);
    let mut sources = files.chain(std::iter::once(Source::Environment));
    let config = sources.find_map(|source| Config::load(&source, &Variables::of_process()).ok())?;
    let providers = config.providers.iter().map(|one| (one.id.to_string(), "provider".to_owned()));
    let models = config
        .models
        .iter()
        .map(|one| (one.id.to_string(), format!("model at {}", config.providers[one.provider].id)));
    Some(providers.chain(models).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_itself_says_whom_to_ask() {
        let asked = |line: &str| address(line.split(' ').map(str::to_owned));
        assert_eq!(asked("sidestep -- sidestep disable an"), "http://127.0.0.1:6181");
        assert_eq!(asked("sidestep -- sidestep disable --admin http://x:1 an"), "http://x:1");
        assert_eq!(asked("sidestep -- sidestep disable --admin=http://x:2 an"), "http://x:2");
        assert_eq!(asked("sidestep -- sidestep disable an --admin"), "http://127.0.0.1:6181");
    }

    #[test]
    fn only_plain_words_that_fit_are_offered() {
        let names = ["opus", "opal", "gpt", "op$(reboot)", "op us", "op\u{1b}[2J"];
        let names = names.map(|name| (name.to_owned(), "a \u{1b}[31m model".to_owned())).into();
        let offered = candidates(OsStr::new("op"), names);
        assert_eq!(offered.iter().map(|one| one.get_value()).collect::<Vec<_>>(), ["opus", "opal"]);
        assert!(!offered[0].get_help().unwrap().to_string().contains('\u{1b}'));
    }
}
