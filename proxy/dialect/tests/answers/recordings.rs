//! Traffic that other projects recorded at the providers, translated into every dialect and read back.
//!
//! Needs the folder of recordings that `SIDESTEP_FIXTURES` names; without it these tests say so and pass.

use std::path::{Path, PathBuf};

use crate::exchange::{Digest, context, decode, encode, looks_finished};
use serde_json::Value;
use sidestep_dialect::answer::{Answer, read_answer};
use sidestep_dialect::{
    AnswerFault, BlockKind, Dialect, ErrorClass, Event, Failure, Flavor, StreamFault, inspect_answer,
    translate_answer,
};

/// Every file under the folder of recordings, with the dialect that its folder's name says.
pub(crate) fn recordings(ending: &[&str]) -> Vec<(PathBuf, Dialect)> {
    let Some(root) = std::env::var_os("SIDESTEP_FIXTURES") else {
        println!("skipped: SIDESTEP_FIXTURES names no folder of recordings");
        return Vec::new();
    };
    let mut files = Vec::new();
    find(Path::new(&root), &mut files);
    files.retain(|(path, _)| ending.iter().any(|ending| path.to_string_lossy().ends_with(ending)));
    assert!(!files.is_empty(), "no recordings there");
    files
}

fn find(folder: &Path, files: &mut Vec<(PathBuf, Dialect)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let parent = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let dialect = match parent.as_deref() {
            Some("anthropic" | "llm-anthropic") => Some(Dialect::Anthropic),
            Some("openai-chat" | "envoy-ai-gateway") => Some(Dialect::OpenAi),
            Some("openai-responses") => Some(Dialect::Responses),
            _ => None,
        };
        match dialect {
            _ if path.is_dir() => find(&path, files),
            Some(dialect) => files.push((path, dialect)),
            None => {}
        }
    }
}

/// An answer that is nothing but the provider's own tools at work: only its own dialect can tell it.
fn is_opaque(answer: &Answer) -> bool {
    let tellable = |kind: &BlockKind| !matches!(kind, BlockKind::Opaque | BlockKind::Thinking);
    answer.blocks.iter().any(|block| block.kind == BlockKind::Opaque)
        && !answer.blocks.iter().any(|block| tellable(&block.kind))
}

#[test]
fn recorded_streams_survive_every_dialect() {
    let (mut whole, mut broken, mut opaque) = (0, 0, 0);
    for (path, from) in recordings(&[".sse", ".chunks.txt"]) {
        for stream in crate::recording::streams(&path, from).unwrap() {
            let (events, result) = decode(from, &stream);
            let name = path.display();
            if stream.windows(12).any(|word| word == b"event: error") {
                // Groq's own check of a tool call's arguments failed in the middle of the stream.
                let failure = StreamFault::InBand(Failure {
                    class: ErrorClass::Client,
                    status: None,
                    retry_after: None,
                    code: Some("tool_use_failed".to_owned()),
                });
                assert_eq!(result, Err(failure), "{name}");
                assert_raises(&events);
                broken += 1;
                continue;
            }
            assert_eq!(result, Ok(()), "{name}");
            let answer = Answer::collect(&events);
            if is_opaque(&answer) {
                assert_raises(&events);
                opaque += 1;
                continue;
            }
            for to in Dialect::ALL {
                let (again, result) = decode(to, &encode(to, &events));
                assert_eq!(result, Ok(()), "{name} as {to:?}");
                assert_eq!(
                    Digest::of(&Answer::collect(&again), &[to]),
                    Digest::of(&answer, &[to]),
                    "{name} as {to:?}"
                );
            }
            whole += 1;
        }
    }
    println!("{whole} whole, {opaque} opaque, {broken} broken by their provider");
    assert!(broken <= 1 && opaque <= 2 && (whole == 0 || whole > 60));
}

fn assert_raises(events: &[Event]) {
    for to in Dialect::ALL {
        let stream = encode(to, events);
        assert!(!looks_finished(&stream));
        assert!(matches!(decode(to, &stream).1, Err(StreamFault::InBand(_))));
    }
}

/// The recorded bodies in a file, each with its status, of those calls that ask for an answer.
fn bodies(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let text = std::fs::read_to_string(path).unwrap();
    if path.extension().is_some_and(|ending| ending == "yaml") {
        let cassette: Value = serde_yaml::from_str(&text).unwrap();
        let calls = cassette["interactions"].as_array().unwrap().iter().map(|call| &call["response"]);
        return calls
            .map(|response| (response["code"].as_u64().unwrap(), response["body"].as_str().unwrap().into()))
            .collect();
    }
    let value: Value = serde_json::from_str(&text).unwrap();
    let Some(response) = value.get("response").filter(|response| response.get("headers").is_some()) else {
        let status = if value["error"].is_object() { 400 } else { 200 };
        return vec![(status, text.into_bytes())];
    };
    let uri = value["request"]["uri"].as_str().unwrap().split('?').next().unwrap();
    let asks = ["/messages", "/chat/completions", "/responses"].iter().any(|end| uri.ends_with(end));
    match &response["body"] {
        Value::Null => Vec::new(),
        body if asks => vec![(response["status"].as_u64().unwrap(), body.to_string().into_bytes())],
        _ => Vec::new(),
    }
}

#[test]
fn recorded_bodies_survive_every_dialect() {
    let (mut whole, mut failed, mut opaque, mut pending) = (0, 0, 0, 0);
    for (path, from) in recordings(&[".json", ".yaml"]) {
        for (status, body) in bodies(&path) {
            let (name, read) = (path.display(), read_answer(from, Flavor::Generic, &body));
            let facts = inspect_answer(from, Flavor::Generic, &body);
            if status != 200 {
                assert!(matches!(read, Err(AnswerFault::InBand(_))), "{name}: {read:?}");
                failed += 1;
            } else if read == Err(AnswerFault::Unfinished) {
                // Asked for in the background.
                assert_eq!(facts.unwrap().stop, None, "{name}");
                pending += 1;
            } else {
                let answer = read.unwrap_or_else(|fault| panic!("{name}: {fault}"));
                let facts = facts.unwrap();
                assert_eq!(
                    (facts.usage, facts.stop, facts.empty),
                    (answer.usage, answer.stop, false),
                    "{name}"
                );
                survives(&name.to_string(), from, &body, &answer);
                if is_opaque(&answer) { opaque += 1 } else { whole += 1 }
            }
        }
    }
    println!("{whole} whole, {opaque} opaque, {failed} errors, {pending} pending");
    assert!(opaque <= 3 && pending <= 1 && failed <= 10 && (whole == 0 || whole > 120));
}

fn survives(name: &str, from: Dialect, body: &[u8], answer: &Answer) {
    for to in Dialect::ALL {
        let written = translate_answer(from, to, Flavor::Generic, body, &context());
        if is_opaque(answer) {
            assert_eq!(written, Err(AnswerFault::Untellable), "{name}");
            continue;
        }
        let (written, facts) = written.unwrap();
        assert_eq!(
            (&facts.model, facts.usage, facts.stop),
            (&answer.model, answer.usage, answer.stop),
            "{name}"
        );
        let again = read_answer(to, Flavor::Generic, &written).unwrap();
        assert_eq!(Digest::of(&again, &[to]), Digest::of(answer, &[to]), "{name} as {to:?}");
    }
}
