//! Reviews in, answers out: recorded ones, generated ones, and ones that no API server would send.
#![cfg(test)]

mod applied;
mod documented;
mod generated;
mod hostile;
mod recorded;
mod requests;
mod settled;

use sidestep_inject::Settings;

/// What the chart renders, in short.
fn settings(sidecar: &str) -> Settings {
    let text = format!(
        "namespace: sidestep-system\n\
         certificate: {{ mode: files, folder: /tls }}\n\
         sidecar: {{ image: registry.example/sidestep:1, config: sidestep, keys_secret: sidestep-keys{sidecar} }}\n"
    );
    Settings::parse(&text).unwrap()
}
