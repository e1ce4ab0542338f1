//! Writes recorded pods as they are after injection, for a schema validator: `patched RECORDINGS FOLDER`.
//!
//! Each way of injecting has a folder of its own; `original` has the pods as they came.

use std::{error::Error, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sidestep_inject::{OptIn, Presence, Review, Settings};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A name, what is in the settings' `sidecar`, and whether pods come with every annotation.
const WAYS: [(&str, &str, bool); 4] = [
    ("native", "config: sidestep, keys_secret: keys, pull_policy: IfNotPresent", false),
    ("plain", "config: sidestep, keys_secret: keys, native: false", false),
    ("keys", "keys_secret: keys, run_as_user: null, log_level: debug", false),
    ("asked", "config: sidestep", true),
];

fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let (Some(recordings), Some(folder)) = (words.next(), words.next()) else {
        return Err("name the folder of recordings and the one to write to".into());
    };
    let mut names: Vec<_> =
        fs::read_dir(&recordings)?.map(|entry| entry.map(|one| one.file_name())).collect::<Result<_, _>>()?;
    names.sort();
    for name in names {
        let review: Value = serde_json::from_slice(&fs::read(Path::new(&recordings).join(&name))?)?;
        write(&Path::new(&folder).join("original").join(&name), &review["request"]["object"])?;
        for (way, sidecar, asks) in WAYS {
            let mut review = review.clone();
            if asks {
                ask(&mut review["request"]["object"]["metadata"]);
            }
            write(&Path::new(&folder).join(way).join(&name), &injected(&review, sidecar)?)?;
        }
    }
    Ok(())
}

fn injected(review: &Value, sidecar: &str) -> Outcome<Value> {
    let text = format!(
        "{{ namespace: n, certificate: {{ mode: files, folder: /tls }}, sidecar: {{ image: i, {sidecar} }} }}"
    );
    let settings = Settings::parse(&text)?;
    let reply =
        Review::parse(review.to_string().as_bytes())?.answer(OptIn::Pod, &settings, Presence::Present);
    let answer: Value = serde_json::from_slice(&reply.body)?;
    let mut pod = review["request"]["object"].clone();
    if let Some(patch) = answer["response"]["patch"].as_str() {
        let patch: json_patch::Patch = serde_json::from_slice(&STANDARD.decode(patch)?)?;
        json_patch::patch(&mut pod, &patch)?;
    }
    Ok(pod)
}

fn ask(metadata: &mut Value) {
    for (annotation, value) in [
        ("config", "own"),
        ("keys-secret", "own-keys"),
        ("image", "registry.example/sidestep:2"),
        ("log-level", "debug"),
        ("cpu-request", "20m"),
        ("cpu-limit", "1"),
        ("memory-request", "32Mi"),
        ("memory-limit", "64Mi"),
        ("env", "HTTPS_PROXY=http://proxy:3128\nREGION=eu"),
    ] {
        metadata["annotations"][format!("sidestep.dev/{annotation}")] = json!(value);
    }
}

fn write(path: &Path, pod: &Value) -> Outcome<()> {
    fs::create_dir_all(path.parent().ok_or("a path without a folder")?)?;
    Ok(fs::write(path, pod.to_string())?)
}
