//! Pods after injection, for who says the same in another language: `injected SETTINGS pod|namespace`.
//!
//! A recorded request a line on standard input; a line for each on standard output, with the pod and the decision.

use std::{
    error::Error,
    fs,
    io::{Write, stdin, stdout},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sidestep_inject::{OptIn, Presence, Review, Settings};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let (Some(settings), Some(opt_in)) = (words.next(), words.next()) else {
        return Err("name the settings, and who asked for the sidecar".into());
    };
    let settings = Settings::parse(&fs::read_to_string(settings)?)?;
    let opt_in = OptIn::of_path(&format!("/mutate/{opt_in}")).ok_or("neither pod nor namespace")?;
    for line in stdin().lines() {
        writeln!(stdout(), "{}", injected(&line?, opt_in, &settings)?)?;
    }
    Ok(())
}

fn injected(line: &str, opt_in: OptIn, settings: &Settings) -> Outcome<Value> {
    let reply = Review::parse(line.as_bytes())?.answer(opt_in, settings, Presence::Present);
    let answer: Value = serde_json::from_slice(&reply.body)?;
    let mut review: Value = serde_json::from_str(line)?;
    let mut pod = review["request"]["object"].take();
    if let Some(patch) = answer["response"]["patch"].as_str() {
        let patch: json_patch::Patch = serde_json::from_slice(&STANDARD.decode(patch)?)?;
        json_patch::patch(&mut pod, &patch)?;
    }
    let (did, why) = reply.outcome.labels();
    Ok(json!({ "did": did, "why": why, "pod": pod }))
}
