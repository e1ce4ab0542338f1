//! Requests that official clients really sent.
//!
//! Needs the folder of recordings that `SIDESTEP_FIXTURES` names; without it the test says so and passes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::HeaderMap;
use serde_json::Value;
use sidestep_dialect::{Dialect, Endpoint, Gate, Untranslatable, gate, peek};

use crate::{shape, targets, translate};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// A recording's dialect and request body, if it is a call for an answer.
fn request(path: &Path) -> Option<(Dialect, Vec<u8>)> {
    let text = std::fs::read_to_string(path).ok()?;
    if path.extension()? == "yaml" {
        return Some((Dialect::OpenAi, yaml_body(&text)?.into_bytes()));
    }
    let recording: Value = serde_json::from_str(&text).ok()?;
    let request = recording.get("request")?;
    // Some vendors put their APIs below a path of their own.
    let uri = request["uri"].as_str()?;
    let (dialect, endpoint) = Dialect::from_path(&uri[uri.find("/v1/")?..])?;
    (endpoint == Endpoint::Generate).then(|| (dialect, request["body"].to_string().into_bytes()))
}

/// The first block scalar called `body`: the request comes before the response.
fn yaml_body(text: &str) -> Option<String> {
    let rest = &text[text.find("body: |-\n")? + "body: |-\n".len()..];
    let indent = rest.len() - rest.trim_start_matches(' ').len();
    let lines = rest
        .lines()
        .take_while(|line| line.trim().is_empty() || line.len() - line.trim_start().len() >= indent);
    let body: String = lines.map(|line| line.get(indent..).unwrap_or_default().to_owned() + "\n").collect();
    body.trim_start().starts_with('{').then_some(body)
}

#[test]
fn every_recorded_request_is_read_judged_and_translated_or_refused_by_name() {
    let Some(folder) = std::env::var_os("SIDESTEP_FIXTURES") else {
        println!("skipped: SIDESTEP_FIXTURES names no folder of recordings");
        return;
    };
    let mut found = Vec::new();
    files(Path::new(&folder), &mut found);
    found.sort();
    let mut read = 0;
    let mut translated = 0;
    let mut refused: BTreeMap<&str, u32> = BTreeMap::new();
    for path in found {
        let Some((from, body)) = request(&path) else { continue };
        read += 1;
        let ask = peek(from, &HeaderMap::new(), &body).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let whole: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(ask.model, whole["model"].as_str().unwrap());
        for to in targets().iter().filter(|to| to.dialect != from) {
            let skips = matches!(gate(&ask, to), Gate::Skip { .. });
            match translate(from, &body, to) {
                Ok(done) => {
                    assert!(!skips, "{path:?}");
                    shape::check(to, &serde_json::from_slice(&done.body).unwrap());
                    translated += 1;
                }
                Err(Untranslatable::Feature(feature)) => *refused.entry(feature).or_default() += 1,
                Err(error) => panic!("{path:?}: {error}"),
            }
        }
    }
    println!("{read} requests read, {translated} translations, refused: {refused:?}");
    assert!(read > 100 && translated > read, "the recordings are not where they should be");
}
